//! What patches do beside merging, as kustomize 5.8.1 does it; found by `cargo xtask fuzz-kustomize`.

use super::run;

/// What a kustomization makes of a resource that it patches, with more lines for the patch's entry.
fn patched(resource: &str, patch: &str, entry: &str) -> String {
    let tree = format!(
        "== kustomization.yaml\nresources: [r.yaml]\npatches:\n- path: p.yaml\n  {entry}\n== r.yaml\n{resource}\n== p.yaml\n{patch}\n"
    );
    run("", &tree).unwrap().to_yaml()
}

#[test]
fn a_patch_with_a_target_has_texts_for_labels_and_annotations() {
    let resource = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {l: x}, annotations: {note: z, other: q}}}";
    let patch = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {l: null}, annotations: {note: ~, other: {a: b}}}}";
    insta::assert_snapshot!(patched(resource, patch, "target: {kind: ConfigMap}"), @r#"
    apiVersion: v1
    kind: ConfigMap
    metadata:
      annotations:
        note: "~"
        other: ""
      labels:
        l: "null"
      name: a
    "#);
    let all = "{kind: ConfigMap, metadata: {name: a, labels: null, annotations: null}}";
    let kept = patched(resource, all, "target: {kind: ConfigMap}");
    assert!(kept.contains("l: x") && kept.contains("note: z"), "{kept}");
    for none in ["[]", "text", "5"] {
        let none = format!("{{kind: ConfigMap, metadata: {{name: a, labels: {none}, annotations: {none}}}}}");
        assert_eq!(patched(resource, &none, "target: {kind: ConfigMap}"), kept, "what is no map is none");
    }
    let without = patched(resource, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {l: null}, annotations: null}}", "");
    assert!(without.contains("labels: {}") && !without.contains("annotations"), "{without}");
}

#[test]
fn a_patch_with_a_target_prints_the_missing_version_of_a_resource() {
    insta::assert_snapshot!(patched("{kind: Job, metadata: {name: a}}", "{apiVersion: v1, kind: Job, metadata: {name: a}, x: 1}", "target: {kind: Job}"), @r"
    apiVersion: null
    kind: Job
    metadata:
      name: a
    x: 1
    ");
}

#[test]
fn what_replaces_a_quoted_string_is_a_string() {
    let one = |old: &str, new: &str| {
        let object = |value: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\nx: {value}");
        let built = patched(&object(old), &object(new), "");
        built.split_once("\nx: ").map(|(_, value)| value.trim_end().to_owned())
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(one("'1'", "2"), is("\"2\""));
    assert_eq!(one("\"a\"", "2.50"), is("\"2.50\""));
    assert_eq!(one("|\n  a", "true"), is("\"true\""));
    assert_eq!(one("'1'", "2020-01-01"), is("\"2020-01-01\""));
    assert_eq!(one("a", "2"), is("2"));
    assert_eq!(one("!!int '1'", "2"), is("2"));
    assert_eq!(one("!!str 1", "2"), is("2"));
    assert_eq!(one("'1'", "~"), None);
}

#[test]
fn only_the_core_namespace_is_named_by_the_namespace_field() {
    let named = |version: &str| {
        let tree = format!(
            "== kustomization.yaml\nnamespace: team\nresources: [r.yaml]\n== r.yaml\n{{{version}kind: Namespace, metadata: {{name: a}}}}\n"
        );
        run("", &tree).unwrap().to_yaml()
    };
    assert!(named("apiVersion: v1, ").contains("  name: team"));
    for version in ["", "apiVersion: v2, ", "apiVersion: a/v1, "] {
        assert!(named(version).contains("  name: a\n  namespace: team"), "{version}");
    }
}

/// As kustomize 5.8.1 has it: a resource that operations have changed is printed and read again, so that a text which needs quotes has them from then on, and
/// what a later patch puts in its place is text.
#[test]
fn operations_put_quotes_where_they_are_needed() {
    let built = run(
        "",
        "== kustomization.yaml
resources: [a.yaml]
patches:
- target: {kind: A}
  patch: |-
    - {op: add, path: /spec/added, value: 'yes'}
- patch: |-
    {apiVersion: v1, kind: A, metadata: {name: a}, spec: {number: 1, word: 2, lines: 3, added: 4, bare: 5}}
== a.yaml
apiVersion: v1
kind: A
metadata: {name: a}
spec: {number: \"8080\", word: \"abc\", lines: \"a\\nb\", bare: abc}
",
    );
    let spec = built.expect("builds").resources()[0].to_json()["spec"].clone();
    assert_eq!(spec, serde_json::json!({"number": "1", "word": 2, "lines": "3", "added": "4", "bare": 5}));
}

/// No server takes such lists; kustomize drops much of them, whether the patch has the list or not.
#[test]
fn elements_without_a_name_and_two_of_the_same() {
    let merged = |dest: &str, patch: &str| {
        let with = |list: &str| {
            format!("{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: a}}, spec: {{template: {{spec: {{x: 1{list}}}}}}}}}")
        };
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\npatches: [{{path: p.yaml}}]\n== r.yaml\n{}\n== p.yaml\n{}\n",
            with(dest),
            with(patch)
        );
        let built = run("", &tree).expect("builds");
        built.resources()[0].to_json()["spec"]["template"]["spec"].get("containers").map(serde_json::Value::to_string).unwrap_or_default()
    };
    for (dest, patch, is) in [
        (", containers: [{name: x}, {image: d}, {name: z}]", "", r#"[{"image":"d"}]"#),
        (", containers: [{image: d}, {image: e}]", "", r#"[{"image":"e"}]"#),
        (", containers: [{name: x}, {image: d}]", ", containers: [{name: n}]", r#"[{"image":"d"}]"#),
        (", containers: [{name: x}, {name: z}]", ", containers: [{name: z, image: q}, {image: m}]", r#"[{"image":"q","name":"z"}]"#),
        (", containers: [{name: x}]", ", containers: [{image: m}]", "[]"),
        (", containers: [{name: x}, {}, {name: z}]", ", containers: [{name: z, image: q}]", r#"[{"image":"q","name":"z"},{"name":"x"}]"#),
        (", containers: [{name: x, image: a}, {name: x, image: b}]", "", r#"[{"image":"b","name":"x"}]"#),
        ("", ", containers: [{image: m}, {name: a}]", r#"[{"image":"m"}]"#),
        (", containers: []", ", containers: [{image: m}, {name: a}]", r#"[{"name":"a"}]"#),
        (", containers: null", ", containers: []", "[]"),
        (", containers: null", ", containers: [{name: a, $patch: delete}]", "[]"),
    ] {
        assert_eq!(merged(dest, patch), is, "{dest} and {patch}");
    }
}

/// As kustomize 5.8.1 has it; and an operation both of whose paths fail is told, though one leads to the other.
#[test]
fn operations_that_leave_no_resource_are_refused() {
    let tried = |operations: &str| {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\npatches:\n- target: {{kind: A}}\n  patch: '{operations}'\n== r.yaml\n{{apiVersion: v1, kind: A, metadata: {{name: a}}, spec: {{b: c}}}}\n"
        );
        run("", &tree).map(|built| built.resources()[0].to_json()).map_err(|error| error.message().to_owned())
    };
    for (operation, message) in [
        (r#"[{"op": "remove", "path": "/kind"}]"#, "the patch leaves no kind to A/a"),
        (r#"[{"op": "replace", "path": "/kind", "value": {"a": "b"}}]"#, "the patch leaves no kind to A/a"),
        (r#"[{"op": "remove", "path": "/metadata/name"}]"#, "the patch leaves no metadata.name to A/a"),
        (r#"[{"op": "replace", "path": "/metadata/name", "value": null}]"#, "the patch leaves no metadata.name to A/a"),
        (r#"[{"op": "replace", "path": "/metadata", "value": "x"}]"#, "the patch leaves no metadata.name to A/a"),
        (
            r#"[{"op": "copy", "path": "/spec", "from": "/spec/gone/deep"}]"#,
            "the patch does not fit A/a: the path /spec/gone/deep does not exist",
        ),
    ] {
        assert_eq!(tried(operation), Err(message.to_owned()), "{operation}");
    }
    assert!(tried(r#"[{"op": "replace", "path": "/kind", "value": 5}, {"op": "remove", "path": "/apiVersion"}]"#).is_ok());
}

#[test]
fn replicas_are_for_the_kind_that_a_patch_has_made() {
    let tree = "== kustomization.yaml
resources: [r.yaml]
patches:
- target: {kind: Deployment}
  options: {allowKindChange: true}
  patch: '{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {replicas: null}}'
replicas: [{name: web, count: 5}]
== r.yaml
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, paused: true}}
";
    insta::assert_snapshot!(run("", tree).unwrap().to_yaml(), @r"
    apiVersion: apps/v1
    kind: DaemonSet
    metadata:
      name: web
    spec:
      paused: true
    ");
}

#[test]
fn operations_may_be_none_in_patches_alone() {
    let tree = |field: &str| {
        format!(
            "== kustomization.yaml\nresources: [r.yaml]\n{field}: [{{patch: '[]', target: {{version: v1, kind: ConfigMap, name: a}}}}]\n\
             == r.yaml\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}}}\n"
        )
    };
    assert!(run("", &tree("patches")).is_ok());
    let error = run("", &tree("patchesJson6902")).unwrap_err().to_string();
    assert!(error.contains("the patch is empty"), "{error}");
}

#[test]
fn selectors_hold_what_labels_may_be() {
    let selects = |selector: &str| {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\npatches:\n- target: {{labelSelector: '{selector}'}}\n  patch: '[]'\n\
             == r.yaml\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, labels: {{app: a}}}}}}\n"
        );
        run("", &tree).map(drop)
    };
    for fine in ["app=a", "app in (a,)", "app=", "a.b/c", "app notin (q),!z", "tier>0", &format!("app={}", "a".repeat(63))] {
        assert!(selects(fine).is_ok(), "{fine}");
    }
    let long = format!("app={}", "a".repeat(64));
    for refused in
        ["app=~a", "app in (~a)", "app=-a", "app=é", "app,", "app in (a),", "a/b/c=d", "-a=b", "A.b/c", "tier>-1", "app=(a)", &long]
    {
        assert!(selects(refused).unwrap_err().to_string().contains("cannot read the selector"), "{refused}");
    }
}
