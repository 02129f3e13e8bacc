use super::*;
use std::path::PathBuf;

/// The recorded verdicts of Argo CD on built-in kinds.
#[test]
fn native_corpus() {
    let root = std::env::var_os("FIEL_CONFORMANCE")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"), PathBuf::from);
    let Ok(cases) = std::fs::read_to_string(root.join("health/native_cases.jsonl")) else {
        eprintln!("SKIPPED: native_corpus: no folder of recorded cases (FIEL_CONFORMANCE)");
        return;
    };
    let (mut passed, mut failed, mut later) = (0, Vec::new(), 0);
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let Some(input) = case["input"].as_str() else { continue };
        if ["HorizontalPodAutoscaler", "Workflow"].contains(&case["kind"].as_str().unwrap_or_default()) {
            later += 1;
            continue;
        }
        let text = std::fs::read_to_string(root.join("health").join(input)).expect("the file");
        let document = serde_yaml::Deserializer::from_str(&text).next().expect("a document");
        let object: Value = serde::Deserialize::deserialize(document).expect("YAML");
        let found = of(&object).map(|h| (h.status.name().to_owned(), h.message));
        let expected = case["expected"]
            .as_object()
            .map(|e| (e["status"].as_str().unwrap_or_default().to_owned(), e["message"].as_str().unwrap_or_default().to_owned()));
        if found == expected { passed += 1 } else { failed.push(format!("{}: expected {expected:?}, found {found:?}", case["id"])) }
    }
    println!("{passed} passed, {} failed, {later} of kinds that come later", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_worst_counts() {
    let key = ObjectKey { group: "apps".into(), kind: "Deployment".into(), namespace: "demo".into(), name: "web".into() };
    let all = |list: &[Option<Status>]| aggregate(list.iter().map(|status| (&key, *status)));
    let status = |list| all(list).status;
    assert_eq!(status(&[]), Status::Healthy);
    assert_eq!(status(&[None, Some(Status::Missing)]), Status::Healthy);
    assert_eq!(status(&[Some(Status::Missing), Some(Status::Missing)]), Status::Missing);
    let worst = all(&[Some(Status::Progressing), Some(Status::Degraded), Some(Status::Missing)]);
    assert_eq!(worst, health(Status::Degraded, "Caused by apps/Deployment:demo/web"));
}
