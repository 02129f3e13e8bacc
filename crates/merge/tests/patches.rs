//! The corpus of apimachinery's patches: original and patch make result.

use std::path::PathBuf;

use serde_json::{Value, json};

#[test]
fn strategic_patches_know_lists_with_keys() {
    let deployment = fiel_schema::Registry::builtin().kind("apps", "v1", "Deployment").expect("a kind");
    let original = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]}}}});
    let change = json!({"spec": {"replicas": 3, "template": {"spec": {
        "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
        "containers": [{"name": "b", "image": "new"}, {"name": "c", "image": "three"}, {"name": "a", "$patch": "delete"}],
    }}}});
    let patched = fiel_merge::strategic::patch(&original, &change, Some(deployment.schema())).expect("a good patch");
    let containers = json!([{"name": "b", "image": "new"}, {"name": "c", "image": "three"}]);
    assert_eq!(patched, json!({"spec": {"replicas": 3, "template": {"spec": {"containers": containers}}}}));
}

#[test]
fn json_merge_patches_of_the_corpus() {
    let home = std::env::var_os("FIEL_CONFORMANCE").map(PathBuf::from);
    let home = home.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")));
    let Ok(text) = std::fs::read(home.join("kubernetes/smp_cases.json")) else {
        eprintln!("SKIPPED: smp_cases.json is not here (FIEL_CONFORMANCE)");
        return;
    };
    let corpus: Value = serde_json::from_slice(&text).expect("the corpus is JSON");
    println!("{:?}", corpus.as_object().map(|o| o.keys().collect::<Vec<_>>()));
}
