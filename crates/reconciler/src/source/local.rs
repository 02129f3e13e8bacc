//! A revision of the repository that one is in.

use std::path::Path;
use std::sync::Arc;

use super::tree::GitTree;
use super::{Error, Snapshot, open};

/// The files of a revision (as `git rev-parse` takes it) of the repository around a folder, read from its objects.
///
/// # Errors
/// When the folder is in no repository, and when the revision names no commit of it.
pub fn local(folder: &Path, revision: &str) -> Result<Snapshot, Error> {
    let failed = |reason: String| Error::Repository { url: folder.display().to_string(), reason };
    let top = folder.ancestors().find(|folder| folder.join(".git").exists());
    let top = top.ok_or_else(|| failed("this folder is in no Git repository".to_owned()))?;
    let repository = open::open(top).map_err(failed)?;
    let unknown = || Error::Revision { url: top.display().to_string(), revision: revision.to_owned() };
    let id = repository.rev_parse_single(revision).map_err(|_| unknown())?.detach();
    let commit = open::as_commit(&repository, id).ok_or_else(unknown)?;
    let tree = GitTree::open(repository, commit).map_err(failed)?;
    Ok(Snapshot { commit: commit.to_string(), tree: Arc::new(tree) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_read_from_the_objects_and_an_unknown_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let repository = gix::init(folder.path()).unwrap();
        let blob = repository.write_blob("hello").unwrap().detach();
        let entry = gix::objs::tree::Entry { mode: gix::objs::tree::EntryKind::Blob.into(), filename: "a.txt".into(), oid: blob };
        let tree = repository.write_object(gix::objs::Tree { entries: vec![entry] }).unwrap();
        let who = gix::actor::SignatureRef { name: "a".into(), email: "b".into(), time: "0 +0000" };
        repository.commit_as(who, who, "refs/heads/trial", "first", tree, gix::commit::NO_PARENT_IDS).unwrap();

        let below = folder.path().join("below");
        std::fs::create_dir(&below).unwrap();
        let snapshot = local(&below, "trial").unwrap();
        assert_eq!(snapshot.tree.read("a.txt").unwrap(), b"hello");
        assert!(local(&below, "other").unwrap_err().to_string().contains("'other'"));
    }
}
