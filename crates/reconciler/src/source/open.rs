//! Opening a repository on the local disk: its own configuration only, nothing that runs or leads elsewhere.

use std::path::{Path, PathBuf};

/// How repositories are opened: no configuration but their own, no environment, no includes.
pub(super) fn options() -> gix::open::Options {
    gix::open::Options::isolated().open_path_as_is(false).bail_if_untrusted(false)
}

/// Opens the repository in `folder`, bare or not.
pub(super) fn open(folder: &Path) -> Result<gix::Repository, String> {
    if !folder.exists() {
        return Err("there is no such folder".to_owned());
    }
    let repository = gix::open_opts(folder, options()).map_err(|e| e.to_string())?;
    let alternates = repository.common_dir().join("objects/info/alternates");
    if alternates.exists() {
        return Err(
            "it borrows objects from another repository (objects/info/alternates), which is refused: nothing outside a repository is read"
                .to_owned(),
        );
    }
    Ok(repository)
}

/// What tells one repository from another that took its place: device, inode and the time of the last change of its
/// configuration (tests and servers do delete and create repositories under one path).
pub(super) fn identity(folder: &Path) -> Option<(PathBuf, u64, u64, i64)> {
    use std::os::unix::fs::MetadataExt;
    let config = [folder.join("config"), folder.join(".git/config")].into_iter().find(|p| p.exists())?;
    let meta = std::fs::metadata(&config).ok()?;
    let folder_meta = std::fs::metadata(folder).ok()?;
    Some((config, folder_meta.ino(), meta.ino(), meta.mtime_nsec() ^ (meta.mtime() << 20)))
}

/// The commit that `name` (a full reference name or `HEAD`) names, annotated tags peeled.
pub(super) fn commit_of(repository: &gix::Repository, name: &str) -> Option<gix::ObjectId> {
    let mut reference = repository.try_find_reference(name).ok().flatten()?;
    let id = reference.peel_to_id().ok()?.detach();
    as_commit(repository, id)
}

/// The commit behind an object: itself, or what an annotated tag of it names.
pub(super) fn as_commit(repository: &gix::Repository, id: gix::ObjectId) -> Option<gix::ObjectId> {
    let object = repository.find_object(id).ok()?;
    Some(object.peel_to_kind(gix::object::Kind::Commit).ok()?.id)
}

/// The commit whose id is or begins with `hex`, if exactly one does.
pub(super) fn commit_by_id(repository: &gix::Repository, hex: &str) -> Option<gix::ObjectId> {
    if hex.len() == 40 {
        return as_commit(repository, gix::ObjectId::from_hex(hex.as_bytes()).ok()?);
    }
    let prefix = gix::hash::Prefix::from_hex(hex).ok()?;
    let found = repository.objects.lookup_prefix(prefix, None).ok()??.ok()?;
    as_commit(repository, found)
}
