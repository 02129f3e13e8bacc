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

/// What kustomize 5.8.1 makes of `spec` (with `v: V`) when a path is made where it is missing; none where it refuses.
#[test]
fn missing_fields_are_made_as_kustomize_makes_them() {
    let cases = [
        ("{}", "spec.other.-.x", Some(r#"{"other":{"-":{"x":"V"}}}"#)),
        ("{}", "spec.other.-", Some(r#"{"other":{"-":"V"}}"#)),
        ("{l: []}", "spec.l.-", None),
        ("{}", "spec.other.0.x", Some(r#"{"other":[{"x":"V"}]}"#)),
        ("{m: {}}", "spec.m.[name=z].x", None),
        ("{m: {}}", "spec.m.0", None),
        ("{m: {'0': z}}", "spec.m.0", None),
        // Below null things are made beside the resource.
        ("{n: null}", "spec.n.x", Some(r#"{"n":null}"#)),
        ("{n: null}", "spec.n.[name=z].x", Some(r#"{"n":null}"#)),
        ("{n: [null]}", "spec.n.*.x", Some(r#"{"n":[null]}"#)),
        ("{}", ".spec.x", Some(r#"{"x":"V"}"#)),
        ("{}", "..spec.x", None),
        ("{}", "spec..x", None),
        ("{}", "spec.x.", None),
        ("{}", "", None),
        ("{}", "spec.l[name=a].x", Some(r#"{"l[name=a]":{"x":"V"}}"#)),
        ("{l: [{name: a}]}", "spec.l.[0].x", None),
        ("{}", "spec.[x]", None),
        ("{}", "spec.[a.b]", Some(r#"{"a.b":"V"}"#)),
        ("{}", "spec.[a.b", Some(r#"{"a.b":"V"}"#)),
        ("{}", r"spec.a\.b.c", Some(r#"{"a.b":{"c":"V"}}"#)),
        // Behind an element itself no path goes on, and a map's text is empty.
        ("{l: [x]}", "spec.l.[=x].y", Some(r#"{"l":["V"]}"#)),
        ("{l: [{name: a}]}", "spec.l.[=].x", Some(r#"{"l":["V"]}"#)),
    ];
    for (spec, path, expected) in cases {
        let spec = spec.replacen('{', "{v: V, ", 1);
        let made = replaced(&spec, path, "create: true").ok().map(|mut made| {
            made.as_object_mut().unwrap().remove("v");
            made.to_string()
        });
        assert_eq!(made.as_deref(), expected, "{path} in {spec}");
    }
}

/// What is found at a path of a source; none where kustomize 5.8.1 refuses.
#[test]
fn sources_are_found_as_kustomize_finds_them() {
    let cases = [
        (".spec.s", Some("t")),
        ("..spec. s", Some("t")),
        ("spec..x", None),
        ("spec.l.-.name", Some("b")),
        ("spec.l.1.name", Some("b")),
        ("spec.l.[0].name", None),
        ("spec.l.*.name", None),
        ("spec.l.[=].name", Some("a")),
        ("spec.m.0", None),
        ("spec.m.-", None),
        ("spec.m.*", None),
        ("spec.m.l[name=a]", Some("q")),
        ("spec.[s]", None),
        ("spec.[a.b]", Some("dot")),
        ("spec.e", None),
        ("spec.o", None),
    ];
    for (path, expected) in cases {
        let text = format!(
            "== kustomization.yaml
resources: [a.yaml]
replacements:
- source: {{kind: Foo, fieldPath: '{path}'}}
  targets: [{{select: {{kind: Bar}}, fieldPaths: [spec.v], options: {{create: true}}}}]
== a.yaml
apiVersion: v1
kind: Bar
metadata: {{name: b}}
---
apiVersion: v1
kind: Foo
metadata: {{name: f}}
spec: {{s: t, l: [{{name: a}}, {{name: b}}], m: {{'0': z, '-': w, '*': y, 'l[name=a]': q}}, '': {{x: o}}, a.b: dot, e: [], o: {{}}}}
"
        );
        let found = run(".", &text).ok().map(|built| built.resources()[0].to_json()["spec"]["v"].clone());
        assert_eq!(found, expected.map(serde_json::Value::from), "{path}");
    }
}
