//! Keeping all writers out while a checkpoint begins, at almost no cost to the writers.
//!
//! Knows no map. Invariant: while `closed` runs its closure, no [`Pass`] exists.
//!
//! A writer announces itself with a plain store and then looks at the attention word; whoever wants it out sets a bit
//! there and then looks at the announcement. Each must see the other's store, which takes a full fence on both sides, or
//! the kernel's `membarrier` on the side that is rare (Dekker's algorithm made asymmetric).

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering, fence},
};

use crate::{
    row::Row,
    signals::{self, Signals},
    store::fence::{heavy, light, register},
};

/// The gates of a map's writers, which enter with the same signals.
pub(crate) struct Gates {
    /// By the writers' numbers.
    gates: Row<Gate>,
    /// Held by whoever keeps the writers out.
    closing: Mutex<()>,
}

/// The gate of one writer, alone in its cache line.
#[repr(align(64))]
#[derive(Default)]
struct Gate {
    busy: AtomicBool,
}

/// A writer is inside.
pub(crate) struct Pass<'g>(&'g Gate);

impl Drop for Pass<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Gates {
    /// An open gate for one writer. `alone` if there is no other thread that could ever want it out.
    pub(crate) fn new(alone: bool, signals: &Signals) -> Gates {
        if !alone {
            share(signals);
        }
        Gates { gates: Row::default(), closing: Mutex::new(()) }
    }

    /// Makes gates for at least so many writers in all.
    pub(crate) fn extend(&self, writers: u32, signals: &Signals) {
        share(signals);
        self.gates.extend(writers);
    }

    /// Lets the first writer in, unless something needs its attention first.
    #[inline(always)]
    pub(crate) fn enter(&self, signals: &Signals) -> Option<Pass<'_>> {
        self.enter_as(0, signals)
    }

    /// As `enter`, for a writer with a number.
    #[inline(always)]
    pub(crate) fn enter_as(&self, number: u32, signals: &Signals) -> Option<Pass<'_>> {
        self.gates.get(number).enter(signals)
    }

    /// Whether a writer is inside. To others than the writer it may be over already.
    pub(crate) fn is_inside(&self, number: u32) -> bool {
        self.gates.get(number).busy.load(Ordering::Relaxed)
    }

    /// Runs `work` while all writers are out. The caller is not inside.
    pub(crate) fn closed<R>(&self, signals: &Signals, work: impl FnOnce() -> R) -> R {
        let _one_at_a_time = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        signals.raise(signals::STOP);
        if signals.attention() & signals::FENCE == 0 && !heavy() {
            // The kernel took it back. From now on writers fence themselves; those that are inside already are waited for
            // because every store is seen after a while.
            signals.raise(signals::FENCE);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        fence(Ordering::SeqCst);
        for gate in self.gates.iter() {
            while gate.busy.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        }
        let result = work();
        signals.lower(signals::STOP);
        result
    }
}

impl Gate {
    #[inline(always)]
    fn enter(&self, signals: &Signals) -> Option<Pass<'_>> {
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
}

/// Other threads may want writers out from now on.
fn share(signals: &Signals) {
    if !register() {
        signals.raise(signals::FENCE);
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
    fn no_writer_is_inside_while_it_is_closed() {
        for asymmetric in [true, false] {
            let signals = Arc::new(Signals::default());
            let gates = Arc::new(Gates::new(false, &signals));
            gates.extend(3, &signals);
            if !asymmetric {
                signals.raise(signals::FENCE);
            }
            let (inside, done) = (Arc::new([0; 3].map(AtomicU64::new)), Arc::new(AtomicUsize::new(0)));
            let writers = [0, 1, 2].map(|number| {
                let (gates, signals, inside, done) = (gates.clone(), signals.clone(), inside.clone(), done.clone());
                std::thread::spawn(move || {
                    let mut refused = 0u32;
                    while done.load(Ordering::Relaxed) < 200 {
                        if let Some(_pass) = gates.enter_as(number, &signals) {
                            inside[number as usize].store(1, Ordering::Relaxed);
                            std::hint::spin_loop();
                            inside[number as usize].store(0, Ordering::Relaxed);
                            continue;
                        }
                        // Whoever closed them may need this processor to go on.
                        refused += 1;
                        if refused.is_multiple_of(128) {
                            std::thread::yield_now();
                        }
                    }
                })
            });
            for _ in 0..200 {
                gates.closed(&signals, || {
                    for _ in 0..100 {
                        assert!(inside.iter().all(|inside| inside.load(Ordering::Relaxed) == 0));
                    }
                });
                done.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            }
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            assert_eq!(signals.attention() & !signals::FENCE, 0);
        }
    }
}
