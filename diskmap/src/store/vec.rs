//! Bytes in memory: a reserved range of addresses of which the first part is in use.
//!
//! Must not know files. Invariant: every byte of the range in `len..` reads zero, so that granting is only counting.

use super::{ByteStore, DEFAULT_RESERVE, HUGE, PAGE, advice, locked, reserve, sealed};
use crate::error::{Error, Result};
use memmap2::{MmapRaw, UncheckedAdvice};
use std::{
    io, ptr,
    sync::{
        Mutex,
        atomic::{AtomicPtr, AtomicU64, Ordering},
    },
};

/// The store of a map in memory. It grows without moving and is gone with the process.
#[derive(Debug)]
pub struct VecStore {
    base: AtomicPtr<u8>,
    len: AtomicU64,
    /// The range to reserve.
    reserve: u64,
    /// Reserved by the first growth: an empty store costs nothing. Held while the length changes.
    range: Mutex<Option<Range>>,
}

impl VecStore {
    /// An empty store.
    pub fn new() -> VecStore {
        VecStore::with_reserve(DEFAULT_RESERVE)
    }

    /// An empty store that can grow to about `reserve` bytes, less if the system does not have so many addresses for us.
    pub(crate) fn with_reserve(reserve: u64) -> VecStore {
        VecStore {
            base: AtomicPtr::new(ptr::without_provenance_mut(HUGE as usize)),
            len: AtomicU64::new(0),
            reserve,
            range: Mutex::new(None),
        }
    }

    /// The range, reserved now if it is not yet.
    fn reserved<'r>(&self, range: &'r mut Option<Range>, need: u64) -> Result<&'r Range> {
        let reserved = match range.take() {
            Some(reserved) => reserved,
            None => Range::reserve(self.reserve, need).map_err(|source| Error::OutOfSpace {
                path: "(memory)".into(),
                needed: need,
                source,
            })?,
        };
        self.base.store(reserved.base, Ordering::Release);
        Ok(range.insert(reserved))
    }
}

impl Default for VecStore {
    fn default() -> VecStore {
        VecStore::new()
    }
}

impl sealed::Sealed for VecStore {}

// SAFETY: `base` changes once, before any byte is granted, to the start of a mapping of at least `len` bytes that lives as
// long as the store; fresh anonymous pages read zero, and `truncate` clears what it takes back.
unsafe impl ByteStore for VecStore {
    const DURABLE: bool = false;

    #[inline]
    fn base(&self) -> *mut u8 {
        self.base.load(Ordering::Acquire)
    }

    #[inline]
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn grow(&self, need: u64, wish: u64) -> Result<()> {
        let mut range = locked(&self.range);
        let len = self.len();
        if need <= len {
            return Ok(());
        }
        let range = self.reserved(&mut range, need)?;
        if need > range.capacity {
            return Err(Error::Full { capacity: range.capacity });
        }
        let wish = wish.max(need);
        let to = wish.checked_next_multiple_of(PAGE).unwrap_or(wish).min(range.capacity);
        if len < HUGE && to >= HUGE {
            // Random access to much memory is mostly TLB misses otherwise.
            advice::prefer_huge(&range.map, 0, range.map.len() as u64);
        }
        self.len.store(to, Ordering::Release);
        Ok(())
    }

    #[inline]
    fn prepare(&self, _end: u64) {}

    fn truncate(&self, len: u64) -> Result<()> {
        let range = locked(&self.range);
        let old = self.len();
        if let Some(range) = range.as_ref().filter(|_| len < old) {
            self.len.store(len, Ordering::Release);
            // SAFETY: `old` was granted, so it is within the range; the caller of `truncate` uses nothing above `len`.
            unsafe { range.clear(len, old) };
        }
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

/// A reserved range of addresses.
#[derive(Debug)]
struct Range {
    map: MmapRaw,
    /// The first address in `map` where a huge page can start.
    base: *mut u8,
    /// Bytes from `base` to the end of `map`.
    capacity: u64,
}

// SAFETY: `base` points into `map`, which any thread may own and use.
unsafe impl Send for Range {}

impl Range {
    fn reserve(want: u64, least: u64) -> io::Result<Range> {
        let map = reserve::anonymous(want.max(least).saturating_add(HUGE), least.saturating_add(HUGE))?;
        let skip = map.as_mut_ptr().align_offset(HUGE as usize).min(map.len());
        // SAFETY: `skip` is at most the length of the mapping.
        let base = unsafe { map.as_mut_ptr().add(skip) };
        let capacity = (map.len() - skip) as u64;
        Ok(Range { map, base, capacity })
    }

    /// Makes the bytes in `from..to` read zero and gives their pages back.
    ///
    /// # Safety
    ///
    /// `from <= to <= capacity`, and nobody uses these bytes meanwhile.
    unsafe fn clear(&self, from: u64, to: u64) {
        /// No platform has larger pages, and below it clearing by hand is as quick.
        const GRAIN: u64 = 64 << 10;
        let whole = from.next_multiple_of(GRAIN).min(to);
        // SAFETY: the range and exclusive use are the caller's promise.
        unsafe {
            self.fill_zero(from, whole);
            if cfg!(not(target_os = "linux")) || self.forget(whole, to).is_err() {
                self.fill_zero(whole, to);
            }
        }
    }

    /// # Safety
    ///
    /// As for `clear`.
    unsafe fn fill_zero(&self, from: u64, to: u64) {
        // SAFETY: `from <= to <= capacity` bytes from `base` are mapped, writable and not in use.
        unsafe { self.base.add(from as usize).write_bytes(0, (to - from) as usize) };
    }

    /// On Linux, pages that were dropped read zero; elsewhere they may or may not.
    ///
    /// # Safety
    ///
    /// As for `clear`, and `from` is a multiple of the page size or equal to `to`.
    unsafe fn forget(&self, from: u64, to: u64) -> io::Result<()> {
        if from == to {
            return Ok(());
        }
        let skip = self.map.len() as u64 - self.capacity;
        // SAFETY: `from` is where a page starts, so only pages above it are dropped, and nobody uses those.
        unsafe {
            self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, (skip + from) as usize, (to - from) as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(store: &VecStore, offset: u64) -> *mut u8 {
        assert!(offset < store.len());
        // SAFETY: below `len`.
        unsafe { store.base().add(offset as usize) }
    }

    fn put(store: &VecStore, offset: u64, byte: u8) {
        // SAFETY: `at` checked the offset; the test is the only user.
        unsafe { at(store, offset).write(byte) };
    }

    fn get(store: &VecStore, offset: u64) -> u8 {
        // SAFETY: as in `put`.
        unsafe { at(store, offset).read() }
    }

    #[test]
    fn growth_keeps_bytes_and_base() {
        let store = VecStore::default();
        assert!(store.is_empty() && store.base().cast::<u64>().is_aligned());
        store.grow(10, 10).expect("memory");
        let base = store.base();
        assert_eq!(base as u64 % HUGE, 0);
        put(&store, 9, 42);
        store.grow(100 << 20, 1 << 30).expect("memory");
        assert_eq!(store.len(), 1 << 30);
        assert_eq!((store.base(), get(&store, 9), get(&store, (1 << 30) - 1)), (base, 42, 0));
        store.grow(5, 5).expect("nothing to do");
        assert_eq!(store.len(), 1 << 30);
    }

    #[test]
    fn truncated_bytes_come_back_zero() {
        let store = VecStore::new();
        let len = 5 << 20;
        store.grow(len, len).expect("memory");
        let marks = [0, 99, 100, 4095, 4096, 65_535, 65_536, 1 << 20, len - 1];
        marks.iter().for_each(|mark| put(&store, *mark, 1));
        store.truncate(100).expect("truncate");
        store.truncate(1 << 20).expect("nothing to do");
        assert_eq!(store.len(), 100);
        store.grow(len, len).expect("memory");
        marks.iter().for_each(|mark| assert_eq!(get(&store, *mark), u8::from(*mark < 100), "{mark}"));
    }

    #[test]
    fn the_reserve_is_the_end() {
        let store = VecStore::with_reserve(1 << 20);
        store.grow(1 << 20, u64::MAX).expect("memory");
        let len = store.len();
        assert!(matches!(store.grow(1 << 30, 1 << 30), Err(Error::Full { capacity }) if capacity >= 1 << 20));
        assert_eq!(store.len(), len);
        let store = VecStore::new();
        assert!(store.grow(u64::MAX, u64::MAX).is_err());
        assert!(store.is_empty());
    }

    #[test]
    fn many_stores_fit_one_address_space() {
        let stores: Vec<VecStore> = (0..500).map(|_| VecStore::new()).collect();
        for store in &stores {
            store.grow(8, 8).expect("addresses");
            put(store, 7, 1);
        }
    }
}
