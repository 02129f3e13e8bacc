//! YAML's flow style as kustomize 5.8.1 reads it: texts and what it printed for them, recorded from the real program.

use fiel_renderer::{Memory, Options, build, yaml};

/// The text of a field `f` of `spec`, and the whole of `spec` as kustomize prints it, as JSON; nothing where kustomize refuses the text.
#[rustfmt::skip]
const CASES: &[(&str, &str)] = &[
    // What is left out is null, and printed as an empty text.
    ("{a}", r#"{"f":{"a":""}}"#),
    ("{a, b}", r#"{"f":{"a":"","b":""}}"#),
    ("{a: }", r#"{"f":{"a":""}}"#),
    ("[a: ]", r#"{"f":[{"a":""}]}"#),
    ("[a: , b]", r#"{"f":[{"a":""},"b"]}"#),
    ("{a: {b}}", r#"{"f":{"a":{"b":""}}}"#),
    ("{a: null}", r#"{"f":{"a":null}}"#),
    ("{a: ~}", r#"{"f":{"a":null}}"#),
    ("[!!null , b]", r#"{"f":[null,"b"]}"#),
    ("[!!str , b]", r#"{"f":["","b"]}"#),
    ("[!x ]", r#"{"f":[""]}"#),
    ("[!!int ]", ""),
    ("[&x , *x]", r#"{"f":["",""]}"#),
    ("[&x , b]\n  g: *x", r#"{"f":["","b"],"g":null}"#),
    ("&x\n  g: [*x, null]", r#"{"f":null,"g":["",null]}"#),
    ("&x\n    a:\n  g: [*x]", r#"{"f":{"a":null},"g":[{"a":""}]}"#),
    ("&x [{a}]\n  g: *x", r#"{"f":[{"a":""}],"g":[{"a":""}]}"#),
    ("{a,}", r#"{"f":{"a":""}}"#),
    ("[a,]", r#"{"f":["a"]}"#),
    ("[]", r#"{"f":[]}"#),
    ("[ ]", r#"{"f":[]}"#),
    ("{ }", r#"{"f":{}}"#),
    // A sign that stands for nothing.
    ("[,]", ""),
    ("{,}", ""),
    ("[a,,b]", ""),
    ("{a,,b}", ""),
    ("[,a]", ""),
    ("[a b", ""),
    ("{a: b", ""),
    ("[a}", ""),
    ("{a]", ""),
    ("[a]]", ""),
    ("[a b]: c", ""),
    ("[a: b: c]", ""),
    ("{a: b: c}", ""),
    ("[- a]", ""),
    ("[-\n a]", ""),
    ("[-]", r#"{"f":["-"]}"#),
    ("[-a]", r#"{"f":["-a"]}"#),
    ("[a - b]", r#"{"f":["a - b"]}"#),
    ("[--- a]", r#"{"f":["--- a"]}"#),
    ("{-: a}", r#"{"f":{"-":"a"}}"#),
    ("[%a]", ""),
    ("[@a]", ""),
    ("[|a]", ""),
    ("[a|b]", r#"{"f":["a|b"]}"#),
    // Keys.
    ("[\"a\":b]", r#"{"f":[{"a":"b"}]}"#),
    ("{\"a\":b}", r#"{"f":{"a":"b"}}"#),
    ("{\"a\" :b}", r#"{"f":{"a":"b"}}"#),
    ("[a:b]", r#"{"f":["a:b"]}"#),
    ("{a:b}", r#"{"f":{"a:b":""}}"#),
    ("{a:}", r#"{"f":{"a:":""}}"#),
    ("{a:,b: c}", r#"{"f":{"a:":"","b":"c"}}"#),
    ("{a: :b}", ""),
    ("{:a}", ""),
    ("{: a}", ""),
    ("[: a]", ""),
    ("[a: [b]]", r#"{"f":[{"a":["b"]}]}"#),
    ("[a:[b]]", ""),
    ("{\"a\"::b}", ""),
    ("{<<: {a: b}}", r#"{"f":{"a":"b"}}"#),
    ("{<<: }", ""),
    ("{<<: [{a: b}]}", r#"{"f":{"a":"b"}}"#),
    ("{<<: [a]}", ""),
    ("{<<: ~}", ""),
    ("\n    <<: a", ""),
    ("[<<]", r#"{"f":["<<"]}"#),
    ("{~: b}", ""),
    ("{1: b}", ""),
    ("{true: b}", ""),
    ("{\"\": b}", r#"{"f":{"":"b"}}"#),
    ("{[a]: b}", ""),
    ("[[a]: b]", ""),
    ("{{a}: b}", ""),
    ("{a: b, a: c}", ""),
    ("{a\n: b}", ""),
    ("{\"a\"\n: b}", ""),
    ("[\"a\"\n: b]", ""),
    ("{a\n b: c}", ""),
    ("{\"a\n b\": c}", ""),
    ("{a:\n b}", r#"{"f":{"a":"b"}}"#),
    ("{&x\n a: b}", ""),
    ("{? a\n: b}", r#"{"f":{"a":"b"}}"#),
    ("{? \"a\n b\" : c}", r#"{"f":{"a b":"c"}}"#),
    ("[? a\n b : c]", r#"{"f":[{"a b":"c"}]}"#),
    // The question mark.
    ("[? a : b]", r#"{"f":[{"a":"b"}]}"#),
    ("{? a : b}", r#"{"f":{"a":"b"}}"#),
    ("{?a: b}", r#"{"f":{"a":"b"}}"#),
    ("[?a]", r#"{"f":[{"a":""}]}"#),
    ("[? a, b]", r#"{"f":[{"a":""},"b"]}"#),
    ("{? a, b}", r#"{"f":{"a":"","b":""}}"#),
    ("{?}", r#"{"f":{"":""}}"#),
    ("{? }", r#"{"f":{"":""}}"#),
    ("{? : b}", r#"{"f":{"":"b"}}"#),
    ("{? , a: b}", r#"{"f":{"":"","a":"b"}}"#),
    ("[?]", ""),
    ("[? ]", ""),
    ("[? , a]", ""),
    ("[? : b]", ""),
    ("[? : ]", r#"{"f":[{"":""}]}"#),
    ("[? : , a]", r#"{"f":[{"":""},"a"]}"#),
    ("[? , : a]", r#"{"f":[{"":"a"}]}"#),
    ("[? , ]", r#"{"f":[{"":""}]}"#),
    ("[a?b]", ""),
    ("[a ?b]", ""),
    ("[a?]", ""),
    ("{a?b: c}", ""),
    ("{a: b?}", ""),
    ("{a: ? b}", ""),
    ("[\"?\"]", r#"{"f":["?"]}"#),
    ("[\"a\"?]", ""),
    ("{\"a?\": \"b?\"}", r#"{"f":{"a?":"b?"}}"#),
    // Comments.
    ("[a]#c", r#"{"f":["a"]}"#),
    ("{a: b}#c", r#"{"f":{"a":"b"}}"#),
    ("[\"a\"#c\n  ]", r#"{"f":["a"]}"#),
    ("{\"a\":#c\n  b}", r#"{"f":{"a":"b"}}"#),
    ("[a,#c\n  b]", r#"{"f":["a","b"]}"#),
    ("[#c\n  a]", r#"{"f":["a"]}"#),
    ("[a#c]", r#"{"f":["a#c"]}"#),
    ("[a #c\n  ]", r#"{"f":["a"]}"#),
    ("[a # ]\n  , b]", r#"{"f":["a","b"]}"#),
    ("\"a\"#c", r#"{"f":"a"}"#),
    ("'a'#c", r#"{"f":"a"}"#),
    ("a#c", r#"{"f":"a#c"}"#),
    ("&x b\n  g: [*x#c]", ""),
    ("&x b\n  g: *x#c", ""),
    ("!!str#c", ""),
    ("[&x#c\n  b]", ""),
    // Tabs and lines.
    ("[a\n\t]", ""),
    ("[a\n  \t]", ""),
    ("[a\n   \t]", r#"{"f":["a"]}"#),
    ("[a\n\tb]", ""),
    ("[a\n   \tb]", r#"{"f":["a b"]}"#),
    ("[a,\n\tb]", r#"{"f":["a","b"]}"#),
    ("[\n\ta]", r#"{"f":["a"]}"#),
    ("[\"a\"\n\t]", r#"{"f":["a"]}"#),
    ("[\"a\n\tb\"]", r#"{"f":["a b"]}"#),
    ("[a #c\n\t]", r#"{"f":["a"]}"#),
    ("[a\n\n\t, b]", ""),
    ("{a: b\n\t}", ""),
    ("{a\t:\tb\t}", r#"{"f":{"a":"b"}}"#),
    ("[a\n]", r#"{"f":["a"]}"#),
    ("[a\n%b]", r#"{"f":["a %b"]}"#),
    ("[a\n#b\n]", r#"{"f":["a"]}"#),
    ("[a\n  --- b]", r#"{"f":["a --- b"]}"#),
    ("[a\n...\n]", ""),
    ("[\"a\n...\"]", r#"{"f":["a ..."]}"#),
    ("\"a\nb\"", r#"{"f":"a b"}"#),
    ("\"a\n  b\n\n  c\"", r#"{"f":"a b\nc"}"#),
    ("[a\n\n  b]", r#"{"f":["a\nb"]}"#),
    ("[a\n  ]\t\t", r#"{"f":["a"]}"#),
    ("[a,\nb]", r#"{"f":["a","b"]}"#),
    ("{\na: b\n}", r#"{"f":{"a":"b"}}"#),
    // Anchors and tags.
    ("[&a.b c]", ""),
    ("&a.b c", ""),
    ("[&a b, *a]", r#"{"f":["b","b"]}"#),
    ("[&a b,*a]", r#"{"f":["b","b"]}"#),
    ("[&a *a]", ""),
    ("&a *a", ""),
    ("[&x[a]]", ""),
    ("[*x]", ""),
    ("&x b\n  g: {*x : c}", r#"{"f":"b","g":{"b":"c"}}"#),
    ("&x b\n  g: {*x: c}", r#"{"f":"b","g":{"b":"c"}}"#),
    ("&x b\n  g: *x: c", ""),
    ("&x b\n  *x: c", r#"{"b":"c","f":"b"}"#),
    ("[&a\n  !!str 1]", r#"{"f":["1"]}"#),
    ("[!!str\n  &a 1]", r#"{"f":["1"]}"#),
    ("[&a\n  &b c]", ""),
    ("&a\n    !!str\n    1", r#"{"f":"1"}"#),
    ("&a\n    &b x: 1", r#"{"f":{"x":1}}"#),
    ("&a\n    !!str x: 1", r#"{"f":{"x":1}}"#),
    ("&a !!str x: 1", ""),
    ("&a\n    &b\n    x: 1", ""),
    ("!!map\n    &b x: 1", r#"{"f":{"x":1}}"#),
    ("{&x : b}", r#"{"f":{"":"b"}}"#),
    ("[&x : b]", r#"{"f":[{"":"b"}]}"#),
    ("\n    : b", ""),
    ("\n    ? \n    : b", r#"{"f":{"":"b"}}"#),
    ("\n    &x : b", r#"{"f":{"":"b"}}"#),
    ("{!!str : b}", r#"{"f":{"":"b"}}"#),
    ("{!!null : b}", ""),
    ("[!!str]", ""),
    ("[!!str, a]", r#"{"f":["a"]}"#),
    ("[!!str 1]", r#"{"f":["1"]}"#),
    ("[!<tag:yaml.org,2002:str> 1]", r#"{"f":["1"]}"#),
    ("[!x{a}]", ""),
    ("[!x {a}]", r#"{"f":[{"a":""}]}"#),
    // Escapes.
    ("[\"\\/\"]", ""),
    ("[\"a\\'b\"]", r#"{"f":["a'b"]}"#),
    ("[\"\\x41\\u00e9\\U0001F600\"]", r#"{"f":["Aé😀"]}"#),
    ("[\"\\ud800\"]", ""),
    ("[\"\\q\"]", ""),
];

fn built(resource: &str) -> Result<String, fiel_renderer::Error> {
    let files: Memory = [("kustomization.yaml", "resources: [r.yaml]\n"), ("r.yaml", resource)].into_iter().collect();
    build(&files, "", &Options::default()).map(|build| build.to_yaml())
}

#[test]
fn texts_in_brackets_mean_what_they_mean_to_kustomize() {
    let mut wrong = Vec::new();
    for (text, wanted) in CASES {
        let found = match built(&format!("apiVersion: v1\nkind: A\nmetadata:\n  name: a\nspec:\n  f: {text}\n")) {
            Ok(printed) => {
                yaml::parse_all(printed.as_bytes(), "printed").expect("what is printed can be read")[0].to_json()["spec"].clone()
            }
            Err(_) => serde_json::Value::Null,
        };
        let wanted: serde_json::Value = if wanted.is_empty() { serde_json::Value::Null } else { wanted.parse().expect("JSON") };
        if found != wanted {
            wrong.push(format!("{text:?}: {found}, kustomize has {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_and_its_colon_are_at_most_1024_characters_apart() {
    let reads = |key: &str| built(&format!("apiVersion: v1\nkind: A\nmetadata:\n  name: a\nspec:\n  f: {{\"{key}\": b}}\n")).is_ok();
    for letter in ["a", "é"] {
        assert!(reads(&letter.repeat(1022)) && !reads(&letter.repeat(1023)), "two more are the quotes");
    }
}

#[test]
fn what_a_patch_leaves_out_in_brackets_deletes() {
    let files: Memory = [
        ("kustomization.yaml", "resources: [r.yaml]\npatches: [{path: p.yaml}]\n"),
        ("r.yaml", "apiVersion: x/v1\nkind: Foo\nmetadata:\n  name: a\nspec:\n  a: 1\n  b: 1\n  c: 1\n  d: [1]\n"),
        ("p.yaml", "apiVersion: x/v1\nkind: Foo\nmetadata:\n  name: a\nspec: {a: , b, c: ~, d: [e: ,&x ]}\n"),
    ]
    .into_iter()
    .collect();
    let printed = build(&files, "", &Options::default()).expect("built").to_yaml();
    assert!(printed.ends_with("spec:\n  d:\n  - e: \"\"\n  - \"\"\n"), "{printed}");
}
