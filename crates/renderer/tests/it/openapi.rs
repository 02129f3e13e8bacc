//! openapi: merge keys from a schema of one's own.

use super::run;

const BASE: &str = "== base/schema.yaml
definitions:
  example.Thing:
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Thing}]
    properties:
      spec:
        properties:
          rows: {$ref: '#/definitions/example.Rows'}
          tags: {type: array, items: {type: string}, x-kubernetes-patch-strategy: merge}
  example.Rows:
    type: array
    items: {$ref: '#/definitions/example.Row'}
    x-kubernetes-patch-strategy: merge
    x-kubernetes-list-map-keys: [x, y]
  example.Row:
    properties: {loop: {$ref: '#/definitions/example.Row'}}
== base/thing.yaml
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
spec: {rows: [{x: 1, y: 1, z: old}, {x: 1, y: 2, z: old}], tags: [a, b]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: a}, {name: b}]}}}
== base/patch.yaml
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
spec: {rows: [{x: 1, y: 2, z: new}], tags: [c, a]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {template: {spec: {containers: [{name: b, image: i}]}}}
";

fn built(text: &str, path: &str) -> String {
    run(path, &format!("{BASE}{text}")).unwrap().to_yaml()
}

#[test]
fn lists_merge_by_the_keys_of_the_schema_and_known_kinds_have_none_any_more() {
    let text = "== base/kustomization.yaml\nresources: [thing.yaml]\nopenapi: {path: schema.yaml}\npatches: [{path: patch.yaml}]\n";
    insta::assert_snapshot!(built(text, "base"), @r#"
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: d
    spec:
      template:
        spec:
          containers:
          - image: i
            name: b
    ---
    apiVersion: example.com/v1
    kind: Thing
    metadata:
      name: t
    spec:
      rows:
      - x: 1
        "y": 1
        z: old
      - x: 1
        "y": 2
        z: new
      tags:
      - c
      - a
      - b
    "#);
}

#[test]
fn the_first_schema_counts() {
    let text = "== base/kustomization.yaml\nresources: [thing.yaml]\nopenapi: {path: schema.yaml}\n\
        == over/kustomization.yaml\nresources: [../base]\nopenapi: {version: v1.21.2}\npatches: [{path: patch.yaml}]\n\
        == over/patch.yaml\n{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}, spec: {rows: [{x: 1, y: 2, z: new}]}}\n";
    let text = built(text, "over");
    assert!(text.contains("z: new") && !text.contains("z: old"), "{text}");
}

#[test]
fn path_and_version_exclude_each_other() {
    let text = format!("{BASE}== base/kustomization.yaml\nopenapi: {{path: schema.yaml, version: v1.21.2}}\nresources: [thing.yaml]\n");
    insta::assert_snapshot!(run("base", &text).unwrap_err().to_string(), @"base/kustomization.yaml:1:10: openapi has both path and version; use one of them");
}

/// `kind namespace` of all resources.
fn scopes(paths: &str, rest: &str) -> Vec<String> {
    let files = format!(
        "== schema.json\n{{\"definitions\": {{}}, \"paths\": {{{paths}}}}}\n== a.yaml\n{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t}}}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: r}}}}\n== kustomization.yaml\nresources: [a.yaml]\n\
         openapi: {{path: schema.json}}\n{rest}"
    );
    let built = run(".", &files).unwrap();
    built.resources().iter().map(|resource| format!("{} {}", resource.kind(), resource.namespace())).collect()
}

const THING: &str = r#""get": {"x-kubernetes-group-version-kind": {"group": "x.io", "version": "v1", "kind": "Thing"}}"#;

/// Asked of kustomize 5.8.1.
#[test]
fn paths_say_which_kinds_live_outside_of_namespaces() {
    for (paths, namespace) in [
        (format!(r#""/a": {{{THING}}}"#), ""),
        (format!(r#""/namespaces/{{ns}}/a": {{{THING}}}"#), ""),
        (format!(r#""/a": {{{}}}"#, THING.replace("get", "post")), "ns"),
        (format!(r#""a": {{{THING}}}"#), "ns"),
        (format!(r#""/a": {{{THING}}}, "/namespaces/{{namespace}}/a": {{{THING}}}"#), "ns"),
        (format!(r#""/namespaces/{{namespace}}/a": {{{THING}}}, "/b": {{{THING}}}"#), "ns"),
        // Of Kubernetes' own kinds the schema says nothing.
        (r#""/namespaces/{namespace}/a": {"get": {"x-kubernetes-group-version-kind": {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "ClusterRole"}}}"#.to_owned(), "ns"),
    ] {
        assert_eq!(scopes(&paths, "namespace: ns\n"), ["ClusterRole ", &format!("Thing {namespace}")], "{paths}");
    }
}

#[test]
fn threads_that_help_know_the_schema() {
    let things: String = (0..1000).map(|i| format!("{{apiVersion: x.io/v1, kind: Thing, metadata: {{name: t{i}}}}}\n---\n")).collect();
    let schema = format!(r#"{{"paths": {{"/a": {{{THING}}}}}}}"#);
    let rest = "resources: [a.yaml]\nopenapi: {path: s.json}\nnamespace: ns\ntransformers: [c.yaml]\n== c.yaml\n\
                {apiVersion: builtin, kind: AnnotationsTransformer, metadata: {name: a}, annotations: {a: b}, fieldSpecs: [{path: metadata/annotations, create: true}]}\n";
    let built = run(".", &format!("== s.json\n{schema}\n== a.yaml\n{things}== kustomization.yaml\nnamePrefix: x-\n{rest}")).unwrap();
    assert!(built.resources().len() == 1000 && built.resources().iter().all(|resource| resource.namespace().is_empty()));
}

#[test]
fn a_schema_is_forgotten_when_its_build_ends() {
    let cluster = format!(r#""/a": {{{THING}}}"#);
    assert_eq!(scopes(&cluster, "namespace: ns\n")[1], "Thing ");
    let own = run(
        ".",
        "== a.yaml\n{apiVersion: x.io/v1, kind: Thing, metadata: {name: t}}\n== kustomization.yaml\nresources: [a.yaml]\nnamespace: ns\n",
    );
    assert_eq!(own.unwrap().resources()[0].namespace(), "ns");
}

#[test]
fn manifests_are_no_definitions() {
    let tree =
        "== kustomization.yaml\nresources: [r.yaml]\ncrds: [r.yaml]\n== r.yaml\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";
    let error = super::run("", tree).unwrap_err().to_string();
    assert!(error.contains("r.yaml:1:14: apiVersion should be a definition"), "{error}");
    assert!(error.contains("`crds` are OpenAPI definitions by name, not manifests"), "{error}");
}

#[test]
fn a_kind_that_kubernetes_does_not_have_keeps_the_built_in_schema_from_being_lost() {
    // The schema of `late`, which says nothing of a Pod's fields, is read after the resource of `base`.
    let definitions = r#"{"definitions": {"p": {"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Pod"}]}}}"#;
    let merged = |resource: &str, more: &str| {
        let files = format!(
            "== base/kustomization.yaml\nresources: [r.yaml]\n{more}== base/r.yaml\n{resource}\n\
             == late/kustomization.yaml\nkind: Component\nopenapi: {{path: s.json}}\n== late/s.json\n{definitions}\n\
             == d.yaml\n{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: a, tty: true}}]}}}}\n\
             == kustomization.yaml\nresources: [base, d.yaml]\ncomponents: [late]\npatches:\n- patch: |-\n    \
             {{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: a}}]}}}}\n"
        );
        run("", &files).unwrap().to_yaml().contains("tty")
    };
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}";
    let widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: c}}";
    assert!(!merged(map, ""));
    assert!(merged(widget, ""));
    assert!(merged("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: c}}", ""));
    // What is merged before the schema is read gives it the last word.
    let patch = |resource: &str| format!("patches: [{{patch: '{resource}'}}]\n");
    assert!(!merged(map, &patch(map)));
    assert!(!merged(widget, &patch(widget)));
}
