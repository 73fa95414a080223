//! Work that is stopped when its time is over: the rate so far counts.
//!
//! Must not know what the work is. Invariant: the clock is read between parts of the work, never within one, and what was done
//! is what was timed.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::Result;

/// How far some work came, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub done: usize,
    pub took: Duration,
    /// Whether time was over before the work was done.
    pub capped: bool,
}

impl Pace {
    /// Nanoseconds for each.
    pub(crate) fn ns(&self) -> f64 {
        self.took.as_nanos() as f64 / self.done.max(1) as f64
    }
}

/// Does `count` things, `step` at a time, until they are done or the time is over.
pub(crate) fn paced(
    count: usize,
    step: usize,
    limit: Duration,
    mut work: impl FnMut(Range<usize>) -> Result<()>,
) -> Result<Pace> {
    let start = Instant::now();
    let (mut done, mut took) = (0, Duration::ZERO);
    while done < count && took < limit {
        let end = (done + step).min(count);
        work(done..end)?;
        done = end;
        took = start.elapsed();
    }
    Ok(Pace { done, took, capped: done < count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_in_parts() -> Result<()> {
        let mut parts = Vec::new();
        let pace = paced(10, 4, Duration::from_secs(60), |part| {
            parts.push(part);
            Ok(())
        })?;
        assert_eq!(parts, [0..4, 4..8, 8..10]);
        assert!(pace.done == 10 && !pace.capped);
        Ok(())
    }

    #[test]
    fn time_ends_the_work() -> Result<()> {
        let pace = paced(1000, 1, Duration::from_millis(5), |_| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        })?;
        assert!(pace.capped && pace.done < 1000 && pace.ns() >= 1e6, "{pace:?}");
        Ok(())
    }
}
