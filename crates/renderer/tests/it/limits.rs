//! What protects the process from hostile repositories (C1, X4 and B1 to B4 of the security checklist).

use fiel_renderer::{ErrorKind, Limits, Memory, Options, build};

use super::tree;

fn limited(files: &Memory, path: &str, limits: Limits) -> String {
    let error = build(files, path, &Options { limits, ..Options::default() }).expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    error.to_string()
}

/// Folders that each hold the next one.
fn chain(length: usize) -> Memory {
    let mut files = Memory::new();
    for i in 0..length {
        files.insert(format!("d{i}/kustomization.yaml"), format!("resources: [../d{}]\n", i + 1));
    }
    files.insert(format!("d{length}/kustomization.yaml"), "resources: [a.yaml]\n");
    files.insert(format!("d{length}/a.yaml"), "{kind: A, metadata: {name: a}}\n");
    files
}

#[test]
fn bases_lead_only_so_deep() {
    assert!(build(&chain(31), "d0", &Options::default()).is_ok());
    limited(&chain(40), "d0", Limits::default());
}

#[test]
fn files_are_counted_however_often_one_is_read() {
    // Every level reads the next one twice: 2^20 kustomizations out of 41 files.
    let mut files = Memory::new();
    for i in 0..20 {
        for side in ["a", "b"] {
            files.insert(format!("{side}{i}/kustomization.yaml"), format!("resources: [../a{0}, ../b{0}]\n", i + 1));
        }
    }
    for side in ["a", "b"] {
        files.insert(format!("{side}20/kustomization.yaml"), "namePrefix: x\n");
    }
    insta::assert_snapshot!(
        limited(&files, "a0", Limits { files: 1000, ..Limits::default() }).lines().next().unwrap(),
        @"b18/kustomization.yaml:1:21: the build reads more than 1000 files"
    );
}

#[test]
fn bytes_and_resources_are_limited() {
    let text =
        "== kustomization.yaml\nresources: [a.yaml]\n== a.yaml\n{kind: A, metadata: {name: a}}\n---\n{kind: A, metadata: {name: b}}\n";
    let files = tree(text);
    insta::assert_snapshot!(limited(&files, "", Limits { bytes: 60, ..Limits::default() }), @"kustomization.yaml:1:13: the build reads more than 60 bytes");
    insta::assert_snapshot!(limited(&files, "", Limits { resources: 1, ..Limits::default() }), @"kustomization.yaml: the build holds more than 1 resources");
    let enough = Limits { files: 2, bytes: 200, resources: 2, depth: 1 };
    assert!(build(&files, "", &Options { limits: enough, ..Options::default() }).is_ok());
}

#[test]
fn references_of_a_schema_do_not_go_in_circles() {
    let text = "== kustomization.yaml
resources: [a.yaml]
openapi: {path: s.yaml}
patches: [{patch: '{apiVersion: x/v1, kind: A, metadata: {name: a}, spec: {b: 1}}'}]
== a.yaml
{apiVersion: x/v1, kind: A, metadata: {name: a}}
== s.yaml
definitions:
  A: {x-kubernetes-group-version-kind: [{group: x, version: v1, kind: A}], properties: {spec: {$ref: '#/definitions/B'}}}
  B: {$ref: '#/definitions/C'}
  C: {$ref: '#/definitions/B'}
";
    assert_eq!(build(&tree(text), "", &Options::default()).unwrap().resources()[0].to_json()["spec"]["b"], 1);
}

#[test]
fn a_missing_file_and_one_outside_say_nothing_of_what_is_there() {
    for path in ["../x/secret.yaml", "../../etc/passwd", "/etc/passwd"] {
        let text = format!("== app/kustomization.yaml\nresources: [{path}]\n== x/secret.yaml\nkind: A\n");
        let error = super::run("app", &text).expect_err("must fail");
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
    }
}
