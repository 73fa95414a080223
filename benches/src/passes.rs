//! Passes of a bench: how large they are, and the time of the work alone.
//!
//! Must not know maps. Invariant: no pass counts whose result was not checked, and the check is not in its time.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

/// Entries of a pass that is only tried out.
const TRIED: usize = 2000;

/// How many entries a pass has: `full`, or few if the bench is not measured but tried out, as tests do.
pub fn entries(full: usize) -> usize {
    // What `cargo bench` says, and `cargo test` does not.
    if std::env::args().any(|argument| argument == "--bench") { full } else { full.min(TRIED) }
}

/// The time that `work` takes in so many passes. Before each something is prepared, and after it the same and the result are
/// checked; neither counts.
///
/// # Panics
/// If anything fails: there is no time then.
pub fn passes<T, R>(
    count: u64,
    mut prepare: impl FnMut() -> Result<T>,
    mut work: impl FnMut(&mut T) -> Result<R>,
    mut check: impl FnMut(T, R) -> Result<()>,
) -> Duration {
    timed_passes(count, || {
        let mut prepared = prepare()?;
        let start = Instant::now();
        let result = work(&mut prepared)?;
        let took = start.elapsed();
        check(prepared, result)?;
        Ok(took)
    })
}

/// The same of passes that take their time themselves.
///
/// # Panics
/// If anything fails.
pub fn timed_passes(count: u64, mut pass: impl FnMut() -> Result<Duration>) -> Duration {
    let sum: Result<Duration> = (0..count).map(|_| pass()).sum();
    sum.unwrap_or_else(|error| panic!("a pass failed: {error:#}"))
}

/// Fails unless what a pass found is right.
pub fn same<T: PartialEq + Debug>(found: T, right: T) -> Result<()> {
    ensure!(found == right, "{found:?}, not {right:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, panic::catch_unwind, thread::sleep};

    use super::*;

    #[test]
    fn only_the_work_counts_and_every_pass_is_checked() {
        let checked = Cell::new(0);
        let pause = || {
            sleep(Duration::from_millis(20));
            Ok(())
        };
        let check = |(), result| {
            checked.set(checked.get() + 1);
            same(result, 7)?;
            pause()
        };
        let took = passes(3, pause, |()| Ok(7), check);
        assert_eq!(checked.get(), 3);
        assert!(took < Duration::from_millis(20), "{took:?}");
    }

    #[test]
    fn a_wrong_result_gives_no_time() {
        assert!(catch_unwind(|| passes(1, || Ok(()), |()| Ok(1), |(), result| same(result, 2))).is_err());
    }
}
