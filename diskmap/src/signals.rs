//! What the lower layers report to whoever schedules checkpoints, and the one word a writer looks at before each change.
//!
//! Knows no map. Invariant: while the word is 0 a writer may go ahead; every reason to stop or to do something first is
//! a bit of it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Someone needs the writer to stay out for a moment.
pub(crate) const STOP: u32 = 1;
/// Nothing has changed since the last checkpoint: the next change starts the clock.
pub(crate) const UNCHANGED: u32 = 2;
/// So much has changed that a checkpoint is due.
pub(crate) const DUE: u32 = 4;
/// So much space waits for a checkpoint that writers must wait too.
pub(crate) const PRESSURE: u32 = 8;
/// Syncing failed: no more writes.
pub(crate) const POISONED: u32 = 16;
/// The map was opened read-only.
pub(crate) const READ_ONLY: u32 = 32;
/// The last checkpoint says that the map was closed, and nothing has changed since.
pub(crate) const REOPENED: u32 = 64;
/// The kernel does not fence for the writer, which therefore must do it itself.
pub(crate) const FENCE: u32 = 128;
/// The name of the last checkpoint may not be durable yet.
pub(crate) const RESUMED: u32 = 256;

/// Bytes of changes after which a checkpoint is due, if the map is not larger than that: writers copy what a checkpoint
/// refers to, so that more frequent ones would cost a growing map more than the growth itself.
const DUE_AFTER: u64 = 1 << 30;
/// Bytes that may wait for a checkpoint beyond a part of what is live (`growing`). With what files grow ahead, files stay below 2.2
/// times what is live and 64 MiB.
const SLACK: u64 = 24 << 20;

/// The attention word and the amount of change since the last checkpoint.
#[derive(Default)]
pub(crate) struct Signals {
    attention: AtomicU32,
    changed: AtomicU64,
    /// Bytes of the map when the last checkpoint began.
    size: AtomicU64,
}

impl Signals {
    /// All bits.
    #[inline(always)]
    pub(crate) fn attention(&self) -> u32 {
        self.attention.load(Ordering::Acquire)
    }

    /// Sets bits.
    pub(crate) fn raise(&self, bits: u32) {
        self.attention.fetch_or(bits, Ordering::SeqCst);
    }

    /// Clears bits; which of them were set.
    pub(crate) fn lower(&self, bits: u32) -> u32 {
        self.attention.fetch_and(!bits, Ordering::SeqCst) & bits
    }

    /// Counts bytes that were written for the first time since the last checkpoint.
    pub(crate) fn changed(&self, bytes: u64) {
        let size = self.size.load(Ordering::Relaxed);
        if self.changed.fetch_add(bytes, Ordering::Relaxed) + bytes > size.max(DUE_AFTER) {
            self.raise(DUE);
        }
    }

    /// Reports, when a file is about to grow, how much of it only a checkpoint keeps, and how much that may be.
    pub(crate) fn growing(&self, kept: u64, most: u64) {
        if kept > most + SLACK {
            self.raise(PRESSURE);
        }
    }

    /// A new generation of a map of so many bytes has begun: no change is in it yet.
    pub(crate) fn restart(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
        self.restart_counting();
        self.raise(UNCHANGED);
    }

    /// Counts changes from 0 again.
    pub(crate) fn restart_counting(&self) {
        self.changed.store(0, Ordering::Relaxed);
        self.lower(DUE | PRESSURE);
    }
}
