//! A file of a store in memory, without reading it.

use std::{fs::File, io, path::Path};

use memmap2::Mmap;

/// The bytes of the file `path`, which are read from disk where they are looked at.
pub(super) fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: a file of a store is put in its place whole by a rename, and never written to again by anything that
    // knows of stores, so that the bytes do not change while they are borrowed. Who removes it leaves the mapping as it
    // is. Who overwrites or truncates it in its place from outside breaks what any reader of mapped files relies on.
    #[allow(unsafe_code)]
    unsafe {
        Mmap::map(&file)
    }
}
