//! A mapped file as words to store to.
//!
//! Must not know what is measured. Invariant: the mapping is touched as atomics only, and inside its length.

#![allow(unsafe_code, reason = "what a map is measured against is the kernel's own way with mapped files")]

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::MmapRaw;

/// A file, mapped.
pub(crate) struct Words(MmapRaw);

impl Words {
    /// Maps all of a file that is open for reading and writing.
    pub(crate) fn map(file: &File) -> io::Result<Words> {
        Ok(Words(MmapRaw::map_raw(file)?))
    }

    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.0.len() / 8
    }

    /// Stores a word.
    pub(crate) fn store(&self, at: usize, word: u64) {
        assert!(at < self.len(), "a word of the file");
        // SAFETY: the word lies in the mapping (checked), which begins on a page and is touched as atomics only.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(at)).store(word, Ordering::Relaxed) };
    }
}
