//! Bytes in memory that the caller provides: a fixed size, no allocation.
//!
//! Must not know where the memory comes from. Invariant: `len <= capacity`, and every byte in `len..` may be anything: it
//! is cleared when granted.

use super::{ByteStore, PAGE, locked, sealed};
use crate::error::{Error, Result};
use std::{
    marker::PhantomData,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// The store of a map in a slice of the caller's. When it is used up, growing is [`Error::Full`].
#[derive(Debug)]
pub struct SliceStore<'a> {
    /// 8-aligned; valid for `capacity` bytes.
    base: *mut u8,
    capacity: u64,
    /// What the caller provided in all, for messages.
    whole: u64,
    len: AtomicU64,
    /// Held while the length changes.
    resizing: Mutex<()>,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: `base` stands for an exclusive borrow of plain bytes, which any thread may use.
unsafe impl Send for SliceStore<'_> {}
// SAFETY: the store itself writes only bytes that are not granted, under `resizing`; the length is atomic.
unsafe impl Sync for SliceStore<'_> {}

impl<'a> SliceStore<'a> {
    /// Takes the memory; its first `granted` bytes are in use and keep their content.
    pub(crate) fn new(memory: &'a mut [u8], granted: u64) -> Result<SliceStore<'a>> {
        let base = memory.as_mut_ptr();
        let capacity = memory.len() as u64;
        if !base.cast::<u64>().is_aligned() {
            return Err(Error::invalid(format!("the memory starts at {base:p}, it has to start at a multiple of 8")));
        }
        if granted > capacity {
            return Err(Error::invalid(format!("{granted} bytes cannot be in use in memory of {capacity} bytes")));
        }
        Ok(SliceStore {
            base,
            capacity,
            whole: capacity,
            len: AtomicU64::new(granted),
            resizing: Mutex::new(()),
            memory: PhantomData,
        })
    }

    /// The same, with the length of the memory that it is a part of, for messages.
    pub(crate) fn part_of(self, whole: u64) -> SliceStore<'a> {
        SliceStore { whole, ..self }
    }
}

impl sealed::Sealed for SliceStore<'_> {}

// SAFETY: `base` never changes and covers `capacity >= len` bytes, borrowed for longer than the store lives.
unsafe impl ByteStore for SliceStore<'_> {
    const DURABLE: bool = false;
    const GROWS: bool = false;

    #[inline]
    fn base(&self) -> *mut u8 {
        self.base
    }

    #[inline]
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn grow(&self, need: u64, wish: u64) -> Result<()> {
        let _resizing = locked(&self.resizing);
        let len = self.len();
        if need <= len {
            return Ok(());
        }
        if need > self.capacity {
            return Err(Error::Full { capacity: self.whole });
        }
        // Clearing costs time, so more than a page at once has to be needed.
        let to = wish.min(need.next_multiple_of(PAGE)).clamp(need, self.capacity);
        // SAFETY: `len < to <= capacity`, the length of the borrowed memory (a `usize`); bytes above `len` are nobody's, and
        // under `resizing` nobody else is granting them.
        unsafe { self.base.add(len as usize).write_bytes(0, (to - len) as usize) };
        self.len.store(to, Ordering::Release);
        Ok(())
    }

    #[inline]
    fn prepare(&self, _end: u64) {}

    fn truncate(&self, len: u64) -> Result<()> {
        let _resizing = locked(&self.resizing);
        self.len.fetch_min(len, Ordering::AcqRel);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(8))]
    struct Memory([u8; 8192]);

    fn byte(store: &SliceStore<'_>, at: u64) -> u8 {
        assert!(at < store.len());
        // SAFETY: below `len`.
        unsafe { store.base().add(at as usize).read() }
    }

    #[test]
    fn granted_bytes_keep_their_content_and_new_ones_are_clear() {
        let mut memory = Memory([7; 8192]);
        let store = SliceStore::new(&mut memory.0, 16).expect("store");
        assert_eq!((store.len(), byte(&store, 15)), (16, 7));
        store.grow(100, 200).expect("room");
        assert_eq!((byte(&store, 15), byte(&store, 16), byte(&store, 99)), (7, 0, 0));
        assert!((100..=200).contains(&store.len()));
        assert_eq!(memory.0[8191], 7);
    }

    #[test]
    fn truncated_bytes_come_back_clear() {
        let mut memory = Memory([7; 8192]);
        let store = SliceStore::new(&mut memory.0, 8192).expect("store");
        store.truncate(10).expect("truncate");
        store.truncate(4000).expect("nothing to do");
        assert_eq!(store.len(), 10);
        store.grow(8192, u64::MAX).expect("room");
        assert_eq!((byte(&store, 9), byte(&store, 10), byte(&store, 8191)), (7, 0, 0));
    }

    #[test]
    fn beyond_the_memory_is_full() {
        let mut memory = Memory([0; 8192]);
        let store = SliceStore::new(&mut memory.0, 0).expect("store");
        store.grow(8000, 1 << 40).expect("room");
        let len = store.len();
        assert!(matches!(store.grow(8193, 8193), Err(Error::Full { capacity: 8192 })));
        assert!(matches!(store.grow(u64::MAX, u64::MAX), Err(Error::Full { .. })));
        assert_eq!(store.len(), len);
    }

    #[test]
    fn unsuitable_memory_is_refused() {
        let mut memory = Memory([0; 8192]);
        assert!(matches!(SliceStore::new(&mut memory.0[1..], 0), Err(Error::InvalidInput { .. })));
        assert!(matches!(SliceStore::new(&mut memory.0[..8], 9), Err(Error::InvalidInput { .. })));
        assert_eq!(SliceStore::new(&mut memory.0[..8], 8).expect("store").len(), 8);
    }
}
