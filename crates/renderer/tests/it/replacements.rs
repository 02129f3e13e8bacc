//! Replacements: what may be put where.

use super::run;

/// Copies `spec.v` into a field and gives what the resource `x` is then.
fn replaced(spec: &str, path: &str, options: &str) -> Result<serde_json::Value, String> {
    let text = format!(
        "== kustomization.yaml
resources: [a.yaml]
replacements:
- source: {{kind: Foo, fieldPath: spec.v}}
  targets: [{{select: {{kind: Foo, name: x}}, fieldPaths: ['{path}'], options: {{{options}}}}}]
== a.yaml
{{apiVersion: v1, kind: Foo, metadata: {{name: x}}, spec: {spec}}}
"
    );
    let built = run(".", &text).map_err(|error| error.to_string())?;
    Ok(built.resources()[0].to_json()["spec"].clone())
}

#[test]
fn a_field_keeps_its_type() {
    assert_eq!(replaced("{v: '5', n: 1}", "spec.n", "").unwrap()["n"], 5);
    assert_eq!(replaced("{v: 5, n: a}", "spec.n", "").unwrap()["n"], "5");
    assert_eq!(replaced("{v: '5', n: 1.5}", "spec.n", "").unwrap()["n"], 5);
    assert_eq!(replaced("{v: {a: b}, n: 'x'}", "spec.n", "").unwrap()["n"], "");
    for target in ["1", "1.5", "true", "null", "2001-01-01"] {
        let error = replaced(&format!("{{v: abc, n: {target}}}"), "spec.n", "").unwrap_err();
        assert!(error.contains("the new value cannot be put there"), "{error}");
    }
}

#[test]
fn a_missing_or_empty_source_is_an_error() {
    assert!(replaced("{n: 1}", "spec.n", "").is_err());
    assert!(replaced("{v: null, n: 1}", "spec.n", "").is_err());
}

#[test]
fn elements_are_found_by_a_pattern_that_may_match_anywhere() {
    let spec = "{v: new, l: [{name: ab, q: s}, {name: bc, q: s}, {name: cd, q: s}]}";
    let list = replaced(spec, "spec.l.[name=b].q", "").unwrap()["l"].clone();
    assert_eq!(list, serde_json::json!([{"name": "ab", "q": "new"}, {"name": "bc", "q": "new"}, {"name": "cd", "q": "s"}]));
    assert!(replaced(spec, "spec.l.[name=(].q", "").unwrap_err().contains("not a valid pattern"));
}

#[test]
fn stars_are_for_lists_and_dashes_for_nothing() {
    assert_eq!(replaced("{v: new, l: [{q: s}, {q: t}]}", "spec.l.*.q", "").unwrap()["l"][1]["q"], "new");
    assert!(replaced("{v: new, m: {a: {q: s}}}", "spec.m.*.q", "").is_err());
    assert!(replaced("{v: new, l: [a]}", "spec.l.-", "create: true").is_err());
}

#[test]
fn json_texts_keep_their_form_and_what_does_not_fit_is_left_alone() {
    let text = |json: &str, v: &str| replaced(&format!("{{v: {v}, t: {json:?}}}"), "spec.t.x", "").unwrap()["t"].clone();
    assert_eq!(text("{\"x\":  \"y\"}", "new"), "{\"x\":\"new\"}");
    assert_eq!(text("{\n\"x\": \"y\"}\n", "new"), "{\"x\":\"new\"}");
    assert_eq!(text("{\n  \"x\": \"y\"\n}\n", "new"), "{\n  \"x\": \"new\"\n}");
    assert_eq!(text("{\"x\": 5}", "abc"), "{\"x\": 5}");
    assert_eq!(text("x: 5 # five\n", "abc"), "x: !!int abc # five");
}
