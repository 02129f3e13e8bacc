//! The conformance corpus: real kustomize's output for hundreds of trees. It lies outside of the repository; without it the test says so and passes.

use std::path::{Path, PathBuf};

use fiel_renderer::{Disk, LoadRestrictor, Options, Order, build};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("FIEL_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"), PathBuf::from);
    let folder = folder.join("kustomize/build");
    folder.is_dir().then_some(folder)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The label that names the version of the tool is not compared.
fn comparable(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("app.kubernetes.io/managed-by: kustomize-").map_or(line, |(start, _)| start))
        .collect::<Vec<_>>()
        .join("\n")
}

fn check(case: &Path) -> Option<Result<(), String>> {
    let info: serde_json::Value = serde_json::from_slice(&std::fs::read(case.join("case.json")).ok()?).ok()?;
    if info.get("needs").is_some() || info.get("exit").is_none() {
        return None;
    }
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("root");
    copy(&case.join("input"), &root);
    for dir in info["empty_dirs"].as_array().into_iter().flatten() {
        std::fs::create_dir_all(root.join(dir.as_str()?)).unwrap();
    }
    #[cfg(unix)]
    for (path, target) in info["symlinks"].as_object().into_iter().flatten() {
        std::fs::create_dir_all(root.join(path).parent()?).unwrap();
        std::os::unix::fs::symlink(target.as_str()?, root.join(path)).unwrap();
    }
    let flags = info["flags"].to_string();
    let mut options = Options {
        load_restrictor: if flags.contains("LoadRestrictionsNone") { LoadRestrictor::None } else { LoadRestrictor::RootOnly },
        managed_by_label: flags.contains("enable-managedby-label"),
        ..Options::default()
    };
    if flags.contains("\"none\"") || flags.contains("reorder=none") {
        options.order = Order::AsRead;
    }
    let one = |options: &Options, expected: &str| -> Result<(), String> {
        let built = build(&Disk::new(&root), info["path"].as_str().unwrap_or("."), options);
        match (info["exit"].as_str(), built) {
            (Some("error"), Err(_)) => Ok(()),
            (Some("error"), Ok(_)) => Err("should have failed".to_owned()),
            (_, Err(error)) => Err(error.to_string()),
            (_, Ok(built)) => {
                let expected = std::fs::read_to_string(case.join(expected)).unwrap();
                if comparable(&built.to_yaml()) == comparable(&expected) { Ok(()) } else { Err("the output differs".to_owned()) }
            }
        }
    };
    let mut result = one(&options, "expected.yaml");
    if result.is_ok() && case.join("expected_reorder_none.yaml").exists() {
        result = one(&Options { order: Order::AsRead, ..options }, "expected_reorder_none.yaml");
    }
    Some(result)
}

#[test]
fn build_cases_equal_kustomize() {
    let Some(folder) = corpus() else {
        eprintln!("SKIPPED: the conformance corpus was not found; set FIEL_CONFORMANCE to its folder");
        return;
    };
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    cases.sort();
    let (mut passed, mut wrong) = (0, Vec::new());
    for case in &cases {
        let name = case.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match check(case) {
            None => {}
            Some(Ok(())) => passed += 1,
            Some(Err(error)) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{passed} passed, and:\n{}", wrong.join("\n"));
    assert!(passed > 0, "the corpus holds no case");
}
