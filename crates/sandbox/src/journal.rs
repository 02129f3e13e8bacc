//! What was written, on disk: a cluster that is opened again in the same folder goes on where it ended.
//!
//! Two files of JSON lines, one write a line. `log` is added to with every write, before it is answered; when it holds much more than what is alive,
//! everything alive goes into a new `checkpoint` and the log begins anew. A line that a crash cut off is dropped: its write was never answered.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::store::{Store, Write};

/// A log shorter than this is never worth a checkpoint.
const WORTH: usize = 10_000;

/// The files of a folder, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    log: File,
    /// Writes in the log.
    length: usize,
    /// Why nothing can be kept any more.
    broken: Option<String>,
    /// One process at a time.
    lock: File,
}

/// The lock would go with the file, but later: a process that is just being started holds every open file until it has become another program.
impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.lock.unlock());
    }
}

impl Journal {
    /// Opens a folder, making it where it is missing, and reads what it holds into the store.
    ///
    /// # Errors
    /// When the folder cannot be used, another process uses it, or it holds something else.
    pub(crate) fn open(folder: &Path, store: &mut Store) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.try_lock().map_err(|_| io::Error::other(format!("{} is in use by another process", folder.display())))?;
        read(&folder.join("checkpoint"), store)?;
        let path = folder.join("log");
        let (length, whole) = read(&path, store)?;
        let log = OpenOptions::new().create(true).append(true).open(&path)?;
        log.set_len(whole)?;
        Ok(Self { folder: folder.to_owned(), log, length, broken: None, lock })
    }

    /// Keeps a write. Once that has failed nothing more is kept, so that what is on disk has no gap.
    pub(crate) fn keep(&mut self, write: &Write<'_>) {
        if self.broken.is_some() {
            return;
        }
        match self.log.write_all(&line(write)) {
            Ok(()) => self.length += 1,
            Err(error) => self.broken = Some(format!("{}: {error}", self.folder.join("log").display())),
        }
    }

    /// Why writes can no longer be taken.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Whether a checkpoint would make the log much shorter.
    pub(crate) fn is_long(&self, alive: usize) -> bool {
        self.length > WORTH && self.length > 2 * alive
    }

    /// Replaces both files by what is alive. The checkpoint is complete before it takes the old one's place, and only then the log is emptied:
    /// what a crash between the two leaves twice is read to the same end.
    pub(crate) fn checkpoint<'a>(&mut self, alive: impl Iterator<Item = Write<'a>>) {
        let write = || -> io::Result<()> {
            let new = self.folder.join("checkpoint.new");
            let mut file = BufWriter::new(File::create(&new)?);
            for write in alive {
                file.write_all(&line(&write))?;
            }
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            std::fs::rename(&new, self.folder.join("checkpoint"))?;
            self.log.set_len(0)
        };
        match write() {
            Ok(()) => self.length = 0,
            Err(error) => self.broken = Some(format!("{}: {error}", self.folder.join("checkpoint").display())),
        }
    }
}

/// A write as a line of JSON, the object last.
fn line(write: &Write<'_>) -> Vec<u8> {
    let Write { resource, namespace, name, object, revision } = write;
    let head = json!({"revision": revision, "resource": resource, "namespace": namespace, "name": name}).to_string();
    let mut out = head.trim_end_matches('}').as_bytes().to_vec();
    if let Some(object) = object {
        out.extend_from_slice(b",\"object\":");
        object.write(&mut out);
    }
    out.extend_from_slice(b"}\n");
    out
}

/// Reads a file into the store: how many writes, and how many bytes they take. A file that is missing holds none.
fn read(path: &Path, store: &mut Store) -> io::Result<(usize, u64)> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    let (mut reader, mut line, mut count, mut whole) = (BufReader::new(file), Vec::new(), 0, 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 || line.last() != Some(&b'\n') {
            return Ok((count, whole));
        }
        count += 1;
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}:{count}: {what}", path.display()));
        let mut entry: Value = serde_json::from_slice(&line).map_err(|error| wrong(&error.to_string()))?;
        let object = Some(entry["object"].take()).filter(|object| !object.is_null());
        let text = |field: &str| entry[field].as_str().ok_or_else(|| wrong(&format!("no {field}")));
        let revision = entry["revision"].as_u64().ok_or_else(|| wrong("no revision"))?;
        store.restore(text("resource")?, text("namespace")?, text("name")?, object, revision);
        whole += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(store: &Store) -> Vec<String> {
        store.list("/things", "", None).map(|(_, object)| object.value()["v"].to_string()).collect()
    }

    fn open(folder: &Path) -> Store {
        let mut store = Store::new();
        let journal = Journal::open(folder, &mut store).unwrap();
        store.keep_in(journal);
        store
    }

    fn put(store: &mut Store, name: &str, value: u64) {
        store.put("/things", "a", name, json!({"metadata": {"name": name}, "v": value}));
    }

    #[test]
    fn what_was_written_is_there_again_and_the_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        put(&mut store, "one", 1);
        put(&mut store, "two", 2);
        store.delete("/things", "a", "one");
        let revision = store.revision();
        drop(store);
        let mut store = open(folder.path());
        assert_eq!((things(&store), store.revision()), (vec!["2".to_owned()], revision));
        // What happened before is no longer known: a watch from then must list again.
        assert_eq!(store.since("/things", revision - 1).err(), Some(revision));
        put(&mut store, "one", 3);
        assert_eq!(store.since("/things", revision).unwrap().len(), 1);
    }

    #[test]
    fn a_line_that_was_cut_off_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        put(&mut store, "one", 1);
        put(&mut store, "two", 2);
        drop(store);
        let log = folder.path().join("log");
        let whole = std::fs::read(&log).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in first..whole.len() {
            std::fs::write(&log, &whole[..cut]).unwrap();
            let mut store = open(folder.path());
            assert_eq!(things(&store), ["1"]);
            put(&mut store, "three", 3);
            drop(store);
            assert_eq!(things(&open(folder.path())), ["1", "3"]);
        }
    }

    #[test]
    fn a_long_log_becomes_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        put(&mut store, "two", 0);
        for value in 0..=WORTH as u64 {
            put(&mut store, "one", value);
        }
        let revision = store.revision();
        drop(store);
        assert!(std::fs::metadata(folder.path().join("log")).unwrap().len() < 1000);
        let store = open(folder.path());
        assert_eq!((things(&store), store.revision()), (vec![WORTH.to_string(), "0".to_owned()], revision));
    }

    #[test]
    fn a_closed_journal_is_free_although_its_file_is_still_open_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new();
        let journal = Journal::open(folder.path(), &mut store).unwrap();
        // What a process that is being started has for a moment.
        let held = journal.lock.try_clone().unwrap();
        drop(journal);
        assert!(Journal::open(folder.path(), &mut store).is_ok());
        drop(held);
    }

    #[test]
    fn one_process_at_a_time_and_no_other_content() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path());
        let second = Journal::open(folder.path(), &mut Store::new()).unwrap_err();
        assert!(second.to_string().ends_with("is in use by another process"));
        drop(first);
        std::fs::write(folder.path().join("log"), "hello\n").unwrap();
        let error = Journal::open(folder.path(), &mut Store::new()).unwrap_err();
        assert!(error.to_string().contains("log:1: "), "{error}");
    }
}
