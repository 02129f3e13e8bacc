//! Keys of resources, with what kustomize 5.8.1 makes of them.

use fiel_renderer::{Memory, Options, build, yaml};
use serde_json::{Value, json};

/// What the field `spec` of a resource is once it is built; nothing: refused.
fn spec(text: &str) -> Option<Value> {
    let resource = format!("apiVersion: v1\nkind: A\nmetadata:\n  name: a\nspec:{text}\n");
    let files: Memory = [("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", &resource)].into_iter().collect();
    let printed = build(&files, "", &Options::default()).ok()?.to_yaml();
    Some(yaml::parse_all(printed.as_bytes(), "printed").expect("what is printed can be read")[0].to_json()["spec"].clone())
}

#[test]
fn only_tags_of_texts_stand_before_keys() {
    for allowed in ["\n  ! k: x", "\n  !!str k: x", " {! k: x}", "\n  ? !!str k\n  : x"] {
        assert_eq!(spec(allowed), Some(json!({"k": "x"})), "{allowed}");
    }
    assert_eq!(spec("\n  !!str 1: x"), Some(json!({"1": "x"})));
    for refused in [
        "\n  !foo k: x",
        "\n  !!binary aGk=: x",
        "\n  !!int 1: x",
        "\n  !!bool true: x",
        " {!foo k: x}",
        " [!foo k: x]",
        "\n  ? !foo k\n  : x",
    ] {
        assert_eq!(spec(refused), None, "{refused}");
    }
    // Elsewhere any tag may stand.
    assert_eq!(spec("\n  k: !foo x"), Some(json!({"k": "x"})));
}

#[test]
fn a_quoted_merge_key_is_lost() {
    for merges in ["\n  <<: {b: c}\n  d: e", "\n  !!merge <<: {b: c}\n  d: e", " {!!merge <<: {b: c}, d: e}"] {
        assert_eq!(spec(merges), Some(json!({"b": "c", "d": "e"})), "{merges}");
    }
    for lost in ["\n  \"<<\": {b: c}\n  d: e", "\n  '<<': text\n  d: e", "\n  '<<': [{b: c}]\n  d: e", " {\"<<\": {b: c}, d: e}"] {
        assert_eq!(spec(lost), Some(json!({"d": "e"})), "{lost}");
    }
}

#[test]
fn a_key_has_at_most_1022_characters() {
    for letter in ["k", "é"] {
        let with = |count: usize| [format!("\n  {}: x", letter.repeat(count)), format!("\n  ? {}\n  : x", letter.repeat(count))];
        assert!(with(1022).iter().all(|text| spec(text).is_some()), "{letter}");
        assert!(with(1023).iter().all(|text| spec(text).is_none()), "{letter}");
    }
}

/// JSON has `\/`, YAML has not.
#[test]
fn files_that_may_be_json_have_the_escapes_of_json() {
    let builds = |field: &str, file: &str| {
        let kustomization = format!("resources: [r.yaml]\n{field}\n");
        let files = [("kustomization.yaml", kustomization.as_str()), ("r.yaml", "{kind: A, metadata: {name: a}}\n"), ("f.json", file)];
        build(&files.into_iter().collect::<Memory>(), "", &Options::default()).is_ok()
    };
    assert!(builds("crds: [f.json]", r#"{"a\/b": {}}"#));
    assert!(builds("openapi: {path: f.json}", r#"{"definitions": {"a\/b": {}}}"#));
    assert!(!builds("configurations: [f.json]", r#"{"namePrefix": [{"path": "a\/b"}]}"#));
    assert!(!builds(r#"namePrefix: "a\/b""#, ""));
}

/// The line of the key itself, not of what it holds.
#[test]
fn a_key_that_stands_twice_is_told_with_its_first_line() {
    for (text, line) in [
        ("a: 1\nb: 2\na: 3", 1),
        ("x: 1\na:\n\n  a: 1\nb: 2\na: 3", 2),
        ("\"a\":\n- 1\na: 3", 1),
        ("l:\n- a:\n    b: 1\n  a: 2", 2),
        ("{a: 1,\n a: 2}", 1),
    ] {
        let error = yaml::parse_all(text.as_bytes(), "t.yaml").expect_err("it stands twice");
        assert_eq!(error.message(), format!("the key \"a\" is already there, in line {line}"), "{text}");
    }
}
