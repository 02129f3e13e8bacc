//! Where values come from.

use fiel_renderer::{Closed, Options, build, explain_with};

use super::tree;

const TREE: &str = "== base/kustomization.yaml
resources: [app.yaml]
configMapGenerator:
- name: settings
  literals: [LEVEL=info]
== base/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: web
        envFrom:
        - configMapRef: {name: settings}
== prod/kustomization.yaml
resources: [../base]
namePrefix: prod-
images:
- {name: other, newTag: v9}
- {name: web, newTag: v1}
patches:
- path: more.yaml
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {paused: true}
== prod/more.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
";

/// The history of a field, a line an event.
fn history(resource: usize, path: &str) -> String {
    let (_, told) = explain_with(&tree(TREE), "prod", &Options::default(), &Closed).expect("builds");
    let field = told[resource].fields.iter().find(|field| field.path == path).expect("there is such a field");
    field.events.iter().map(|event| format!("{} {} {:?}\n", event.by, event.place, event.value.as_ref().map(ToString::to_string))).collect()
}

#[test]
fn a_value_is_followed_from_its_base_through_every_step() {
    insta::assert_snapshot!(history(1, "spec.template.spec.containers.[name=web].image"), @r#"
    resource base/app.yaml:9:16 Some("\"web\"")
    images prod/kustomization.yaml:5:3 Some("\"web:v1\"")
    "#);
    insta::assert_snapshot!(history(1, "metadata.name"), @r#"
    resource base/app.yaml:3:18 Some("\"web\"")
    namePrefix prod/kustomization.yaml:2:13 Some("\"prod-web\"")
    "#);
}

#[test]
fn a_patch_is_named_by_its_line_or_by_its_entry() {
    insta::assert_snapshot!(history(1, "spec.replicas"), @r#"patches prod/more.yaml:5:13 Some("3")"#);
    insta::assert_snapshot!(history(1, "spec.paused"), @r#"patches prod/kustomization.yaml:8:3 Some("true")"#);
}

#[test]
fn generated_names_and_the_references_to_them_are_followed() {
    insta::assert_snapshot!(history(0, "metadata.name"), @r#"
    configMapGenerator base/kustomization.yaml:3:3 Some("\"settings\"")
    namePrefix prod/kustomization.yaml:2:13 Some("\"prod-settings\"")
    hash of the content prod/kustomization.yaml Some("\"prod-settings-2748f727mg\"")
    "#);
    insta::assert_snapshot!(history(1, "spec.template.spec.containers.[name=web].envFrom.0.configMapRef.name"), @r#"
    resource base/app.yaml:11:32 Some("\"settings\"")
    name of the resource referred to prod/kustomization.yaml Some("\"prod-settings-2748f727mg\"")
    "#);
}

#[test]
fn taking_notes_changes_nothing() {
    let (built, _) = explain_with(&tree(TREE), "prod", &Options::default(), &Closed).expect("builds");
    assert_eq!(built.to_yaml(), build(&tree(TREE), "prod", &Options::default()).expect("builds").to_yaml());
}
