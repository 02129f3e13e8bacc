//! What the fuzzer found by changing cases of the corpus (`cargo xtask fuzz-kustomize --mutate`), as kustomize 5.8.1 has it.

use super::run;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: ns}
spec: {replicas: 1, template: {spec: {containers: [{name: c, image: \"nginx:1\"}]}}}
";

/// What `kustomization` makes of a resource; none where it is refused.
fn made(kustomization: &str, resource: &str, more: &str) -> Option<String> {
    let tree = format!("== kustomization.yaml\nresources: [r.yaml]\n{kustomization}== r.yaml\n{resource}{more}");
    run("", &tree).ok().map(|build| build.to_yaml())
}

fn transformed(config: &str) -> Option<String> {
    made("transformers: [c.yaml]\n", DEPLOYMENT, &format!("== c.yaml\napiVersion: builtin\nmetadata: {{name: x}}\n{config}\n"))
}

fn line<'t>(text: &'t str, key: &str) -> &'t str {
    text.lines().find_map(|line| line.trim_start().strip_prefix(key)).unwrap_or("-").trim()
}

#[test]
fn transformers_make_text_of_numbers() {
    let cases = [
        ("5", "5"),
        ("true", "true"),
        ("1.10", "1.1"),
        ("0x10", "16"),
        ("010", "8"),
        ("1_000", "1000"),
        ("1e3", "1000"),
        ("1e21", "1e+21"),
        ("1.5e-7", "1.5e-07"),
        ("123456789.123", "1.2345679e+08"),
        ("12345678901234567890", "12345678901234567890"),
        ("2020-01-01", "2020-01-01T00:00:00Z"),
        ("yes", "yes"),
    ];
    for (written, tag) in cases {
        let image = transformed(&format!("kind: ImageTagTransformer\nimageTag: {{name: nginx, newTag: {written}}}")).unwrap();
        assert_eq!(line(&image, "- image: "), format!("nginx:{tag}"), "{written}");
    }
    assert!(transformed("kind: ImageTagTransformer\nimageTag: {name: nginx, newTag: .inf}").is_none());
    let labels =
        transformed("kind: LabelTransformer\nlabels: {a: 1.10, b: null}\nfieldSpecs: [{path: metadata/labels, create: true}]").unwrap();
    assert_eq!((line(&labels, "a: "), line(&labels, "b: ")), ("\"1.1\"", "\"\""));
    // Switches stay switches.
    assert!(transformed("kind: LabelTransformer\nlabels: {a: b}\nfieldSpecs: [{path: metadata/labels, create: 1}]").is_none());
    // Generators and kustomizations are strict.
    let generator = "== c.yaml\n{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, name: 5}\n";
    assert!(made("generators: [c.yaml]\n", DEPLOYMENT, generator).is_none());
    assert!(made("namePrefix: 5\n", DEPLOYMENT, "").is_none());
}

#[test]
fn configurations_and_files_of_replacements_make_text_of_numbers() {
    let config = "== c.yaml\nimages: [{path: true, kind: Deployment}]\n";
    assert!(made("configurations: [c.yaml]\n", DEPLOYMENT, config).is_some());
    let replacement = "== c.yaml\n{sourceValue: 1.10, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.name]}]}\n";
    assert_eq!(line(&made("replacements: [{path: c.yaml}]\n", DEPLOYMENT, replacement).unwrap(), "name: d"), "-");
    let inline = "replacements: [{sourceValue: 1.10, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.name]}]}]\n";
    assert!(made(inline, DEPLOYMENT, "").is_none());
}

#[test]
fn plugins_know_no_unknown_options_and_kustomizations_do() {
    let generator =
        "== c.yaml\n{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: x}, options: {kind: true, immutable: true}}\n";
    assert!(made("generators: [c.yaml]\n", DEPLOYMENT, generator).unwrap().contains("immutable: true"));
    let patch = |options: &str| {
        let patch = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ns}}";
        made(&format!("patches: [{{patch: \"{patch}\", options: {options}}}]\n"), DEPLOYMENT, "").is_some()
    };
    assert!(patch("{allowNameChange: null}") && patch("{allownamechange: true}") && patch("null"));
    assert!(!patch("{foo: true}") && !patch("{allowNameChange: 5}"));
    assert!(transformed("kind: PatchTransformer\ntarget: {kind: Deployment}\npatch: '[]'\noptions: {foo: 5}").is_some());
    // `openapi` is a map of texts to it.
    assert!(made("openapi: {foo: bar}\n", DEPLOYMENT, "").is_some());
}

#[test]
fn added_values_take_the_type_that_they_look_like_unless_a_text_is_there() {
    let added =
        |value: &str, path: &str| transformed(&format!("kind: ValueAddTransformer\nvalue: {value}\ntargets: [{{fieldPath: {path}}}]"));
    for (value, new, text) in [
        ("\"5\"", "5", "\"5\""),
        ("5", "5", "\"5\""),
        ("' a'", "a", "a"),
        ("\"1e3\"", "1000", "\"1e3\""),
        ("\"yes\"", "\"yes\"", "\"yes\""),
    ] {
        assert_eq!(line(&added(value, "metadata/x").unwrap(), "x: "), new, "{value}");
        assert_eq!(line(&added(value, "spec/replicas").unwrap(), "replicas: "), new, "{value}");
        assert_eq!(line(&added(value, "metadata/namespace").unwrap(), "namespace: "), text, "{value}");
    }
    assert!(added("a", "spec/template").is_none());
    // A text without quotes is one no more, unless it is a namespace.
    let config = "== c.yaml\n{apiVersion: builtin, kind: ValueAddTransformer, metadata: {name: x}, value: 7, targets: [{fieldPath: metadata/labels/a}, {fieldPath: metadata/namespace}]}\n";
    let labelled = |label: &str| {
        let text = format!("kind: ConfigMap\nmetadata:\n  name: x\n  namespace: team\n  labels:\n    a: {label}\n");
        made("transformers: [c.yaml]\n", &text, config).unwrap()
    };
    let built = labelled("old");
    assert_eq!((line(&built, "a: "), line(&built, "namespace: ")), ("7", "\"7\""));
    assert_eq!(line(&labelled("'old'"), "a: "), "\"7\"");
}

#[test]
fn one_part_of_a_reject_is_enough() {
    let objects = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, labels: {a: b}}\ndata: {x: old}\n---
apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {a: z}}\ndata: {x: old}\n";
    let replaced = |reject: &str| {
        let source = "source: {kind: ConfigMap, fieldPath: metadata.name}";
        let target = format!("{{select: {{version: v1}}, reject: [{reject}], fieldPaths: [data.x]}}");
        let built = made(&format!("replacements: [{{{source}, targets: [{target}]}}]\n"), objects, "").unwrap();
        let mut lines = built.lines().filter_map(|line| line.strip_prefix("  x: "));
        (lines.next() == Some("b"), lines.next() == Some("b"))
    };
    // Whether the ConfigMap and the Secret are replaced.
    let cases = [
        ("{name: s, labelSelector: a=b}", (false, false)),
        ("{name: x, labelSelector: a=b}", (false, true)),
        ("{name: b, labelSelector: a=c}", (false, true)),
        ("{labelSelector: 'a in (b, z)', kind: X}", (false, false)),
        ("{labelSelector: ' '}", (false, false)),
        ("{}", (true, true)),
        ("{name: null}", (true, true)),
        ("{annotationSelector: ''}", (true, true)),
    ];
    for (reject, expected) in cases {
        assert_eq!(replaced(reject), expected, "{reject}");
    }
}

#[test]
fn replacements_meet_nothing_and_annotations() {
    let replaced = |path: &str, fields: &str| {
        let target = format!("{{select: {{kind: ConfigMap}}, fieldPaths: [{path}], options: {{create: true}}}}");
        let replacement = format!("replacements: [{{source: {{kind: ConfigMap, fieldPath: metadata.name}}, targets: [{target}]}}]\n");
        made(&replacement, &format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n{fields}\n"), "")
    };
    // Below `null` it makes nothing and says nothing; below no value it refuses.
    assert!(replaced("data.a", "data: null").unwrap().contains("data: null"));
    for fields in ["data:", "data: # nothing"] {
        assert!(["data.a", "data.a.b", "data.'[a=b]'.c", "data.0"].iter().all(|path| replaced(path, fields).is_none()), "{fields}");
    }
    assert!(replaced("data.a.b", "data: {a: }").is_none());
    for value in ["-1", "true", "null", "2020-01-01"] {
        assert!(replaced("metadata.annotations.x", &format!("  annotations: {{x: {value}}}")).unwrap().contains("    x: b\n"), "{value}");
    }
    assert!(replaced("metadata.labels.x", "  labels: {x: 5}").is_none());
}

#[test]
fn wrong_shapes_are_refused() {
    let bound = |subjects: &str| {
        made(
            "namespace: q\n",
            &format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: c}}\nsubjects: {subjects}\n"),
            "",
        )
    };
    assert!(bound("null").is_some() && bound("[]").is_some() && bound("[{kind: User, name: a}]").is_some());
    for subjects in ["a", "5", "''", "{}", "{kind: ServiceAccount, name: default}", "[a]", "[[]]", "[null]"] {
        assert!(bound(subjects).is_none(), "{subjects}");
    }
    let image = |image: &str| {
        let pod = format!("apiVersion: v1\nkind: Foo\nmetadata: {{name: c}}\nspec: {{a: {{containers: [{{image: {image}}}]}}}}\n");
        made("images: [{name: nginx, newTag: a}]\n", &pod, "")
    };
    assert!(["null", "5", "''", "nginx"].iter().all(|written| image(written).is_some()));
    assert!(["{}", "[]", "[a]", "{a: b}"].iter().all(|written| image(written).is_none()));
    let version = |version: &str, kind: &str| made("", &format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: c}}\n"), "");
    // Only who may refer to others is asked.
    for written in ["/", "/v1", "//", "null", "~"] {
        assert!(version(written, "Pod").is_none() && version(written, "ConfigMap").is_some(), "{written}");
    }
    assert!(version("", "Pod").is_some() && version("a/b/c", "Pod").is_some() && version("x/", "Pod").is_some());
    let crds = |text: &str| made("crds: [c.json]\n", DEPLOYMENT, &format!("== c.json\n{text}\n")).is_some();
    assert!(crds("{}") && crds("{\"a\": {}}") && !crds("{\n},") && !crds("{a: {}}"));
}

#[test]
fn field_specs_of_configurations_may_not_contradict_each_other_in_any_order() {
    let config = |specs: &str| made("configurations: [c.yaml]\n", DEPLOYMENT, &format!("== c.yaml\nlabels: [{specs}]\n")).is_some();
    assert!(!config("{path: a, create: true}, {path: a, kind: X}") && !config("{path: a, kind: X}, {path: a, create: true}"));
    assert!(
        config("{path: a, create: true}, {path: a, kind: X, create: true}")
            && config("{path: a, kind: X}, {path: a, kind: Y, create: true}")
    );
}

#[test]
fn field_specs_of_configurations_come_behind_kustomizes_own() {
    let service = "kind: Service\nmetadata: {name: s}\n";
    let config = |specs: &str| {
        let config = format!("== c.yaml\ncommonAnnotations: [{specs}]\n");
        made("configurations: [c.yaml]\ncommonAnnotations: {q: r}\n", service, &config)
    };
    let places = |specs: &str| config(specs).map(|built| built.matches("q: r").count());
    // One for Deployments is there, so that one for all kinds is none.
    assert_eq!(places("{path: spec/template/metadata/annotations, create: true}"), Some(1));
    assert_eq!(places("{path: spec/other, create: true}"), Some(2));
    assert_eq!(places("{path: spec/template/metadata/annotations}"), None);
    assert_eq!(places("{path: metadata/annotations, kind: Service}"), None);
    assert_eq!(places("{path: metadata/annotations, kind: Service, create: true}"), Some(1));
}

#[test]
fn what_has_no_name_is_nothing() {
    let env = "== e.env\n=x\nb=c\n=\n";
    let built = made("configMapGenerator: [{name: a, envs: [e.env]}]\n", DEPLOYMENT, env).unwrap();
    assert!(built.contains("data:\n  b: c\n") && built.contains("name: a-c78c7b75hm"), "{built}");
    let vars = "vars: [{name: '', objref: {kind: Deployment, name: d, apiVersion: apps/v1}}]\n";
    assert!(made(vars, DEPLOYMENT, "").is_some());
    let path = "vars: [{name: A, objref: {kind: Deployment, name: d, apiVersion: apps/v1}, fieldref: {fieldpath: ''}}]\ncommonAnnotations: {a: $(A)}\n";
    assert!(made(path, DEPLOYMENT, "").unwrap().contains("a: d\n"));
}

#[test]
fn quotes_come_from_the_resource_and_not_from_its_patch() {
    let replicas = |old: &str, new: &str| {
        let patch = format!("{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d}}, spec: {{replicas: {new}}}}}");
        let text = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: {old}\n");
        let patched = |more: &str| {
            let built = made(&format!("{more}patches: [{{path: p.yaml}}]\n"), &text, &format!("== p.yaml\n{patch}\n")).unwrap();
            line(&built, "replicas: ").to_owned()
        };
        (patched(""), patched("replicas: [{name: d, count: 5}]\n"))
    };
    assert_eq!(replicas("1", "\"3\""), ("\"3\"".into(), "5".into()));
    assert_eq!(replicas("", "\"3\""), ("\"3\"".into(), "5".into()));
    assert_eq!(replicas("'1'", "3"), ("\"3\"".into(), "\"5\"".into()));
    assert_eq!(replicas("1", "3"), ("3".into(), "5".into()));
}

#[test]
fn a_patch_leaves_names_that_are_numbers() {
    let patch = "patches: [{target: {kind: ConfigMap}, patch: '{kind: ConfigMap, metadata: {name: b}}'}]\n";
    let patched = |header: &str| made(patch, &format!("{header}kind: ConfigMap\nmetadata:\n  name: 5\n  namespace: true\n"), "").unwrap();
    let built = patched("apiVersion: v1\n");
    assert!(built.contains("  name: 5\n  namespace: true\n"), "{built}");
    assert!(patched("apiVersion: ~\n").starts_with("apiVersion: null\n"));
}

#[test]
fn the_older_patches_of_operations_forget_names() {
    let objects = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n---
apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, envFrom: [{configMapRef: {name: old}}]}]}\n";
    let target = "{version: v1, kind: ConfigMap, name: old}";
    let rename = |field: &str, patch: &str| {
        let operation = "[{\"op\": \"replace\", \"path\": \"/metadata/name\", \"value\": \"new\"}]";
        made(&format!("{field}:\n- target: {target}\n  {patch}\n"), objects, &format!("== p.json\n{operation}\n")).unwrap()
    };
    let inline = "patch: '[{\"op\": \"replace\", \"path\": \"/metadata/name\", \"value\": \"new\"}]'";
    for patch in ["path: p.json", inline] {
        assert!(rename("patches", patch).contains("        name: new\n"), "{patch}");
        assert!(rename("patchesJson6902", patch).contains("        name: old\n"), "{patch}");
    }
}

#[test]
fn operations_of_both_kinds_leave_kind_and_name() {
    let target = "target: {group: apps, version: v1, kind: Deployment, name: d, namespace: ns}";
    for field in ["patches", "patchesJson6902"] {
        let patched = |path: &str| made(&format!("{field}: [{{{target}, patch: '- {{op: remove, path: {path}}}'}}]\n"), DEPLOYMENT, "");
        assert!(patched("/metadata/name").is_none() && patched("/kind").is_none(), "{field}");
        assert!(patched("/spec/replicas").is_some(), "{field}");
    }
}

#[test]
fn only_add_makes_parents() {
    let patched = |operation: &str| made(&format!("patches: [{{target: {{kind: Deployment}}, patch: '- {operation}'}}]\n"), DEPLOYMENT, "");
    assert!(patched("{op: add, path: /metadata/labels/a, value: b}").is_some());
    for operation in ["copy", "move"] {
        assert!(patched(&format!("{{op: {operation}, from: /spec/replicas, path: /metadata/labels/a}}")).is_none(), "{operation}");
        assert!(patched(&format!("{{op: {operation}, from: /spec/replicas, path: /spec/other}}")).is_some(), "{operation}");
    }
}

#[test]
fn patches_of_several_documents_may_have_options() {
    let patch = |more: &str| {
        let one = |key: &str| {
            format!("    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: d, namespace: ns, annotations: {{{key}: x}}}}\n")
        };
        made(&format!("patches:\n- patch: |-\n{}    ---\n{}  {more}\n", one("a"), one("b")), DEPLOYMENT, "")
    };
    let built = patch("options: {allowNameChange: true}").unwrap();
    assert!(built.contains("    a: x\n    b: x\n"), "{built}");
    assert!(patch("target: {kind: Deployment}").is_none());
}

#[test]
fn directives_for_a_list_are_followed_where_its_map_is_new() {
    let patched = |resource: &str, list: &str| {
        let header = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n";
        let patch = format!("== p.yaml\n{header}spec: {{template: {{spec: {{containers: {list}}}}}}}\n");
        let built = made("patches: [{path: p.yaml}]\n", &format!("{header}{resource}"), &patch).unwrap();
        built.split_once("    spec:").map_or("", |(_, spec)| spec).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("[{$patch: replace}]", "containers: []", "containers: - $patch: replace"),
        ("[{$patch: replace}, {name: a}]", "containers: - name: a", "containers: - $patch: replace"),
        ("[{$patch: delete}, {name: a}]", "{}", "containers: - $patch: delete"),
        ("[{$patch: merge}]", "containers: []", "containers: - $patch: merge"),
        ("[{$patch: replace}, {$patch: merge}]", "containers: []", "containers: - $patch: merge"),
    ];
    for (list, new, known) in cases {
        for resource in ["", "spec: {}\n", "spec:\n", "spec: {template: {}}\n"] {
            assert_eq!(patched(resource, list), new, "{list} in {resource}");
        }
        // Where only the list is new they are taken for elements.
        assert_eq!(patched("spec: {template: {spec: {}}}\n", list), known, "{list}");
    }
}

#[test]
fn a_port_without_its_protocol_takes_nothing_away_where_others_have_theirs() {
    let patched = |ports: &str, patch: &str| {
        let with = |ports: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {{template: {{spec: {{containers: [{{name: c, ports: [{ports}]}}]}}}}}}\n"
            )
        };
        let built = made("patches: [{path: p.yaml}]\n", &with(ports), &format!("== p.yaml\n{}", with(patch))).unwrap();
        built.split_once("ports:").map_or("", |(_, ports)| ports).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mixed = "{containerPort: 80}, {containerPort: 81, protocol: UDP}";
    assert_eq!(patched(mixed, "{containerPort: 80, $patch: delete}"), "- containerPort: 80 - containerPort: 81 protocol: UDP");
    assert_eq!(patched(mixed, "{containerPort: 80, name: w}"), "- containerPort: 80 name: w - containerPort: 81 protocol: UDP");
    assert_eq!(patched("{containerPort: 80}, {containerPort: 81}", "{containerPort: 80, $patch: delete}"), "- containerPort: 81");
    let twice = "{containerPort: 80}, {containerPort: 80, protocol: UDP}";
    assert_eq!(patched(twice, "{containerPort: 80, name: w}"), "- containerPort: 80 - containerPort: 80 protocol: UDP");
}

#[test]
fn annotations_are_there_once_kustomize_keeps_something_in_them() {
    let config = "== c.yaml\n{apiVersion: builtin, kind: AnnotationsTransformer, metadata: {name: x}, annotations: {p: q}, fieldSpecs: [{path: metadata/annotations}]}\n";
    let annotated = |more: &str| made(&format!("{more}transformers: [c.yaml]\n"), DEPLOYMENT, config).unwrap().matches("p: q").count();
    assert_eq!(annotated(""), 0);
    assert_eq!(annotated("commonLabels: {a: b}\n"), 0);
    assert_eq!(annotated("namePrefix: a-\n"), 1);
    assert_eq!(annotated("buildMetadata: [managedByLabel]\n"), 1);
    assert_eq!(annotated("namespace: other\n"), 1);
    let namespace = "kind: NamespaceTransformer\nmetadata: {name: x, namespace: plug}\nfieldSpecs: [{path: metadata/annotations}]";
    assert!(transformed(namespace).is_none());
    assert_eq!(annotated("patches: [{target: {kind: Deployment}, patch: '- {op: add, path: /x, value: 1}'}]\n"), 1);
    assert_eq!(annotated("configMapGenerator: [{name: ab, options: {disableNameSuffixHash: true}}]\n"), 1);
}

#[test]
fn affixes_make_what_they_look_like_unless_a_text_is_there() {
    let labelled = |suffix: &str, label: &str| {
        let config = format!(
            "== c.yaml\n{{apiVersion: builtin, kind: SuffixTransformer, metadata: {{name: x}}, suffix: {suffix}, fieldSpecs: [{{path: metadata/labels/app, create: true}}]}}\n"
        );
        let built = made("transformers: [c.yaml]\n", &format!("kind: ConfigMap\nmetadata:\n  name: x\n{label}"), &config).unwrap();
        line(&built, "app: ").to_owned()
    };
    let label = |value: &str| format!("  labels:\n    app: {value}\n");
    assert_eq!(labelled("'5'", ""), "5");
    assert_eq!(labelled("'5'", &label("5")), "55");
    assert_eq!(labelled("'5'", &label("'5'")), "\"55\"");
    assert_eq!(labelled("'5'", &label("")), "5");
    assert_eq!(labelled("x", &label("5")), "5x");
    assert_eq!(labelled("''", ""), "null");
}

#[test]
fn no_targets_are_too_few_in_a_kustomization_only() {
    let replacement = "{source: {kind: Deployment}, targets: []}";
    assert!(made(&format!("replacements: [{replacement}]\n"), DEPLOYMENT, "").is_none());
    assert!(made("replacements: [{path: c.yaml}]\n", DEPLOYMENT, &format!("== c.yaml\n{replacement}\n")).is_some());
    assert!(transformed(&format!("kind: ReplacementTransformer\nreplacements: [{replacement}]")).is_some());
    assert!(made("replacements: [{path: c.yaml}]\n", DEPLOYMENT, "== c.yaml\n{source: {kind: Deployment}}\n").is_none());
}

#[test]
fn replacements_leave_kind_and_name() {
    let replaced = |path: &str, value: &str| {
        let target = format!("{{select: {{kind: ConfigMap}}, fieldPaths: [{path}]}}");
        made(&format!("replacements: [{{{value}, targets: [{target}]}}]\n"), "kind: ConfigMap\nmetadata: {name: b, labels: {a: b}}\n", "")
            .is_some()
    };
    let labels = "source: {kind: ConfigMap, fieldPath: metadata.labels}";
    assert!(["kind", "metadata.name", "metadata"].iter().all(|path| !replaced(path, "sourceValue: ''")));
    assert!(!replaced("kind", labels) && !replaced("metadata.name", labels));
    assert!(replaced("metadata.labels.a", labels) && replaced("metadata.name", "sourceValue: c"));
}

#[test]
fn a_map_empties_a_text_that_operations_have_passed() {
    let pod = "kind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {containers: [{name: c, image: i}]}\n";
    let patch = "patches: [{target: {kind: Pod}, patch: '- {op: add, path: /x, value: 1}'}]\n";
    let replacement = "replacements: [{source: {kind: Pod, fieldPath: metadata.labels}, targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image]}]}]\n";
    assert!(made(&format!("{patch}{replacement}"), pod, "").unwrap().contains("image: \"\"\n"));
}

#[test]
fn a_component_gives_no_two_resources_one_id() {
    let tree = |kind: &str| {
        let rename =
            "replacements: [{source: {kind: Deployment, name: a}, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.name]}]}]\n";
        let deployment = |name: &str| format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n");
        let (resources, components) =
            if kind == "Component" { ("resources: [r.yaml]\n", "components: [c]\n") } else { ("", "resources: [c]\n") };
        let inner = if kind == "Component" { "" } else { "resources: [r.yaml]\n" };
        let file = format!("{}---\n{}", deployment("a"), deployment("b"));
        run(
            "",
            &format!(
                "== kustomization.yaml\n{resources}{components}== r.yaml\n{file}== c/r.yaml\n{file}== c/kustomization.yaml\nkind: {kind}\n{inner}{rename}"
            ),
        )
    };
    let error = tree("Component").unwrap_err().to_string();
    assert!(error.contains("c gives two resources the id Deployment.apps/a"), "{error}");
    assert!(tree("Kustomization").is_err());
}

#[test]
fn nothing_is_added_below_null() {
    let added = transformed("kind: ValueAddTransformer\nvalue: v\ntargets: [{fieldPath: metadata/labels/app}]");
    assert!(added.unwrap().contains("app: v"));
    let config = "== c.yaml\n{apiVersion: builtin, kind: ValueAddTransformer, metadata: {name: x}, value: v, targets: [{fieldPath: metadata/labels/app}]}\n";
    assert!(
        made("transformers: [c.yaml]\n", "kind: ConfigMap\nmetadata:\n  name: x\n  labels:\n", config).unwrap().contains("labels: null\n")
    );
}

#[test]
fn a_kind_that_stands_twice_in_an_order_comes_where_it_stands_last() {
    let order = "sortOptions: {order: legacy, legacySortOptions: {orderFirst: [ConfigMap, Deployment, ConfigMap], orderLast: []}}\n";
    let built = made(order, DEPLOYMENT, "---\nkind: ConfigMap\nmetadata: {name: c}\n").unwrap();
    assert!(built.find("kind: Deployment") < built.find("kind: ConfigMap"), "{built}");
}

#[test]
fn a_build_never_gives_two_resources_of_one_id() {
    let two = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
    let rename = |name: &str| {
        format!("patches: [{{target: {{kind: ConfigMap, name: b}}, patch: '- {{op: replace, path: /metadata/name, value: {name}}}'}}]\n")
    };
    assert!(made(&rename("c"), two, "").is_some());
    assert!(made(&rename("a"), two, "").is_none());
    let merged =
        "patches: [{target: {kind: ConfigMap}, options: {allowNameChange: true}, patch: '{kind: ConfigMap, metadata: {name: a}}'}]\n";
    assert!(made(merged, two, "").is_none());
    // Names that get hashes of their own in the end are looked at before, if a patch with a target is merged.
    let generated = |more: &str| {
        let rename = "{target: {kind: ConfigMap}, patch: '- {op: replace, path: /metadata/name, value: c}'}";
        let merge = "{target: {kind: Secret}, patch: '{kind: Secret, metadata: {name: x}}'}";
        let patches = more.replace("RENAME", rename).replace("MERGE", merge);
        made(&format!("configMapGenerator: [{{name: a}}, {{name: b, literals: [x=y]}}]\npatches: [{patches}]\n"), DEPLOYMENT, "").is_some()
    };
    assert!(generated("RENAME") && generated("MERGE, RENAME"));
    assert!(!generated("RENAME, MERGE"));
    // What is not for the cluster does not count.
    let local = two.replace("{name: a}", "{name: a, annotations: {config.kubernetes.io/local-config: 'true'}}");
    assert!(made(&rename("a"), &local, "").is_some());
}

#[test]
fn a_source_that_a_target_changes_is_read_anew() {
    let replaced = |options: &str| {
        let replacements = format!(
            "replacements:\n- source: {{name: a-b{options}}}\n  targets:\n  - {{select: {{kind: ConfigMap}}, fieldPaths: [metadata.name, data.x], \
             options: {{create: true, delimiter: '-'}}}}\n  - {{select: {{kind: ConfigMap}}, fieldPaths: [data.z], options: {{create: true}}}}\n"
        );
        let built = made(&replacements, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a-b}}", "").unwrap();
        ["name: ", "x: ", "z: "].map(|key| line(&built, key).to_owned())
    };
    assert_eq!(replaced(""), ["a-b-b", "a-b-b", "a-b-b"]);
    // A part of it is taken once.
    assert_eq!(replaced(", options: {delimiter: '-'}"), ["a-b", "a", "a"]);
}

#[test]
fn field_specs_of_labels_come_before_those_of_selectors_and_templates() {
    let built = |labels: &str, config: &str| {
        let text = format!("configurations: [c.yaml]\nlabels: [{{pairs: {{a: b}}, {labels}: true}}]\n");
        made(&text, DEPLOYMENT, &format!("== c.yaml\n{config}")).is_some()
    };
    for (labels, field) in [("includeSelectors", "commonLabels"), ("includeTemplates", "templateLabels")] {
        assert!(built(labels, &format!("labels: [{{path: l}}]\n{field}: [{{path: l, create: true, kind: Widget}}]\n")));
        assert!(!built(labels, &format!("labels: [{{path: l, kind: Widget}}]\n{field}: [{{path: l, create: true}}]\n")));
    }
}

#[test]
fn a_component_lets_field_specs_meet_themselves() {
    let built = |more: &str| {
        let tree = format!(
            "== base/kustomization.yaml\nconfigurations: [c.yaml]\nresources: [r.yaml]\n== base/r.yaml\n{DEPLOYMENT}== base/c.yaml\n\
             replicas: [{{path: spec/size, create: true}}]\n== part/kustomization.yaml\nkind: Component\nsortOptions: {{order: fifo}}\n\
             == kustomization.yaml\nresources: [base]\nconfigurations: [c.yaml]\n{more}== c.yaml\nreplicas: [{{path: spec/size, kind: Deployment}}]\n"
        );
        run("", &tree).is_ok()
    };
    assert!(built(""));
    assert!(!built("components: [part]\n"));
}

#[test]
fn a_subject_in_the_first_namespace_of_anything_means_what_was_there_at_first() {
    let name = |more: &str| {
        let tree = format!(
            "== base/kustomization.yaml\nresources: [r.yaml]\nnameSuffix: -v1\nnamespace: prod\n== base/r.yaml\n\
             {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: sa}}}}\n---\n\
             {{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: b}}, \
             subjects: [{{kind: ServiceAccount, name: sa, namespace: prod}}]}}\n== kustomization.yaml\nresources: [base, r.yaml]\n== r.yaml\n{more}\n"
        );
        let built = run("", &tree).unwrap().to_yaml();
        line(&built[built.find("subjects").unwrap()..], "name: ").to_owned()
    };
    assert_eq!(name("{apiVersion: v1, kind: LimitRange, metadata: {name: l}}"), "sa-v1");
    assert_eq!(name("{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: prod}}"), "sa");
    assert_eq!(name("{apiVersion: v1, kind: Namespace, metadata: {name: l, namespace: prod}}"), "sa-v1");
}

#[test]
fn affixes_of_transformers_need_field_specs() {
    for (kind, text) in
        [("PrefixTransformer", "prefix: a-"), ("SuffixTransformer", "suffix: -a"), ("PrefixSuffixTransformer", "prefix: a-")]
    {
        let made = |specs: &str| transformed(&format!("kind: {kind}\n{text}\n{specs}")).is_some();
        assert!(made("fieldSpecs: []") && !made("fieldSpecs:") && !made(""), "{kind}");
    }
}

#[test]
fn an_image_without_quotes_becomes_what_its_new_text_looks_like() {
    let image = |written: &str, images: &str, before: &str| {
        let text = format!("images: [{images}]\n{before}");
        let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: c, image: {written}}}]}}}}");
        line(&made(&text, &pod, "").unwrap(), "- image: ").to_owned()
    };
    let named = "{name: a, newName: '12'}";
    assert_eq!(image("a", named, ""), "12");
    assert_eq!(image("a", "{name: a, newName: 2020-01-01}", ""), "\"2020-01-01T00:00:00Z\"");
    assert_eq!(image("'a'", named, ""), "\"12\"");
    assert_eq!(image("a:1", named, ""), "\"12:1\"");
    assert_eq!(image("'a'", "{name: a, newName: '12'}, {name: '12', newName: '13'}", ""), "\"13\"");
    // What comes of operations is read again before.
    let operations =
        "patches: [{target: {kind: Pod}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/containers/0/image\", \"value\": \"a\"}]'}]";
    assert_eq!(image("b", named, operations), "12");
    // What a replacement makes has no type of its own.
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c}]}}";
    let replacement = "replacements: [{source: {kind: Pod}, targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0.image], options: {create: true}}]}]\n";
    let tree = format!(
        "== base/kustomization.yaml\nresources: [r.yaml]\n{replacement}== base/r.yaml\n{pod}\n== kustomization.yaml\nresources: [base]\nimages: [{named}]\n"
    );
    assert_eq!(line(&run("", &tree).unwrap().to_yaml(), "- image: "), "12");
}

#[test]
fn operations_are_not_for_numbers_that_json_does_not_have() {
    let made = |number: &str| {
        let text = "patches: [{target: {kind: Pod}, patch: '[{\"op\": \"add\", \"path\": \"/spec\", \"value\": {}}]'}]";
        made(text, &format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p, annotations: {{a: {number}}}}}}}"), "").is_some()
    };
    assert!(made("1.5") && !made(".inf") && !made(".nan"));
}

#[test]
fn a_date_is_text_to_a_plugin() {
    let text = "generators: [g.yaml]\n";
    let generator =
        "== g.yaml\napiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: 2020-01-01}\noptions: {disableNameSuffixHash: true}\n";
    assert_eq!(line(&made(text, DEPLOYMENT, generator).unwrap(), "name: \"2"), "020-01-01T00:00:00Z\"");
}

#[test]
fn what_a_strategic_patch_leaves_alone_has_its_quotes_from_then_on() {
    let patch = |spec: &str| format!("{{patch: '{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d}}, spec: {spec}}}'}}");
    let deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 3}}";
    let replicas = |patches: &[&str], more: &str| {
        let patches: Vec<String> = patches.iter().map(|spec| patch(spec)).collect();
        line(&made(&format!("patches: [{}]\n{more}", patches.join(", ")), deployment, "").unwrap(), "replicas: ").to_owned()
    };
    let (text, other, number) = ("{replicas: \"5\"}", "{paused: true}", "{replicas: 8}");
    assert_eq!(replicas(&[text, number], ""), "8");
    assert_eq!(replicas(&[text, other, number], ""), "\"8\"");
    let four = "replicas: [{name: d, count: 4}]\n";
    assert_eq!(replicas(&[text], four), "4");
    assert_eq!(replicas(&[text, other], four), "\"4\"");
    assert_eq!(replicas(&["{replicas: 2020-01-01}", other], four), "4");
}

#[test]
fn a_label_has_the_quotes_that_it_needs_when_it_is_made() {
    let label = |text: &str| {
        let patch = "patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {l: 7}}}'}]\n";
        let tree = format!(
            "== base/kustomization.yaml\nresources: [r.yaml]\ncommonLabels: {{l: {text}}}\n== base/r.yaml\n\
             {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}}}\n== kustomization.yaml\nresources: [base]\n{patch}"
        );
        line(&run("", &tree).unwrap().to_yaml(), "l: ").to_owned()
    };
    assert_eq!(["\"5\"", "\"x: y\"", "x", "\"\""].map(label), ["\"7\"", "\"7\"", "7", "7"]);
}

#[test]
fn what_is_made_without_a_type_is_text_to_a_patch_that_leaves_it_alone() {
    let built = |steps: &[&str]| {
        let namespace = "kind: NamespaceTransformer\nmetadata: {name: n, namespace: \"5\"}\nfieldSpecs: [{path: spec/q, create: true}]";
        let prefix = "kind: PrefixTransformer\nmetadata: {name: x}\nprefix: \"5\"\nfieldSpecs: [{path: spec/q, create: true}]";
        let operations = "kind: PatchTransformer\nmetadata: {name: j}\ntarget: {kind: Widget}\npatch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": {}}]'";
        let patch = "kind: PatchTransformer\nmetadata: {name: o}\npatch: '{apiVersion: example.com/v1, kind: Widget, metadata: {name: d}, spec: {z: 7}}'";
        let files = [("n.yaml", namespace), ("x.yaml", prefix), ("j.yaml", operations), ("o.yaml", patch)];
        let files: String = files.iter().map(|(file, text)| format!("== {file}\napiVersion: builtin\n{text}\n")).collect();
        let widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: d}, spec: {a: b}}\n";
        line(&made(&format!("transformers: [{}]\n", steps.join(", ")), widget, &files).unwrap(), "q: ").to_owned()
    };
    assert_eq!(built(&["n.yaml"]), "\"5\"");
    assert_eq!(built(&["n.yaml", "x.yaml"]), "55");
    assert_eq!(built(&["x.yaml"]), "5");
    assert_eq!(built(&["x.yaml", "o.yaml"]), "\"5\"");
    // A patch of operations gives it the type that it looks like.
    assert_eq!(built(&["x.yaml", "j.yaml", "o.yaml"]), "5");
}
