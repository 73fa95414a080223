//! Stores: bytes that grow, never move, and sync.
//!
//! Must not know what the bytes mean: no format, no layout, no key, no value.
//! Invariant: **a byte that was granted stays where it is and is touched through raw pointers only.** No Rust reference
//! to stored memory exists here, so the layers above may share it between threads (and, read-only, between processes).

mod advice;
mod ahead;
mod allocate;
pub(crate) mod fence;
pub(crate) mod lock;
mod memory;
mod mmap;
pub(crate) mod os;
mod pace;
pub(crate) mod replace;
mod reserve;
mod slice;
mod vec;
pub(crate) mod watch;

#[cfg(test)]
mod tests;

pub use self::{mmap::MMapFile, slice::SliceStore, vec::VecStore};

use self::pace::step;
use crate::error::Result;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps [`ByteStore`] an interface between the layers of this crate: the promises of a map are proven for its stores only.
pub(crate) mod sealed {
    /// Implemented by the stores of this crate.
    pub trait Sealed {}
}

/// The address range that a store reserves unless told otherwise. It costs page tables only where it is used, and hundreds
/// of them fit an address space.
pub(crate) const DEFAULT_RESERVE: u64 = 64 << 30;

/// The size of a huge page, and the alignment at which one can be mapped.
pub(crate) const HUGE: u64 = 2 << 20;

/// The unit in which files grow: the smallest page of the supported platforms.
pub(crate) const PAGE: u64 = 4096;

/// A large file grows, and its pages are asked for, when fewer bytes than this are left.
const LEAD: u64 = 4 * HUGE;

/// Where a map keeps its bytes: a file ([`MMapFile`]), memory ([`VecStore`]), or memory that the caller provides
/// ([`SliceStore`]). The trait is sealed; it is public only to be named in bounds.
///
/// All methods may be called from several threads at once. Growing and truncating are serialised inside; readers of
/// [`base`](Self::base) and [`len`](Self::len) go on meanwhile.
///
/// # Safety
///
/// For every call of `base` that comes after a call of `len` (or after synchronising with a thread that called it): the
/// pointer is at least 8-aligned and valid for reads and writes of that many bytes until the store is dropped, even when
/// the store has grown (and `base` changed) since. Every base shows the same bytes. Bytes read zero when they are granted.
/// All of it holds for reads by `view`, too.
/// Only `truncate` takes bytes back.
pub unsafe trait ByteStore: sealed::Sealed + Send + Sync {
    /// Whether bytes outlive the process, so that [`sync`](Self::sync) means something.
    const DURABLE: bool;

    /// Whether [`grow`](Self::grow) can give more than the store had from the start.
    const GROWS: bool = true;

    /// The first byte. Ask again after learning of an offset that was granted later; an offset known before is good with
    /// any base.
    fn base(&self) -> *mut u8;

    /// As [`base`](Self::base), for reading while other threads write. Hardware keeps one order for a word whatever its address,
    /// and both addresses come from the system, so that no compiler takes them for those of different words.
    #[inline]
    fn view(&self) -> *mut u8 {
        self.base()
    }

    /// Makes [`view`](Self::view) an address of its own, if there can be one: then nobody who reads there waits for what the
    /// kernel does about a write.
    fn divide_view(&self) {}

    /// Makes it the base again. Nobody reads at the view meanwhile; what was read there stays good.
    fn join_view(&self) {}

    /// Bytes that may be used now.
    fn len(&self) -> u64;

    /// Whether nothing has been granted yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Allocates so that at least `need` bytes may be used, and up to `wish` when that is cheap. On `Err` the length is as
    /// it was.
    fn grow(&self, need: u64, wish: u64) -> Result<()>;

    /// A hint that bytes below `end` are about to be used for the first time: brings their pages in, in order and some way
    /// ahead, so that they come large. Cheap when there is nothing to do; never goes beyond the length.
    fn prepare(&self, end: u64);

    /// Gives back what is above `len`; nothing if there is nothing. The caller uses no byte above `len`, in any thread, from
    /// the call on until it is granted again.
    fn truncate(&self, len: u64) -> Result<()>;

    /// A hint that [`sync`](Self::sync) follows: the medium may begin with what it will have to write.
    fn begin_sync(&self) {}

    /// Makes all bytes, and the length, reach the medium. After an `Err` it is unknown what did, and a later `Ok` proves
    /// nothing: never call it again.
    fn sync(&self) -> Result<()>;
}

/// Whether a store should grow before bytes up to `need` are used. A large file should early, so that its pages can be
/// brought in before they are needed.
pub(crate) fn is_short<B: ByteStore>(store: &B, need: u64) -> bool {
    need.saturating_add(lead(store)) > store.len()
}

/// Grows a store that is short, by [`step`]s for pieces of `unit` bytes.
pub(crate) fn make_room<B: ByteStore>(store: &B, need: u64, unit: u64) -> Result<()> {
    if !is_short(store, need) {
        return Ok(());
    }
    let (len, early) = (store.len(), need.saturating_add(lead(store)));
    match store.grow(early, early.max(len.saturating_add(step(len, unit)))) {
        Err(_) if early > need => store.grow(need, need),
        grown => grown,
    }
}

fn lead<B: ByteStore>(store: &B) -> u64 {
    if B::DURABLE && store.len() >= 16 * LEAD { LEAD } else { 0 }
}

/// Locks whatever another thread did under the lock: the stores keep their guarded state valid at every step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
