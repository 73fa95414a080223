//! Keeping one writer out (`gate`): announcement and attention word.
//!
//! The kernel's fence for both sides is a `SeqCst` fence on both here. What a kernel does that takes it back while the
//! map is open is not modelled: it rests on time.

use std::sync::Arc;

use loom::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
    thread,
};

use super::Step::{self, *};

const STOP: u64 = 1;
const FENCE: u64 = 128;

struct Gate {
    busy: AtomicU64,
    attention: AtomicU64,
    /// What the writer changes inside, and the other looks at while it is closed.
    state: UnsafeCell<u64>,
    without: &'static [Step],
}

// SAFETY: loom watches the cell.
unsafe impl Sync for Gate {}

impl Gate {
    fn fence(&self, step: Step) {
        if !self.without.contains(&step) {
            fence(SeqCst);
        }
    }

    /// The writer's side. With `FENCE` from the beginning, `light` is nothing.
    fn enter(&self, change: impl FnOnce()) {
        self.busy.store(1, Relaxed);
        let asymmetric = !self.without.contains(&KernelsFence);
        if asymmetric {
            self.fence(FenceAfterAnnouncement);
        }
        let mut free = self.attention.load(Acquire) == 0;
        if !free {
            self.fence(FenceAfterAnnouncement);
            free = self.attention.load(Acquire) == FENCE;
        }
        if free {
            change();
        }
        self.busy.store(0, if self.without.contains(&ReleasedEnd) { Relaxed } else { Release });
    }

    fn closed(&self, work: impl FnOnce()) {
        self.attention.fetch_or(STOP, SeqCst);
        self.fence(FenceAfterStop);
        while self.busy.load(Acquire) == 1 {
            thread::yield_now();
        }
        work();
        self.attention.fetch_and(!STOP, SeqCst);
    }
}

/// The writer enters twice; it is closed once.
fn checkpoint(without: &'static [Step]) {
    loom::model(move || {
        let attention = if without.contains(&KernelsFence) { FENCE } else { 0 };
        let gate = Arc::new(Gate {
            busy: AtomicU64::new(0),
            attention: AtomicU64::new(attention),
            state: UnsafeCell::new(0),
            without,
        });
        let writer = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                for _ in 0..2 {
                    // SAFETY: loom fails if anyone else may look at it.
                    gate.enter(|| gate.state.with_mut(|state| unsafe { *state += 1 }));
                }
            }
        });
        // SAFETY: loom fails if the writer may be inside.
        gate.closed(|| assert!(gate.state.with(|state| unsafe { *state }) <= 2));
        writer.join().unwrap();
    });
}

#[test]
fn the_writer_is_never_inside_while_it_is_closed() {
    checkpoint(&[]);
}

#[test]
fn the_writer_is_never_inside_while_it_is_closed_without_the_kernels_fence() {
    checkpoint(&[KernelsFence]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn the_gate_needs_the_writers_fence() {
    checkpoint(&[FenceAfterAnnouncement]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn the_gate_needs_the_writers_fence_without_the_kernels() {
    checkpoint(&[KernelsFence, FenceAfterAnnouncement]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn the_gate_needs_the_others_fence() {
    checkpoint(&[FenceAfterStop]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn the_gate_needs_the_writers_end_released() {
    checkpoint(&[ReleasedEnd]);
}
