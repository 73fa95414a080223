//! Which readers there are, and when what they may look at can be used again.
//!
//! Must not know keys, values or files. Invariant: a cell is reclaimed only after every reader that was pinned when it was
//! freed has let go; a pin held for ever costs space, never anybody's time.
//!
//! The pins are those of the crate `seize`, one collector a map, so that a reader of one map does not hold up another one.
//! What a reader is the last to let go of it only puts on a list, for the next writer: a reader never takes a lock.

#![allow(unsafe_code, reason = "cells are handed from writers over readers to writers")]

use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicPtr, Ordering},
    },
};

use diskmap::engine::Freed;
use seize::{Collector, Guard, LocalGuard, OwnedGuard};

/// The collector starts when it has been given so many things, and can wait for as many threads at a time.
const BATCH: usize = 64;

/// The readers of a map.
pub(crate) struct Readers {
    collector: Collector,
    ready: Ready,
}

/// Batches that no reader can know of any more, the last one first.
type Ready = Arc<AtomicPtr<Batch>>;

struct Batch {
    freed: Freed,
    ready: Ready,
    next: *mut Batch,
}

/// A reader's pin: what it can find while it holds this stays as it is. It stays in its thread.
pub(crate) struct Pin<'m> {
    _guard: LocalGuard<'m>,
}

/// A pin that may be held by any thread. Dearer to take.
#[derive(Clone)]
pub(crate) struct FreePin<'m> {
    _guard: Arc<OwnedGuard<'m>>,
}

impl Readers {
    /// None yet.
    pub(crate) fn new() -> Readers {
        Readers { collector: Collector::new().batch_size(BATCH), ready: Ready::default() }
    }

    /// Pins this thread. Waits for nobody.
    #[inline(always)]
    pub(crate) fn pin(&self) -> Pin<'_> {
        let pin = Pin { _guard: self.collector.enter() };
        order();
        pin
    }

    /// Pins whoever holds the result. Waits for nobody.
    pub(crate) fn pin_freely(&self) -> FreePin<'_> {
        let pin = FreePin { _guard: Arc::new(self.collector.enter_owned()) };
        order();
        pin
    }

    /// Takes what a writer freed, until no reader can know of it.
    pub(crate) fn retire(&self, freed: Freed) {
        let batch = Batch { freed, ready: Arc::clone(&self.ready), next: ptr::null_mut() };
        // This thread may hold guards, too: what they refer to waits for them.
        let guard = self.collector.enter();
        // SAFETY: the batch is given up here. Its cells were unlinked before (`Writer::take_freed`), so that readers that
        // come later do not find them.
        unsafe { guard.defer_retire(Box::into_raw(Box::new(batch)), put) };
        // The collector does not start before it has as many things as there are readers.
        for _ in 1..BATCH {
            // SAFETY: nobody looks at it, and `nothing` does nothing with it.
            unsafe { guard.defer_retire(ptr::dangling_mut::<u8>(), nothing) };
        }
    }

    /// Calls `reclaim` for what no reader can know of any more.
    #[inline(always)]
    pub(crate) fn each_ready(&self, reclaim: impl FnMut(&Freed)) {
        if !self.ready.load(Ordering::Relaxed).is_null() {
            self.drain(reclaim);
        }
    }

    /// Calls `reclaim` for all that was retired: there are no readers left.
    pub(crate) fn finish(&mut self, reclaim: impl FnMut(&Freed)) {
        // SAFETY: pins borrow the readers, which are borrowed exclusively here.
        unsafe { self.collector.reclaim_all() };
        self.drain(reclaim);
    }

    #[cold]
    fn drain(&self, mut reclaim: impl FnMut(&Freed)) {
        let mut next = self.ready.swap(ptr::null_mut(), Ordering::Acquire);
        while !next.is_null() {
            // SAFETY: a batch in the list came from a box (`retire`), and whoever swaps the list out has it alone.
            let batch = unsafe { Box::from_raw(next) };
            reclaim(&batch.freed);
            next = batch.next;
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.finish(|_| {});
    }
}

/// Puts a batch on the list of what is ready.
unsafe fn put(batch: *mut Batch, _: &Collector) {
    // SAFETY: the collector gives back what `retire` gave it, once: nobody else has the batch yet.
    let ready = unsafe { Arc::clone(&(*batch).ready) };
    let mut head = ready.load(Ordering::Relaxed);
    loop {
        // SAFETY: as above.
        unsafe { (*batch).next = head };
        match ready.compare_exchange_weak(head, batch, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

/// Orders a pin before the loads that follow. The collector's own loads are SeqCst where it cannot have the kernel's
/// barrier; ours are not, which makes a difference only where stores are not ordered with later loads by a SeqCst store.
#[inline(always)]
fn order() {
    if cfg!(not(target_arch = "x86_64")) {
        std::sync::atomic::fence(Ordering::SeqCst);
    }
}

unsafe fn nothing(_: *mut u8, _: &Collector) {}
