//! The disk as a build reads it, which shows while it goes on how large the build is.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use fiel_renderer::{Disk, FileKind, FileSystem};

use crate::memory;

/// A build of so many files needs some megabytes, which are used more quickly in large pages.
const MANY: usize = 256;

/// A disk that counts the files that are read one beside the other.
#[derive(Debug)]
pub(crate) struct CountingDisk {
    disk: Disk,
    read: AtomicUsize,
}

impl From<Disk> for CountingDisk {
    fn from(disk: Disk) -> Self {
        Self { disk, read: AtomicUsize::new(0) }
    }
}

impl FileSystem for CountingDisk {
    fn read_if<'p>(&self, path: &'p str, may: &dyn Fn(&str) -> bool) -> Option<(Cow<'p, str>, Vec<u8>)> {
        if self.read.fetch_add(1, Ordering::Relaxed) == MANY {
            memory::use_large_pages();
        }
        self.disk.read_if(path, may)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn kind(&self, path: &str) -> FileKind {
        self.disk.kind(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn canonical(&self, path: &str) -> Option<String> {
        self.disk.canonical(path)
    }

    fn find(&self, path: &str) -> Option<(String, FileKind)> {
        self.disk.find(path)
    }

    fn on_disk(&self, path: &str) -> Option<PathBuf> {
        self.disk.on_disk(path)
    }

    fn display(&self, path: &str) -> String {
        self.disk.display(path)
    }

    fn read_displayed(&self, name: &str) -> io::Result<Vec<u8>> {
        self.disk.read_displayed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn pages_are_large_once_many_files_have_been_read() {
        let temp = tempfile::tempdir().expect("a folder");
        std::fs::write(temp.path().join("a"), "text").expect("written");
        let disk = CountingDisk::from(Disk::new(temp.path()));
        memory::use_small_pages();
        let small = || rustix::thread::transparent_huge_pages_are_disabled().expect("Linux tells");
        for _ in 0..MANY {
            let (path, text) = disk.read_if("a", &|_| true).expect("is there");
            assert_eq!((&*path, &*text, small()), ("a", &b"text"[..], true));
        }
        disk.read_if("a", &|_| true).expect("is there");
        assert!(!small());
    }
}
