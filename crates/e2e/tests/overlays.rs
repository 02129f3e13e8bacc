//! What the manifests of this repository render to: pinned by snapshots, and byte for byte what the real kustomize prints
//! where it is on the PATH.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

/// Renders a folder of this repository as `fiel build` does.
fn render(folder: &str) -> String {
    let files = fiel_renderer::Disk::new(root());
    match fiel_renderer::build(&files, folder, &fiel_renderer::Options::default()) {
        Ok(build) => build.to_yaml(),
        Err(error) => panic!("{folder}: {error}"),
    }
}

/// The tag in k8s/kustomization.yaml, which CD writes at every delivery: a snapshot must not change with it.
fn delivered_tag() -> String {
    let text = std::fs::read_to_string(root().join("k8s/kustomization.yaml")).expect("the base is there");
    let tag = text.lines().find_map(|line| line.trim().strip_prefix("newTag:")).expect("CD has a tag to write");
    tag.trim().trim_matches('"').to_owned()
}

/// The real kustomize: on the PATH, or where the tools to compare with are kept.
fn kustomize() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    let oracles = std::env::var_os("FIEL_ORACLES").map_or_else(|| home.join(".cache/fiel-oracles"), PathBuf::from);
    let kept = oracles.join("bin/kustomize");
    let on_path = Command::new("kustomize").arg("version").output().is_ok();
    if !on_path && kept.exists() { kept } else { PathBuf::from("kustomize") }
}

/// Pins a folder, and compares it with the real kustomize.
fn check(folder: &str) {
    let rendered = render(folder);
    let tag = delivered_tag();
    assert!(rendered.contains(&format!("user/gitopsfc:{tag}")), "{folder} does not deliver the tag {tag}");
    let stable = rendered.replace(&format!("user/gitopsfc:{tag}"), "user/gitopsfc:<tag>");
    insta::assert_snapshot!(folder.replace('/', "-"), stable);
    match Command::new(kustomize()).arg("build").arg(root().join(folder)).output() {
        Ok(output) if output.status.success() => {
            assert_eq!(rendered, String::from_utf8_lossy(&output.stdout), "{folder} differs from what kustomize prints");
        }
        Ok(output) => panic!("kustomize refuses {folder}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            eprintln!("SKIPPED: {folder} was not compared with kustomize: it is not on the PATH");
        }
    }
}

#[test]
fn base() {
    check("k8s");
}

#[test]
fn dev() {
    check("overlays/dev");
}

#[test]
fn prod() {
    check("overlays/prod");
}

#[test]
fn the_overlays_differ_as_real_ones_do() {
    let (dev, prod) = (render("overlays/dev"), render("overlays/prod"));
    assert_ne!(dev, prod);
    for (name, rendered) in [("dev", &dev), ("prod", &prod)] {
        for kind in ["kind: Deployment", "kind: Service", "kind: ConfigMap"] {
            assert!(rendered.contains(kind), "{name} has no {kind}");
        }
    }
}
