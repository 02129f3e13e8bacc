//! What errors say.

use fiel_renderer::{Memory, Options, build};

use super::run;

fn message(text: &str) -> String {
    run(".", text).expect_err("must fail").to_string()
}

#[test]
fn an_unknown_field_is_named_with_its_place() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresources: []\nnamePrefx: a\n"), @r#"kustomization.yaml:2:1: unknown field "namePrefx" in a kustomization; did you mean "namePrefix"?"#);
}

#[test]
fn all_unknown_fields_are_named_at_once() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresource: []\nnamePrefx: a\nimages:\n- name: a\n"), @r#"
    kustomization.yaml:1:1: unknown field "resource" in a kustomization; did you mean "resources"?
    kustomization.yaml:2:1: unknown field "namePrefx" in a kustomization; did you mean "namePrefix"?
    "#);
    insta::assert_snapshot!(message("== kustomization.yaml\nimages:\n- name: a\n  newNam: b\n  newTg: c\n"), @r#"
    kustomization.yaml:3:3: unknown field "newNam" in an image; did you mean "newName"?
    kustomization.yaml:4:3: unknown field "newTg" in an image; did you mean "newTag"?
    "#);
}

#[test]
fn all_missing_resources_are_named_at_once() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresources:\n- gone.yaml\n- a.yaml\n- lost\n== a.yaml\n{kind: A, metadata: {name: a}}\n"), @r"
    kustomization.yaml:2:3: gone.yaml does not exist (looked for gone.yaml)
    kustomization.yaml:4:3: lost does not exist (looked for lost)
    ");
}

/// The second of the two bases would fail just so if the first one were mended.
#[test]
fn what_does_not_hang_on_each_other_is_told_at_once() {
    let text = "== kustomization.yaml
resources: [one, two, ok.yaml, two]
configMapGenerator:
- name: settings
  files: [gone.txt]
- name: more
  literals: [none]
patches:
- path: gone.yaml
- patch: 'a: b: c'
images:
- name: ok
== ok.yaml
{kind: A, metadata: {name: a}}
== one/kustomization.yaml
resources: [a.yaml]
== one/a.yaml
kind: A
  b: c
== two/kustomization.yaml
namePrefx: a
";
    let error = run(".", text).expect_err("must fail");
    assert_eq!(error.others().len(), 5);
    assert_eq!(error.others()[0].excerpt(), Some("1 | namePrefx: a\n  | ^"));
    insta::assert_snapshot!(error.to_string(), @r#"
    one/a.yaml:2:4: mapping values are not allowed here; quote the text or put the map on its own line
      from kustomization.yaml:1:13
    two/kustomization.yaml:1:1: unknown field "namePrefx" in a kustomization; did you mean "namePrefix"?
    kustomization.yaml:4:11: gone.txt does not exist (looked for gone.txt)
    kustomization.yaml:6:14: this literal should be key=value
    kustomization.yaml:8:3: gone.yaml does not exist (looked for gone.yaml)
    kustomization.yaml:9:10: in the inline patch: patch:1:5: mapping values are not allowed here; quote the text or put the map on its own line
    "#);
    insta::assert_snapshot!(error.alone().to_string(), @r"
    one/a.yaml:2:4: mapping values are not allowed here; quote the text or put the map on its own line
      from kustomization.yaml:1:13
    ");
}

#[test]
fn nobody_is_told_of_more_than_twenty_errors() {
    let entries: Vec<String> = (0..100).map(|n| format!("- gone-{n}.yaml\n")).collect();
    let error = run(".", &format!("== kustomization.yaml\nresources:\n{}", entries.concat())).expect_err("must fail");
    assert_eq!(error.others().len() + 1, 20);
}

#[test]
fn the_line_at_fault_is_marked() {
    let error = run(".", "== kustomization.yaml\nresources:\n- é: [gone]\n").expect_err("must fail");
    insta::assert_snapshot!(error.excerpt().unwrap(), @r"
    2 | - é: [gone]
      |   ^
    ");
    // Errors go into logs and conditions, the lines of a Secret must not.
    assert!(!error.to_string().contains("é: [gone]"));
}

#[test]
fn a_missing_resource_is_named_with_the_line_that_asks_for_it() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresources:\n- gone.yaml\n"), @"kustomization.yaml:2:3: gone.yaml does not exist (looked for gone.yaml)");
}

#[test]
fn broken_yaml_is_named_with_the_way_to_it() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresources:\n- base\n== base/kustomization.yaml\nresources: [a.yaml]\n== base/a.yaml\nkind: A\n  b: c\n"), @r"
    base/a.yaml:2:4: mapping values are not allowed here; quote the text or put the map on its own line
      from kustomization.yaml:2:3
    ");
}

#[test]
fn a_file_outside_of_the_kustomization_is_refused() {
    let text = "== app/kustomization.yaml\nresources: [../secret.yaml]\n== secret.yaml\nkind: A\n";
    let error = run("app", text).expect_err("must fail");
    assert_eq!(error.kind(), fiel_renderer::ErrorKind::File);
    assert_eq!((error.file(), error.line()), (Some("app/kustomization.yaml"), Some(1)));
    let out = run("app", "== app/kustomization.yaml\nresources: [../../etc/passwd]\n").expect_err("must fail");
    insta::assert_snapshot!(out.to_string(), @"app/kustomization.yaml:1:13: ../../etc/passwd leads out of the repository");
}

#[test]
fn a_cycle_is_an_error_and_not_a_hang() {
    let text = "== a/kustomization.yaml\nresources: [../b]\n== b/kustomization.yaml\nresources: [../a]\n";
    insta::assert_snapshot!(run("a", text).expect_err("must fail").to_string(), @r"
    b/kustomization.yaml:1:13: cycle detected: a is part of the build of a
      from a/kustomization.yaml:1:13
    ");
}

#[test]
fn the_same_resource_twice_is_an_error() {
    insta::assert_snapshot!(message("== kustomization.yaml\nresources: [a.yaml, b.yaml]\n== a.yaml\n{kind: A, metadata: {name: a}}\n== b.yaml\n{kind: A, metadata: {name: a}}\n"), @r"
    b.yaml:1:1: may not add A/a a second time
      from kustomization.yaml:1:21
    ");
}

#[test]
fn what_is_not_supported_says_so() {
    let text = "== kustomization.yaml\ninventory: {type: a}\n";
    assert_eq!(run(".", text).expect_err("must fail").kind(), fiel_renderer::ErrorKind::Unsupported);
}

#[test]
fn billion_laughs_are_refused() {
    let mut text = String::from("== kustomization.yaml\nresources: [a.yaml]\n== a.yaml\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..9 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        text.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
    }
    assert_eq!(run(".", &text).expect_err("must fail").kind(), fiel_renderer::ErrorKind::Limit);
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("== kustomization.yaml\nresources: [a.yaml]\n== a.yaml\na: {}\n", "[".repeat(100_000));
    assert_eq!(run(".", &text).expect_err("must fail").kind(), fiel_renderer::ErrorKind::Limit);
    let text = format!("== kustomization.yaml\nresources: [a.yaml]\n== a.yaml\n{}a\n", "- ".repeat(100_000));
    assert_eq!(run(".", &text).expect_err("must fail").kind(), fiel_renderer::ErrorKind::Limit);
}

/// Found by the property tests: the parser read such a line again and again.
#[test]
fn a_block_of_text_that_ends_with_its_header_ends() {
    assert!(run(".", "== kustomization.yaml\npatches: >").is_err());
    let docs = fiel_renderer::yaml::parse_all(b"a: |", "t.yaml").unwrap();
    assert_eq!(docs[0].to_json()["a"], "");
    let docs = fiel_renderer::yaml::parse_all(b"- >-\n  ", "t.yaml").unwrap();
    assert_eq!(docs[0].to_json()[0], "");
}

/// kustomize says nothing when an entry is for nothing that is there, which hides misspelt names.
#[test]
fn what_is_for_nothing_that_is_there_is_told() {
    let built = run(
        "",
        "== kustomization.yaml
resources: [pod.yaml]
images:
- {name: web, newTag: v1}
- {name: wbe, newTag: v1}
patches:
- target: {kind: Pod}
  patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {}}]'
- target: {kind: Deployment}
  patch: '[{\"op\": \"remove\", \"path\": \"/metadata/labels\"}]'
== pod.yaml
{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: web}]}}
",
    );
    assert_eq!(
        built.unwrap().warnings(),
        [
            "kustomization.yaml:8:3: the target of this patch matches no resource",
            "kustomization.yaml: no container has an image named wbe, which images changes"
        ]
    );
}

#[test]
fn names_near_to_generated_ones_are_told() {
    let built = run(
        "",
        "== kustomization.yaml
resources: [a.yaml]
configMapGenerator: [{name: app-config, literals: [a=b]}, {name: far-config, namespace: far, literals: [a=b]}]
secretGenerator: [{name: token, literals: [a=b]}]
replacements: [{sourceValue: x, targets: [{select: {kind: Deployment}}, {select: {kind: Job}}]}]
== a.yaml
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, envFrom: [
  {configMapRef: {name: app-config}}, {configMapRef: {name: app-confg}}, {configMapRef: {name: elsewhere}}, {configMapRef: {name: app-config2}},
  {configMapRef: {name: far-config}}, {secretRef: {name: token}}, {secretRef: {name: tokens}}, {secretRef: {name: app-confg}}]}],
  volumes: [{configMap: {name: app-configs}}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: app-configs}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}
",
    )
    .unwrap();
    assert_eq!(
        built.warnings(),
        [
            "kustomization.yaml:4:73: this target of a replacement matches no resource",
            "Pod/p names the ConfigMap app-confg, which is not in this build; did you mean app-config, which is generated?",
            "Pod/p names the ConfigMap far-config, which is generated in another namespace; the name stays without its hash",
            "Pod/p names the Secret tokens, which is not in this build; did you mean token, which is generated?",
        ]
    );
}

/// Where tabs may stand outside of quotes; asked of kustomize 5.8.1.
#[test]
fn tabs_begin_no_line_but_within_texts_and_among_comments() {
    let head = "apiVersion: v1\nkind: A\nmetadata:\n  name: x\n";
    let builds = |text: String| {
        let files: Memory = [("kustomization.yaml", "resources: [a.yaml]\n"), ("a.yaml", text.as_str())].into_iter().collect();
        build(&files, "", &Options::default()).is_ok()
    };
    for (text, good) in [
        ("\t\n", false),
        (" \t\n", false),
        ("# c\n\t\n", false),
        ("a: b\n\t\n", false),
        ("a: b\n \t\n", true),
        ("a: b\n \t\n\t\n", false),
        ("a:\n\t\n  b: c\n", false),
        ("a: {}\n\t\n", false),
        ("a: {}\t\n", true),
        ("a: [b,\n\tc]\n", true),
        ("a: \"b\n\tc\"\n", true),
        ("a: b # c\n\t# d\n", false),
        ("# c\n\t# d\n\n\t\n \t# e\n", true),
        ("a:\n- # c\n\t# d\n  b: c\n", true),
        ("a: |\n  b\n  \tc\n", true),
        ("a: |\n\n  \tb\n", false),
        ("a: |\n  b\n\t\n", false),
    ] {
        assert_eq!(builds(format!("{text}{head}")), good, "{text:?} before");
        assert_eq!(builds(format!("{head}{text}")), good, "{text:?} behind");
    }
}

/// Errors end up in logs and in the status of an Application: whatever is wrong with a Secret, its values are not in them.
#[test]
fn no_error_repeats_the_value_of_a_secret() {
    let secret = |line: &str| {
        format!("== kustomization.yaml\nresources: [s.yaml]\n== s.yaml\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{line}\n")
    };
    let kustomization = |text: &str| {
        format!(
            "== kustomization.yaml\n{text}\n== s.yaml\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{p: hunter2, n: 5}}\n== c.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{n: 5, list: []}}\n"
        )
    };
    let replaced = |target: &str, options: &str| {
        kustomization(&format!(
            "resources: [s.yaml, c.yaml]\nreplacements:\n- source: {{kind: Secret, fieldPath: stringData.p{options}}}\n  targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{target}]}}]"
        ))
    };
    let cases = [
        secret("stringData: {p: *hunter2}"),
        secret("stringData: {p: !!int hunter2}"),
        secret("stringData: {p: !!binary hunter2%}"),
        secret("stringData: {p: hunter2: x}"),
        secret("stringData: {p: \"hunter2}"),
        secret("stringData: {p: hunter2"),
        secret("stringData:\n  p: a: hunter2"),
        secret("stringData: {p: \"hunter2\\q\"}"),
        secret("stringData: {p: @hunter2}"),
        secret("stringData:\n  p: 'hunter2' hunter2"),
        secret("stringData: {p: hunter2, p: hunter2}"),
        secret("stringData: {p: &hunter2! x}"),
        secret("stringData: {p: !{hunter2} x}"),
        kustomization("secretGenerator: [{name: g, literals: [hunter2]}]"),
        kustomization("secretGenerator: [{name: g, literals: [{p: hunter2}]}]"),
        kustomization("secretGenerator: [{name: g, literals: ['p=hunter2', 'p=hunter2']}]"),
        kustomization("secretGenerator: [{name: s, behavior: merge, literals: ['p=hunter2']}]"),
        kustomization("resources: [s.yaml]\nnamePrefx: hunter2"),
        kustomization(
            "resources: [s.yaml]\npatches: [{target: {kind: Secret}, patch: '[{op: test, path: /stringData/p, value: hunter22}]'}]",
        ),
        kustomization(
            "resources: [s.yaml]\npatches: [{target: {kind: Secret}, patch: '[{\"op\": \"replace\", \"path\": \"/stringData/q\", \"value\": \"hunter2\"}]'}]",
        ),
        kustomization("resources: [s.yaml]\npatches: [{target: {kind: Secret}, patch: '{stringData: [hunter2]}'}]"),
        kustomization(
            "resources: [s.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: t}, stringData: {p: hunter2}}'}]",
        ),
        replaced("data.list", ""),
        replaced("spec.replicas", ""),
        replaced("data.n", ", options: {delimiter: u, index: 7}"),
    ];
    for (at, case) in cases.iter().enumerate() {
        if let Err(error) = run(".", case) {
            let told = error.to_string();
            assert!(!told.contains("hunter2"), "{case}\n{told}");
        } else {
            // These are no errors here; the list would be of little worth if there were many of them.
            assert!(at == 12 || at >= 22, "{case}");
        }
    }
}
