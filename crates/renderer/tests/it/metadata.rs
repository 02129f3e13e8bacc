//! `buildMetadata`: where resources come from and what changed them. The answers are kustomize 5.8.1's.

use super::run;

#[test]
fn origins_and_steps_are_told_as_kustomize_tells_them() {
    let built = run(
        "",
        "== base/kustomization.yaml
configMapGenerator: [{name: c, literals: [a=1]}]
== comp/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
nameSuffix: -x
resources: [s.yaml]
configMapGenerator: [{name: c, behavior: merge, literals: [b=1]}]
== comp/s.yaml
{apiVersion: v1, kind: Service, metadata: {name: s}}
== gen/kustomization.yaml
resources: [g.yaml]
namePrefix: q-
== gen/g.yaml
apiVersion: builtin
kind: PrefixTransformer
metadata: {name: any, namespace: zz}
prefix: baked-
fieldSpecs: [{path: metadata/name}]
== kustomization.yaml
resources: [base]
components: [comp]
transformers:
- gen
- |-
  apiVersion: builtin
  kind: AnnotationsTransformer
  metadata: {name: inl}
  annotations: {in: line}
  fieldSpecs: [{path: metadata/annotations, create: true}]
buildMetadata: [originAnnotations, transformerAnnotations]
",
    )
    .unwrap();
    // The transformer that stands in the kustomization goes first; what is merged keeps the origin of what it was merged into.
    insta::assert_snapshot!(built.to_yaml(), @r#"
    apiVersion: v1
    data:
      a: "1"
      b: "1"
    kind: ConfigMap
    metadata:
      annotations:
        alpha.config.kubernetes.io/transformations: |
          - configuredIn: comp/kustomization.yaml
            configuredBy:
              apiVersion: builtin
              kind: SuffixTransformer
          - configuredIn: kustomization.yaml
            configuredBy:
              apiVersion: builtin
              kind: AnnotationsTransformer
              name: inl
          - configuredIn: gen/g.yaml
            configuredBy:
              apiVersion: builtin
              kind: PrefixTransformer
              name: q-any
              namespace: zz
        config.kubernetes.io/origin: |
          configuredIn: base/kustomization.yaml
          configuredBy:
            apiVersion: builtin
            kind: ConfigMapGenerator
        in: line
      name: baked-c-x-8gchk5bfmb
    ---
    apiVersion: v1
    kind: Service
    metadata:
      annotations:
        alpha.config.kubernetes.io/transformations: |
          - configuredIn: comp/kustomization.yaml
            configuredBy:
              apiVersion: builtin
              kind: SuffixTransformer
          - configuredIn: kustomization.yaml
            configuredBy:
              apiVersion: builtin
              kind: AnnotationsTransformer
              name: inl
          - configuredIn: gen/g.yaml
            configuredBy:
              apiVersion: builtin
              kind: PrefixTransformer
              name: q-any
              namespace: zz
        config.kubernetes.io/origin: |
          path: comp/s.yaml
        in: line
      name: baked-s-x
    "#);
}

#[test]
fn nothing_is_told_that_the_kustomization_itself_does_not_ask_for() {
    let built = run(
        "top",
        "== base/kustomization.yaml
resources: [s.yaml]
buildMetadata: [originAnnotations]
== base/s.yaml
{apiVersion: v1, kind: Service, metadata: {name: s}}
== top/kustomization.yaml
resources: [../base]
buildMetadata: [managedByLabel]
",
    )
    .unwrap();
    insta::assert_snapshot!(built.to_yaml(), @r#"
    apiVersion: v1
    kind: Service
    metadata:
      labels:
        app.kubernetes.io/managed-by: kustomize-v5.8.1
      name: s
    "#);
}

#[test]
fn labels_are_one_transformer_more_than_there_are() {
    let told = |field: &str| {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\nbuildMetadata: [transformerAnnotations]\n{field}\n\
             == r.yaml\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}}}\n"
        );
        super::run("", &tree).unwrap().to_yaml().matches("kind: LabelTransformer").count()
    };
    assert_eq!(told("labels: [{pairs: {a: b}}, {pairs: {c: d}}]"), 3);
    assert_eq!(told("labels: [{pairs: {}}]"), 2);
    assert_eq!(told("labels: [{pairs: {a: b}}]\ncommonLabels: {c: d}"), 2);
    assert_eq!(told("commonLabels: {c: d}"), 1);
}

#[test]
fn labels_and_annotations_have_names() {
    for field in ["labels: [{pairs: {'': b}}]", "commonLabels: {'': b}", "commonAnnotations: {'': b}"] {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\n{field}\n== r.yaml\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}}}\n"
        );
        assert!(super::run("", &tree).unwrap_err().to_string().contains("has no name"), "{field}");
    }
}

/// What becomes of `spec` where a path of fields leads into it, with kustomize's answers; none where it refuses.
#[test]
fn paths_of_fields_name_fields() {
    let made = |path: &str, create: bool| {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\nlabels: [{{pairs: {{a: b}}, fields: [{{path: '{path}', create: {create}, kind: Foo}}]}}]\n\
             == r.yaml\n{{apiVersion: v1, kind: Foo, metadata: {{name: a}}, spec: {{n: null, l: [{{x: {{}}}}]}}}}\n"
        );
        super::run("", &tree).ok().map(|built| built.resources()[0].to_json()["spec"].to_string())
    };
    let as_it_was = Some(r#"{"l":[{"x":{}}],"n":null}"#.to_owned());
    assert_eq!(made("/spec/y", true).as_deref(), Some(r#"{"l":[{"x":{}}],"n":null,"y":{"a":"b"}}"#));
    assert_eq!(made("spec/n", true).as_deref(), Some(r#"{"l":[{"x":{}}],"n":{"a":"b"}}"#));
    assert_eq!(made("spec/n", false), as_it_was, "what may not be made stays null");
    assert_eq!(made("spec/y/", false), as_it_was, "nothing leads to the empty part");
    for refused in
        ["", "/", "//spec/y", "spec//y", "spec/l/[]/x", "spec/l[]/", "spec/l/0/x", "spec/0", "spec/-1", "spec/-", "spec/*/x", "spec/[a=b]"]
    {
        assert_eq!([made(refused, true), made(refused, false)], [None, None], "{refused}");
    }
    assert_eq!(made("spec/l/x", false).as_deref(), Some(r#"{"l":[{"x":{"a":"b"}}],"n":null}"#));
}

#[test]
fn vars_stand_in_lists_of_texts() {
    let with = |list: &str| {
        let tree = format!(
            "== kustomization.yaml\nresources: [r.yaml]\nvars: [{{name: V, objref: {{kind: Foo, name: a, apiVersion: v1}}}}]\nconfigurations: [c.yaml]\n\
             == c.yaml\nvarReference: [{{kind: Foo, path: spec/l}}]\n\
             == r.yaml\n{{apiVersion: v1, kind: Foo, metadata: {{name: a}}, spec: {{l: {list}}}}}\n"
        );
        super::run("", &tree).map(|built| built.resources()[0].to_json()["spec"]["l"].to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(with("[$(V), '5']").unwrap(), r#"["a","5"]"#);
    assert_eq!(with("{x: $(V), y: 5}").unwrap(), r#"{"x":"a","y":5}"#);
    for refused in ["[$(V), 5]", "[a, null]", "[[a]]", "[{a: b}]"] {
        assert!(with(refused).unwrap_err().contains("vars are replaced in lists of texts"), "{refused}");
    }
}
