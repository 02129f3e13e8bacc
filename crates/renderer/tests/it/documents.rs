//! Where documents end, and keys that stand twice in patches, as kustomize 5.8.1 has both; found by changing the corpus' cases at random.

use fiel_renderer::{Error, Memory, Options, build};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n";
const FLOW: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}}";

/// How many resources come of the files, and what is warned of.
fn built(files: &[(&str, &str)]) -> Result<(usize, Vec<String>, String), Error> {
    let files: Memory = files.iter().copied().collect();
    let build = build(&files, "", &Options::default())?;
    let warnings = build.warnings().to_vec();
    let text = build.to_yaml();
    Ok((text.matches("kind: ").count(), warnings, text))
}

fn of_resource(text: &str) -> Option<(usize, bool)> {
    let (count, warnings, _) = built(&[("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", text)]).ok()?;
    Some((count, warnings.iter().any(|warning| warning.contains("nothing is read"))))
}

#[test]
fn a_document_of_a_resource_ends_with_its_value() {
    let other = MAP.replace("m}", "n}");
    let indented: String = MAP.lines().map(|line| format!("  {line}\n")).collect();
    // What is read, and whether something that is not read is warned of.
    for (text, wanted) in [
        (format!("{MAP}...\n{other}"), Some((1, true))),
        (format!("{MAP}...\ngarbage: [\n---\n{other}"), Some((2, true))),
        (format!("{MAP}...\n---\n{other}"), Some((2, false))),
        (format!("{MAP}... x\n"), Some((1, false))),
        (format!("{MAP}...\n# only a comment\n"), Some((1, false))),
        (format!("...\n{MAP}"), None),
        (format!("---\n...\n{MAP}"), Some((0, true))),
        (format!("%YAML 1.1\n---\n{MAP}"), None),
        (format!("{MAP}---x: y\n"), None),
        (format!("{indented}data: {{a: b}}\n"), Some((1, true))),
        (format!("{indented}@x\n"), None),
        (format!("{indented}\"x\n"), None),
        (format!("{indented}\tx\n"), None),
        (format!("{MAP}- x\n"), None),
        (format!("{FLOW} x\n"), Some((1, true))),
        (format!("{FLOW}]\n---\n{other}"), Some((2, true))),
        (format!("{FLOW}\n{FLOW}\n"), Some((1, true))),
        (format!("{FLOW} : x\n"), None),
        (format!("{FLOW}: x\n"), None),
    ] {
        assert_eq!(of_resource(&text), wanted, "{text}");
    }
}

#[test]
fn of_a_kustomization_the_first_document_counts() {
    let is_prefixed = |text: &str| {
        let (_, warnings, text) = built(&[("kustomization.yaml", text), ("r.yaml", MAP)]).ok()?;
        Some((text.contains("name: p-m"), !warnings.is_empty()))
    };
    for (text, wanted) in [
        ("resources: [r.yaml]\n---\nnamePrefix: p-\n", Some((false, true))),
        ("resources: [r.yaml]\n---\nnonsense: [\n", Some((false, true))),
        ("resources: [r.yaml]\n...\n# nothing\n", Some((false, false))),
        ("  resources: [r.yaml]\nnamePrefix: p-\n", Some((false, true))),
        ("{resources: [r.yaml], namePrefix: p-} x\n", Some((true, true))),
        ("%YAML 1.1\n---\nresources: [r.yaml]\nnamePrefix: p-\n", Some((true, false))),
        ("%YAML 1.3\n---\nresources: [r.yaml]\n", None),
        ("%YAML 1.1\nresources: [r.yaml]\n", None),
        ("...\nresources: [r.yaml]\n", None),
    ] {
        assert_eq!(is_prefixed(text), wanted, "{text}");
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 1\n  template: {spec: {containers: [{name: c, image: i}]}}\n";

fn patched(patch: &str, target: &str) -> Result<String, String> {
    let kustomization = format!("resources: [r.yaml]\npatches:\n- path: p.yaml\n{target}");
    let patch = format!("apiVersion: apps/v1\nkind: Deployment\n{patch}");
    let (_, warnings, text) =
        built(&[("kustomization.yaml", &kustomization), ("r.yaml", DEPLOYMENT), ("p.yaml", &patch)]).map_err(|error| error.to_string())?;
    assert!(warnings.iter().any(|warning| warning.contains("for the second time")), "{warnings:?}");
    Ok(text)
}

#[test]
fn of_a_key_that_a_patch_has_twice_the_first_one_counts_where_it_meets_a_map() {
    let named = |spec: &str| patched(&format!("metadata: {{name: d}}\nspec: {spec}\n"), "");
    for (spec, wanted) in [
        ("{replicas: 2, replicas: 3}", "replicas: 2"),
        ("{paused: true, paused: false}", "paused: true"),
        ("{replicas: 2, replicas: null}", "replicas: 2"),
        ("{template: {spec: {containers: [{name: c, image: x, image: y}]}}}", "image: x"),
    ] {
        let text = named(spec).expect(spec);
        assert!(text.contains(wanted), "{spec}: {text}");
    }
    assert!(!named("{replicas: null, replicas: 3}").expect("built").contains("replicas"));
    // What is new comes as it is, and cannot be read again.
    for spec in ["{strategy: {type: a, type: b}}", "{template: {spec: {containers: [{name: z, image: x, image: y}]}}}"] {
        let error = named(spec).expect_err(spec);
        assert!(error.starts_with("p.yaml:4:") && error.contains("is here for the second time"), "{error}");
    }
}

#[test]
fn of_annotations_that_a_patch_has_twice_the_last_one_counts() {
    let patch = |field: &str, target: &str| patched(&format!("metadata: {{name: d, {field}: {{a: b, a: c}}}}\n"), target);
    assert!(patch("annotations", "").expect("built").contains("a: c"));
    assert!(patch("labels", "  target: {kind: Deployment}\n").expect("built").contains("a: c"));
    assert!(patch("labels", "").is_err());
}

#[test]
fn what_stands_beside_a_replacement_in_a_file_is_nothing() {
    let built = |kustomization: &str, file: &str| {
        let (_, warnings, text) = built(&[("kustomization.yaml", kustomization), ("r.yaml", DEPLOYMENT), ("p.yaml", file)]).ok()?;
        Some((text.contains("paused: 1"), warnings.len()))
    };
    let replacement = |more: &str| {
        format!(
            "source: {{kind: Deployment, fieldPath: spec.replicas{more}}}\ntargets: [{{select: {{kind: Deployment{more}}}, fieldPaths: [spec.paused], options: {{create: true{more}}}}}]\n"
        )
    };
    let by_path = "resources: [r.yaml]\nreplacements: [{path: p.yaml}]\n";
    assert_eq!(built(by_path, &replacement("")), Some((true, 0)));
    assert_eq!(built(by_path, &replacement(", bogus: 1")), Some((true, 3)));
    assert_eq!(built("resources: [r.yaml]\nreplacements: [{path: p.yaml, bogus: 1}]\n", &replacement("")), None);
    let inline = |more: &str| format!("resources: [r.yaml]\nreplacements:\n- {}", replacement(more).replace('\n', "\n  "));
    assert_eq!(built(&inline(""), ""), Some((true, 0)));
    assert_eq!(built(&inline(", bogus: 1"), ""), None);
    assert_eq!(built(&inline(", Kind: X"), "").map(|found| found.0), None, "options have no kind");
}

#[test]
fn entries_that_hold_nothing_are_nothing_beside_others() {
    let builds = |text: &str| built(&[("kustomization.yaml", &format!("resources: [r.yaml]\n{text}")), ("r.yaml", DEPLOYMENT)]).is_ok();
    let patch = "'{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 4}}'";
    assert!(builds(&format!("patchesStrategicMerge: [{patch}, null]\n")) && !builds("patchesStrategicMerge: [null]\n"));
    for field in ["generators", "transformers", "validators"] {
        assert!(builds(&format!("{field}: [null, '', '# only a comment', '---']\n")), "{field}");
    }
}

#[test]
fn configurations_and_lists_pass_over_what_they_do_not_know() {
    let builds = |transformer: &str| {
        let text = format!("apiVersion: builtin\nmetadata: {{name: t}}\n{transformer}\n");
        built(&[("kustomization.yaml", "resources: [r.yaml]\ntransformers: [t.yaml]\n"), ("r.yaml", DEPLOYMENT), ("t.yaml", &text)]).is_ok()
    };
    assert!(builds("kind: ImageTagTransformer\nimageTag: {name: i, newTag: v2, bogus: x}"));
    let patch = "'[{\"op\": \"add\", \"path\": \"/x\", \"value\": \"y\"}]'";
    assert!(builds(&format!("kind: PatchTransformer\ntarget: {{kind: Deployment, bogus: x}}\npatch: {patch}")));
    assert!(builds(&format!("kind: PatchJson6902Transformer\ntarget: {{kind: Deployment, name: d, bogus: x}}\njsonOp: {patch}")));
    assert!(!builds(&format!("kind: PatchJson6902Transformer\ntarget: {{kind: Deployment}}\njsonOp: {patch}")));
    assert!(!builds("kind: PatchStrategicMergeTransformer"));
    let items = |items: &str| of_resource(&format!("apiVersion: v1\nkind: List\nitems: {items}\n"));
    assert_eq!((items("5"), items("{a: b}"), items("[5]")), (Some((0, false)), None, None));
    let identity = |kubernetes: &str| {
        let text = format!(
            "apiVersion: builtin\nkind: IAMPolicyGenerator\nmetadata: {{name: g}}\ncloud: gke\nkubernetesService: {{{kubernetes}}}\nserviceAccount: {{name: a, projectId: p}}\n"
        );
        built(&[("kustomization.yaml", "generators: [g.yaml]\n"), ("g.yaml", &text)]).is_ok()
    };
    assert!(identity("name: k") && !identity("namespace: n"));
}

#[test]
fn a_file_of_operations_is_for_a_name() {
    let builds = |target: &str, rest: &str| {
        let kustomization = format!("resources: [r.yaml]\npatchesJson6902: [{{target: {target}, {rest}}}]\n");
        let patch = "- {op: add, path: /spec/x, value: y}\n";
        built(&[("kustomization.yaml", &kustomization), ("r.yaml", DEPLOYMENT), ("p.yaml", patch)]).is_ok()
    };
    let inline = "patch: '[{\"op\": \"add\", \"path\": \"/spec/x\", \"value\": \"y\"}]'";
    assert!(builds("{kind: Deployment, name: d.*}", "path: p.yaml") && !builds("{kind: Deployment}", "path: p.yaml"));
    assert!(builds("{kind: Deployment}", inline));
}

#[test]
fn a_configuration_has_each_key_once_and_a_subject_a_name() {
    let builds = |kustomization: &str, resource: &str, file: &str| {
        built(&[("kustomization.yaml", kustomization), ("r.yaml", resource), ("c.yaml", file)]).is_ok()
    };
    let configured = |file: &str| builds("resources: [r.yaml]\nconfigurations: [c.yaml]\n", MAP, file);
    assert!(configured("namePrefix:\n- path: spec/x\n---\nnonsense: [\n") && !configured("namePrefix:\n- {path: spec/x, path: spec/x}\n"));
    let binding = |subject: &str| {
        let resource = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b}}\nroleRef: {{kind: Role, name: r}}\nsubjects: [{subject}]\n"
        );
        builds("resources: [r.yaml]\n", &resource, "")
    };
    assert!(binding("{kind: User, name: u}") && binding("{kind: User, name: [u]}") && !binding("{kind: User}"));
}
