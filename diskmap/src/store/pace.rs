//! How far ahead of its need a store grows: far enough for large pages and few system calls, near enough for no pause.
//!
//! Must not know files or memory: lengths in, lengths out. Invariant: a step never makes less than what is needed.

use super::{HUGE, PAGE};
use std::time::Duration;

/// The largest step beyond what is needed.
const LARGEST: u64 = 256 << 20;

/// From this size on, steps are whole huge pages.
const LARGE: u64 = 1 << 20;

/// By how much a store of `len` bytes should grow when it hands out pieces of `unit` bytes: an eighth of its length, so that
/// a small map stays small and a large one rarely asks. The wish to pass to [`grow`](super::ByteStore::grow) is the need
/// plus this.
pub(crate) fn step(len: u64, unit: u64) -> u64 {
    let step = unit.max((len / 8).min(LARGEST));
    let grain = if step < LARGE { PAGE } else { HUGE };
    step.checked_next_multiple_of(grain).unwrap_or(step)
}

/// Learns how long allocating takes here and bounds the next step by time: a file system may allocate 64 MiB in 0.1 ms
/// (ext4) or in 22 ms (tmpfs, which clears them).
#[derive(Debug)]
pub(super) struct Pace {
    /// The most bytes to allocate at once, unless more are needed. Always at least `Pace::LEAST`.
    most: u64,
}

impl Pace {
    /// What one step may take.
    const BUDGET: Duration = Duration::from_millis(5);

    /// Smaller steps save no time: the system call itself dominates.
    const LEAST: u64 = 1 << 20;

    /// Starts with what is quick on the slowest known file system.
    pub(super) fn new() -> Pace {
        Pace { most: 8 << 20 }
    }

    /// The length to allocate up to: as near to `wish` as time allows, at least `need`. Ends large steps where a huge page
    /// ends.
    pub(super) fn target(&self, len: u64, need: u64, wish: u64) -> u64 {
        let wish = wish.min(len.saturating_add(self.most)).max(need);
        let grain = if wish - need < LARGE { PAGE } else { HUGE };
        let aligned = wish - wish % grain;
        if aligned > need { aligned } else { wish }
    }

    /// Allocating `bytes` took that long. Trust grows by doubling, so one lucky measurement changes little.
    pub(super) fn took(&mut self, bytes: u64, elapsed: Duration) {
        let affordable = u128::from(bytes) * Self::BUDGET.as_nanos() / elapsed.as_nanos().max(1);
        let affordable = u64::try_from(affordable).unwrap_or(u64::MAX);
        self.most = affordable.min(self.most.saturating_mul(2)).max(Self::LEAST);
    }

    /// There was no room for `bytes`: the next steps ask for much less, else each would fail first.
    pub(super) fn failed(&mut self, bytes: u64) {
        self.most = (bytes / 4).max(Self::LEAST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_small_for_small_stores_and_bounded_for_large_ones() {
        assert_eq!(step(0, 1), PAGE);
        assert_eq!(step(0, 68 << 10), 68 << 10);
        assert_eq!(step(1 << 20, 68 << 10), 128 << 10);
        assert_eq!(step(8 << 20, 68 << 10), HUGE);
        assert_eq!(step(100 << 20, 68 << 10), 14 << 20);
        assert_eq!(step(1 << 40, 68 << 10), LARGEST);
        assert_eq!(step(0, 1 << 30), 1 << 30);
        assert_eq!(step(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_slow_file_system_gets_steps_within_the_budget() {
        let mut pace = Pace::new();
        assert_eq!(pace.target(0, PAGE, 1 << 30), 8 << 20);
        pace.took(64 << 20, Duration::from_millis(22));
        let target = pace.target(0, PAGE, 1 << 30);
        assert!((12 << 20..=15 << 20).contains(&target), "{target}");
        pace.took(PAGE, Duration::from_secs(1));
        assert_eq!(pace.target(0, PAGE, 1 << 30), Pace::LEAST);
    }

    #[test]
    fn trust_comes_back_by_doubling() {
        let mut pace = Pace::new();
        pace.failed(256 << 20);
        for _ in 0..2 {
            pace.took(PAGE, Duration::from_nanos(0));
        }
        assert_eq!(pace.target(0, PAGE, 1 << 30), 256 << 20);
    }

    #[test]
    fn the_need_is_always_met() {
        let pace = Pace::new();
        for need in [1, PAGE, (4 << 20) + 1, 1 << 40, u64::MAX] {
            for wish in [0, need, need.saturating_add(5 << 20)] {
                let target = pace.target(need - 1, need, wish);
                assert!(target >= need && target <= wish.max(need), "{need} {wish} {target}");
            }
        }
    }
}
