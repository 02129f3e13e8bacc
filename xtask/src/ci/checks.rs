//! Small steps about what is not Rust, and the size of what is shipped.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::report::Report;
use crate::{elf, process};

/// The most that the static server may weigh, in bytes.
const SERVER: u64 = 2_500_000;

/// Builds the server as it is shipped and weighs it.
pub(super) fn size(sh: &Shell, report: &mut Report) -> Result<()> {
    if !cfg!(target_os = "linux") {
        report.skip("size: the static server is built on Linux only");
        return Ok(());
    }
    let binary = process::build_static(sh, "fiel-server", "dist", "fiel-server")?;
    let bytes = fs::metadata(&binary)?.len();
    println!("fiel-server: {bytes} bytes, at most {SERVER}");
    ensure!(bytes <= SERVER, "the static server weighs {bytes} bytes, at most {SERVER} are allowed");
    let header = fs::read(&binary)?;
    ensure!(!elf::asks_for_interpreter(&header), "the server is not static: it asks for a dynamic loader");
    Ok(())
}

/// Parses flake.nix, and looks whether flake.lock pins every input with its hash.
pub(super) fn flake(sh: &Shell, report: &mut Report) -> Result<()> {
    let lock: Value = serde_json::from_str(&sh.read_file("flake.lock")?).context("flake.lock")?;
    let loose = unpinned(&lock);
    ensure!(loose.is_empty(), "flake.lock does not pin {}", loose.join(", "));
    if !process::answers(sh, "nix-instantiate", &["--version"]) {
        report.skip("flake: nix-instantiate is not on this machine, flake.nix was not parsed");
        return Ok(());
    }
    let parsed = cmd!(sh, "nix-instantiate --parse flake.nix").quiet().read()?;
    ensure!(!parsed.trim().is_empty(), "flake.nix is empty");
    println!("flake.nix parses, flake.lock pins its inputs");
    Ok(())
}

/// The inputs of a lock file without a whole revision or a hash of their content.
fn unpinned(lock: &Value) -> Vec<String> {
    let Some(nodes) = lock["nodes"].as_object() else {
        return vec!["anything: there are no nodes".to_owned()];
    };
    let root = lock["root"].as_str().unwrap_or("root");
    let hexadecimal = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pinned = |node: &Value| {
        node["locked"]["rev"].as_str().is_some_and(hexadecimal)
            && node["locked"]["narHash"].as_str().is_some_and(|hash| hash.starts_with("sha256-") && hash.len() == 51)
    };
    nodes.iter().filter(|(name, node)| *name != root && !pinned(node)).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lock_file_pins_revision_and_hash() {
        let (rev, hash) = ("0123456789abcdef0123456789abcdef01234567", format!("sha256-{}=", "A".repeat(43)));
        let lock = |rev: &str, hash: &str| json!({"root": "root", "nodes": {"root": {"inputs": {}}, "nixpkgs": {"locked": {"rev": rev, "narHash": hash}}}});
        assert_eq!(unpinned(&lock(rev, &hash)), [""; 0]);
        assert_eq!(unpinned(&lock("main", &hash)), ["nixpkgs"]);
        assert_eq!(unpinned(&lock(rev, "sha256-short")), ["nixpkgs"]);
        assert_eq!(unpinned(&json!({})), ["anything: there are no nodes"]);
    }
}
