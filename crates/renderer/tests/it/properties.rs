//! Properties that hold for all inputs.

use fiel_renderer::yaml::{Map, Value, parse_all, to_string};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9:#' \"\\-\\[\\]{},&*!|>%@`?~.\n\t]{0,24}",
        "(yes|no|null|~|1e3|0x1f|1_000|12:30|2001-01-01|true|=|<<| a|a |\\.inf)",
        "[a-z é☺😀]{0,120}",
        "[ -~]{0,40}"
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::string),
        any::<i64>().prop_map(Value::int),
        any::<bool>().prop_map(Value::bool),
        Just(Value::null())
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let map = prop::collection::vec(("[a-z0-9 .:/\\-]{1,10}", inner.clone()), 0..5).prop_map(|entries| {
            let mut map = Map::new();
            for (key, value) in entries {
                map.insert(&key, value);
            }
            Value::map(map)
        });
        prop_oneof![prop::collection::vec(inner, 0..5).prop_map(Value::list), map]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is written is read back as the same.
    #[test]
    fn parse_undoes_emit(value in value()) {
        let mut map = Map::new();
        map.insert("root", value);
        let value = Value::map(map);
        let written = to_string(&value);
        let read = parse_all(written.as_bytes(), "t.yaml").map_err(|error| TestCaseError::fail(format!("{error}\n{written}")))?;
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].to_json(), value.to_json(), "{}", written);
    }

    /// No input makes the parser panic.
    #[test]
    fn the_parser_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\-a:#' \"\\[\\]{},&*!|>%?~\n\t0-9]{0,80}") {
        let _bytes = parse_all(&bytes, "t.yaml").is_ok();
        let _text = parse_all(text.as_bytes(), "t.yaml").is_ok();
    }

    /// Nor does one make a build panic.
    #[test]
    fn a_build_never_panics(text in "(resources|patches|images|labels|vars|replacements|replicas|namePrefix): [\\-a:#' \"\\[\\]{},&*!|>%?~\n0-9]{0,60}") {
        let files: fiel_renderer::Memory = [("kustomization.yaml", text)].into_iter().collect();
        let _built = fiel_renderer::build(&files, "", &fiel_renderer::Options::default()).is_ok();
    }
}
