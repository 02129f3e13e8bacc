//! How large the pages are in which the process gets its memory. Large ones (two megabytes, Linux' transparent huge pages) make work on much memory a tenth
//! quicker, and most of what this program does larger than it need be. The first page is in use before `main` can choose.

/// Memory comes in small pages, whatever the machine would choose. Programs that are started from here inherit it.
pub(crate) fn use_small_pages() {
    choose_small(true);
}

/// Memory that is used for the first time from now on may come in large pages.
pub(crate) fn use_large_pages() {
    choose_small(false);
}

/// Nothing but speed and size depends on it, so that a system which knows nothing of it is none the worse.
fn choose_small(small: bool) {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(small);
    #[cfg(not(target_os = "linux"))]
    let _ = small;
}
