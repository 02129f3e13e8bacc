//! `cargo xtask conformance kube-rs`: the cluster tests of the kube crates themselves, unmodified, on our sandbox.
//!
//! The sources are those that cargo has fetched for our own build, copied into a workspace of their own under `target/kube-rs`; nothing of them is in
//! this repository. Its lock file begins as ours, so that as little as possible is compiled twice; only what the tests need beyond is fetched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::Unavailable;
use crate::process::{self, Guarded};
use crate::report::Tally;

/// The crates that have such tests, and whether theirs use the umbrella crate `kube`, which a published manifest does not say.
const CRATES: [(&str, bool); 3] = [("kube", false), ("kube-client", true), ("kube-runtime", true)];

const FEATURES: &str = "kube/client,kube/derive,kube/jsonpatch,kube/ring,kube/runtime,kube/rustls-tls,kube/ws,kube-client/unstable-client";

/// What the Pods of the tests play: they sleep for half a minute.
const PLAY: &str = "busybox=runs:30s";

/// Tests that cannot be run on the sandbox, and why.
const LEFT_OUT: [(&str, &str); 4] = [
    ("pod_can_exec_and_write_to_stdin", "runs a shell in a container"),
    ("can_get_pod_logs_and_evict", "reads what a shell in a container writes"),
    ("pod_can_exec_and_write_to_stdin_from_node_proxy", "speaks to a real kubelet"),
    ("custom_client_openssl_tls_configuration", "needs OpenSSL"),
];

/// Runs the tests whose name contains `matching`.
pub(crate) fn play(sh: &Shell, matching: &str) -> Result<Tally> {
    let home = process::root().join("target/kube-rs");
    prepare(sh, &home)?;
    let manifest = home.join("Cargo.toml");
    let fetched = cmd!(sh, "cargo fetch --manifest-path {manifest}").quiet().ignore_stderr().run();
    fetched.map_err(|_| Unavailable("what kube-rs's tests need could not be fetched (`cargo fetch` in target/kube-rs)".to_owned()))?;
    let programs = tests(sh, &manifest)?;
    let fiel = process::programs(sh, &["--package", "fiel-cli", "--bin", "fiel"], &["fiel"])?;

    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    let mut sandbox = Command::new(&fiel[0]);
    sandbox.args(["sandbox", "--play", PLAY, "--kubeconfig"]).arg(&kubeconfig);
    let mut sandbox = Guarded::spawn(sandbox, &folder.path().join("sandbox.log"))?;
    process::wait_for("the sandbox", Duration::from_secs(20), || {
        sandbox.running().with_context(|| process::tail(&folder.path().join("sandbox.log"), 5))?;
        Ok(kubeconfig.is_file())
    })?;

    let mut tally = Tally::default();
    for (program, (name, _)) in programs.iter().zip(CRATES) {
        let list = Command::new(program).args(["--ignored", "--list", "--format", "terse"]).output()?;
        let chosen: Vec<String> = names(&String::from_utf8_lossy(&list.stdout)).filter(|name| name.contains(matching)).collect();
        if chosen.is_empty() {
            ensure!(!matching.is_empty(), "{name} has no cluster tests any more");
            continue;
        }
        let mut run = Command::new(program);
        run.args(["--ignored", "--exact"]).args(&chosen).current_dir(&home).env("KUBECONFIG", &kubeconfig).env_remove("RUST_BACKTRACE");
        let (status, output) = process::tee(run, |line| !line.is_empty())?;
        let own = Tally::of_cargo(&output);
        ensure!(own.passed + own.failed == chosen.len() && status.success() == (own.failed == 0), "{name} ended early: {status}");
        tally.add(own);
    }
    for (name, why) in LEFT_OUT {
        println!("left out: {name}: {why}");
    }
    Ok(tally)
}

/// The test programs of the crates, built beside our own.
fn tests(sh: &Shell, manifest: &Path) -> Result<Vec<PathBuf>> {
    let (manifest, target) = (manifest.display().to_string(), process::root().join("target").display().to_string());
    let mut arguments =
        vec!["--manifest-path", &manifest, "--target-dir", &target, "--lib", "--no-default-features", "--features", FEATURES];
    arguments.extend(CRATES.iter().flat_map(|(name, _)| ["--package", name]));
    let names = CRATES.map(|(name, _)| name.replace('-', "_"));
    process::build_tests(sh, &arguments, &names.each_ref().map(String::as_str))
}

/// The tests in a list of libtest that can be run here.
fn names(list: &str) -> impl Iterator<Item = String> {
    let left_out = |name: &str| LEFT_OUT.iter().any(|(left_out, _)| name.rsplit("::").next() == Some(left_out));
    list.lines().filter_map(|line| line.strip_suffix(": test")).filter(move |name| !left_out(name)).map(str::to_owned)
}

/// Lays out the workspace; files that are as they must be are left alone, so that cargo builds only what is new.
fn prepare(sh: &Shell, home: &Path) -> Result<()> {
    let mut text = String::new();
    for (name, source) in sources(sh)? {
        copy(&source, &home.join(&name))?;
        let uses_kube = CRATES.contains(&(name.as_str(), true));
        let mut manifest = fs::read_to_string(source.join("Cargo.toml"))?;
        if uses_kube {
            manifest.push_str("\n[dev-dependencies.kube]\npath = \"../kube\"\ndefault-features = false\n");
        }
        write(&home.join(&name).join("Cargo.toml"), manifest.as_bytes())?;
        collect(&home.join(&name), &mut text)?;
    }
    for (name, _) in LEFT_OUT {
        ensure!(text.contains(&format!("fn {name}(")), "{name} is left out, but kube-rs has no such test any more");
    }
    write(&home.join("Cargo.toml"), workspace().as_bytes())?;
    // Cargo adds to the lock file: it begins anew only when ours has changed.
    let ours = fs::read(process::root().join("Cargo.lock"))?;
    let begun = home.join("Cargo.lock.begun");
    if fs::read(&begun).ok().as_deref() != Some(&ours) {
        fs::write(home.join("Cargo.lock"), &ours)?;
        fs::write(begun, ours)?;
    }
    Ok(())
}

/// The manifest of the workspace. Its profile is that of our own, for what both are built of.
fn workspace() -> String {
    let members: Vec<String> = CRATES.iter().map(|(name, _)| format!("{name:?}")).collect();
    let patches: String = CRATES.iter().map(|(name, _)| format!("{name} = {{ path = {name:?} }}\n")).collect();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n{patches}\n[profile.dev]\ndebug = \"line-tables-only\"\n\n\
         [profile.dev.package.\"*\"]\ndebug = false\n\n[profile.dev.package]\nhyper.opt-level = 1\nrustls.opt-level = 1\n",
        members.join(", ")
    )
}

/// Where cargo keeps the sources of the crates that our build uses.
fn sources(sh: &Shell) -> Result<BTreeMap<String, PathBuf>> {
    let metadata = cmd!(sh, "cargo metadata --format-version 1 --locked").quiet().ignore_stderr().read();
    let metadata = metadata.map_err(|_| Unavailable("cargo could not fetch the sources of kube-rs (`cargo metadata`)".to_owned()))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    CRATES
        .iter()
        .map(|(name, _)| {
            let mut packages = metadata["packages"].as_array().into_iter().flatten();
            let package = packages.find(|package| package["name"] == **name);
            let manifest =
                package.and_then(|package| package["manifest_path"].as_str()).with_context(|| format!("{name} is not used any more"))?;
            let folder = Path::new(manifest).parent().context("a manifest is in a folder")?;
            Ok(((*name).to_owned(), folder.to_owned()))
        })
        .collect()
}

/// Makes `to` the same as `from`, but for the manifest.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)?.collect::<std::io::Result<Vec<_>>>()? {
        let source = from.join(entry.file_name());
        if entry.path().is_file() && !source.is_file() {
            fs::remove_file(entry.path())?;
        } else if entry.path().is_dir() && !source.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    for entry in fs::read_dir(from)?.collect::<std::io::Result<Vec<_>>>()? {
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &copied)?;
        } else if entry.file_name() != "Cargo.toml" {
            write(&copied, &fs::read(&source)?)?;
        }
    }
    Ok(())
}

/// Writes a file unless it holds that already.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// All Rust code of a folder.
fn collect(folder: &Path, text: &mut String) -> Result<()> {
    for entry in fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()? {
        if entry.path().is_dir() {
            collect(&entry.path(), text)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_left_out_of_the_list() {
        let list = "test::csr_can_be_approved: test\ntest::can_get_pod_logs_and_evict: test\na::b: test\n3 tests, 0 benchmarks\n";
        assert_eq!(names(list).collect::<Vec<_>>(), ["test::csr_can_be_approved", "a::b"]);
    }

    #[test]
    fn a_copy_follows_its_source_and_leaves_what_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("src")).unwrap();
        fs::write(from.join("src/lib.rs"), "one").unwrap();
        fs::write(from.join("Cargo.toml"), "").unwrap();
        copy(&from, &to).unwrap();
        let made = fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap();
        fs::write(to.join("src/old.rs"), "").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap(), made);
        assert!(!to.join("src/old.rs").exists() && !to.join("Cargo.toml").exists());
    }

    #[test]
    fn the_workspace_patches_all_that_it_holds() {
        let text = workspace();
        assert!(text.contains("members = [\"kube\", \"kube-client\", \"kube-runtime\"]"), "{text}");
        assert!(text.contains("kube-client = { path = \"kube-client\" }"), "{text}");
    }
}
