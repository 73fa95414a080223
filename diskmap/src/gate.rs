//! Keeping one writer out while a checkpoint begins, at almost no cost to the writer.
//!
//! Knows no map. Invariant: while `closed` runs its closure, no [`Pass`] exists.
//!
//! The writer announces itself with a plain store and then looks at the attention word; whoever wants it out sets a bit
//! there and then looks at the announcement. Each must see the other's store, which takes a full fence on both sides, or
//! the kernel's `membarrier` on the side that is rare (Dekker's algorithm made asymmetric).

use std::sync::atomic::{AtomicBool, Ordering, fence};

use crate::{
    signals::{self, Signals},
    store::fence::{heavy, light, register},
};

/// The gate of one writer.
pub(crate) struct Gate {
    busy: AtomicBool,
}

/// The writer is inside.
pub(crate) struct Pass<'g>(&'g Gate);

impl Drop for Pass<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Gate {
    /// An open gate, always entered with the same signals. `alone` if there is no other thread that could ever want the
    /// writer out.
    pub(crate) fn new(alone: bool, signals: &Signals) -> Gate {
        if !alone && !register() {
            signals.raise(signals::FENCE);
        }
        Gate { busy: AtomicBool::new(false) }
    }

    /// Lets the writer in, unless something needs its attention first.
    #[inline(always)]
    pub(crate) fn enter(&self, signals: &Signals) -> Option<Pass<'_>> {
        self.busy.store(true, Ordering::Relaxed);
        light();
        let pass = Pass(self);
        if signals.attention() == 0 { Some(pass) } else { Gate::enter_fenced(pass, signals) }
    }

    #[cold]
    fn enter_fenced<'g>(pass: Pass<'g>, signals: &Signals) -> Option<Pass<'g>> {
        fence(Ordering::SeqCst);
        (signals.attention() == signals::FENCE).then_some(pass)
    }

    /// Runs `work` while the writer is out. One caller at a time.
    pub(crate) fn closed<R>(&self, signals: &Signals, work: impl FnOnce() -> R) -> R {
        signals.raise(signals::STOP);
        if signals.attention() & signals::FENCE == 0 && !heavy() {
            // The kernel took it back. From now on the writer fences itself; one that is inside already is waited for
            // because every store is seen after a while.
            signals.raise(signals::FENCE);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        fence(Ordering::SeqCst);
        while self.busy.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        let result = work();
        signals.lower(signals::STOP);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize},
    };

    #[test]
    fn the_writer_is_never_inside_while_it_is_closed() {
        for asymmetric in [true, false] {
            let signals = Arc::new(Signals::default());
            let gate = Arc::new(Gate::new(false, &signals));
            if !asymmetric {
                signals.raise(signals::FENCE);
            }
            let (inside, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
            let writer = std::thread::spawn({
                let (gate, signals, inside, done) = (gate.clone(), signals.clone(), inside.clone(), done.clone());
                move || {
                    let mut passes = 0u64;
                    while done.load(Ordering::Relaxed) < 200 {
                        if let Some(_pass) = gate.enter(&signals) {
                            inside.store(1, Ordering::Relaxed);
                            passes += 1;
                            inside.store(0, Ordering::Relaxed);
                        }
                    }
                    passes
                }
            });
            for _ in 0..200 {
                gate.closed(&signals, || {
                    for _ in 0..100 {
                        assert_eq!(inside.load(Ordering::Relaxed), 0);
                    }
                });
                done.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
            writer.join().unwrap();
            assert_eq!(signals.attention() & !signals::FENCE, 0);
        }
    }
}
