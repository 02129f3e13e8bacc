//! The renderer from outside: whole builds, errors, the conformance corpus, properties.
#![allow(clippy::unwrap_used, reason = "tests")]

mod builds;
mod conformance;
mod differential;
mod documents;
mod edits;
mod errors;
mod explain;
mod flow;
mod found;
mod fuzz;
mod keys;
mod limits;
mod metadata;
mod openapi;
mod outside;
mod patches;
mod properties;
mod replacements;
mod restrictions;
mod together;

use fiel_renderer::{Build, Error, Memory, Options, build};

/// A file tree in one string: lines `== path` begin a file.
fn tree(text: &str) -> Memory {
    let mut files = Memory::new();
    for part in text.split("== ").skip(1) {
        let (path, content) = part.split_once('\n').expect("a path and a content");
        files.insert(path.trim(), content);
    }
    files
}

fn run(path: &str, text: &str) -> Result<Build, Error> {
    build(&tree(text), path, &Options::default())
}
