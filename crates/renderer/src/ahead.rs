//! Reads and parses the files of many resources at the same time, before they are asked for one after the other.
//!
//! Only what goes well comes out. What goes wrong, and whatever is no plain file of the kustomization's own, is left to the one who asks for it in order,
//! so that errors are the same as if nothing had been read ahead.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kustomization::Entry;
use crate::load::{Folder, MAX_FILE};
use crate::parallel;
use crate::resource::Resource;

/// Fewer entries are read when they are asked for.
const MANY: usize = 16;

/// Entries of a part: files differ in size, so that threads take few at a time.
const PART: usize = 32;

/// A file that was read ahead.
pub(crate) struct Ahead {
    /// Where it was looked for.
    pub(crate) path: String,
    /// Where its links lead, if there are any.
    pub(crate) linked: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) resources: Vec<Resource>,
}

/// What of the entries could be read ahead; as many as there are entries.
pub(crate) fn read(folder: &Folder<'_>, entries: &[Entry]) -> Vec<Option<Ahead>> {
    let (files, bytes) = folder.session.left();
    if entries.len() < MANY || entries.len() > files {
        return entries.iter().map(|_| None).collect();
    }
    let (reader, left) = (folder.reader(), AtomicUsize::new(bytes));
    let one = |(path, _): &Entry| {
        let (path, linked, bytes) = reader.read_plain(path)?;
        // Beyond the limit nothing more is kept.
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes.len())).ok()?;
        if bytes.len() > MAX_FILE {
            return None;
        }
        let (resources, None) = crate::read::resources_and_rest(&bytes, "").ok()? else { return None };
        Some(Ahead { path, linked, bytes: bytes.len(), resources })
    };
    let part = if parallel::part(entries.len()) < entries.len() { PART } else { entries.len() };
    parallel::run(entries.chunks(part), |part| part.iter().map(one).collect::<Vec<_>>()).into_iter().flatten().collect()
}
