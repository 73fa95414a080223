//! Times of single operations, and how much of them was spent waiting for a CPU.
//!
//! Must not know what is timed. Invariant: a time that the scheduler took is told from one that the operation took itself,
//! on the CPU or blocked, for each operation by itself.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Quicker operations are not asked where their time went.
const LONG: Duration = Duration::from_micros(50);
/// Longer ones are stalls.
pub(crate) const STALL: Duration = Duration::from_millis(1);
/// Bins of each power of two.
const FINE: u32 = 5;

/// How often an operation took how long, to 3 %.
#[derive(Default)]
pub(crate) struct Times {
    bins: Vec<u64>,
    longest: u64,
}

/// One long operation.
pub(crate) struct Stall {
    /// When it began.
    pub began: Instant,
    /// Without waiting for a CPU.
    pub took: Duration,
    /// Of that, on the CPU.
    pub on_cpu: Duration,
    /// Whether the thread went to sleep. Else the rest was taken by the host of a virtual machine.
    pub slept: bool,
}

impl Stall {
    /// How long the thread was blocked.
    pub(crate) fn blocked(&self) -> Duration {
        if self.slept { self.took - self.on_cpu } else { Duration::ZERO }
    }
}

/// The times of one thread's operations.
#[derive(Default)]
pub(crate) struct Timed {
    /// By the clock on the wall.
    pub wall: Times,
    /// Less the time the thread was ready to run but another one ran.
    pub own: Times,
    /// Operations whose own time was over a millisecond.
    pub stalls: Vec<Stall>,
}

/// What the scheduler knows about this thread.
struct Scheduler {
    times: File,
    status: File,
}

impl Times {
    fn add(&mut self, time: Duration) {
        let time = time.as_nanos() as u64;
        let coarse = (time | 1).ilog2().saturating_sub(FINE);
        let bin = ((coarse as usize) << FINE) + (time >> coarse) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += 1;
        self.longest = self.longest.max(time);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Nanoseconds of the longest.
    pub(crate) fn longest(&self) -> f64 {
        self.longest as f64
    }

    /// Nanoseconds that such a part of them stay below.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let mut left = (self.count() as f64 * part).ceil() as u64;
        let past = self.bins.iter().position(|&count| {
            left = left.saturating_sub(count);
            left == 0
        });
        let end = past.unwrap_or(0) as u64 + 1;
        let coarse = (end >> FINE).saturating_sub(1);
        ((end - (coarse << FINE)) << coarse) as f64
    }
}

impl Timed {
    /// Times `operation` again and again until it says that there is no more to do.
    pub(crate) fn repeat(mut operation: impl FnMut() -> Result<bool>) -> Result<Timed> {
        let (mut timed, scheduler) = (Timed::default(), Scheduler::of_this_thread()?);
        let mut sleeps = scheduler.sleeps()?;
        loop {
            let (waited, busy) = (scheduler.waited()?, on_cpu()?);
            let began = Instant::now();
            let more = operation()?;
            let wall = began.elapsed();
            let own = if wall > LONG { wall.saturating_sub(scheduler.waited()? - waited) } else { wall };
            timed.wall.add(wall);
            timed.own.add(own);
            if own > STALL {
                let on_cpu = (on_cpu()? - busy).min(own);
                // Only an operation can put the thread to sleep.
                let before = std::mem::replace(&mut sleeps, scheduler.sleeps()?);
                timed.stalls.push(Stall { began, took: own, on_cpu, slept: sleeps != before });
            }
            if !more {
                return Ok(timed);
            }
        }
    }
}

impl Scheduler {
    fn of_this_thread() -> Result<Scheduler> {
        let open = |path: &str| File::open(path).with_context(|| format!("cannot read {path}"));
        Ok(Scheduler { times: open("/proc/thread-self/schedstat")?, status: open("/proc/thread-self/status")? })
    }

    /// How long the thread has been ready to run but did not.
    fn waited(&self) -> Result<Duration> {
        let mut text = [0; 64];
        let len = self.times.read_at(&mut text, 0)?;
        let word = std::str::from_utf8(&text[..len])?.split_ascii_whitespace().nth(1);
        Ok(Duration::from_nanos(word.context("not what the kernel documents")?.parse()?))
    }

    /// How often the thread has gone to sleep, to wait for something.
    fn sleeps(&self) -> Result<u64> {
        let mut text = [0; 4096];
        let len = self.status.read_at(&mut text, 0)?;
        let line =
            std::str::from_utf8(&text[..len])?.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        Ok(line.context("not what the kernel documents")?.trim().parse()?)
    }
}

fn on_cpu() -> Result<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_three_percent() {
        let mut times = Times::default();
        (1..=100_000).for_each(|n| times.add(Duration::from_nanos(n)));
        assert_eq!((times.count(), times.longest()), (100_000, 100_000.0));
        for part in [0.0005, 0.5, 0.99, 0.999] {
            let exact = 100_000.0 * part;
            let found = times.percentile(part);
            assert!(found >= exact && found <= exact * 1.07 + 1.0, "{part}: {found}");
        }
    }

    #[test]
    fn a_blocked_thread_stalls_off_the_cpu_and_a_busy_one_on_it() -> Result<()> {
        let blocked = Timed::repeat(|| {
            std::thread::sleep(Duration::from_millis(20));
            Ok(false)
        })?;
        let [stall] = blocked.stalls.as_slice() else { panic!("{} stalls", blocked.stalls.len()) };
        assert!(stall.slept && stall.blocked() >= Duration::from_millis(10));

        let busy = Timed::repeat(|| {
            let end = on_cpu()? + Duration::from_millis(20);
            while on_cpu()? < end {}
            Ok(false)
        })?;
        let [stall] = busy.stalls.as_slice() else { panic!("{} stalls", busy.stalls.len()) };
        assert!(stall.took >= Duration::from_millis(15) && stall.on_cpu > stall.took / 2 && !stall.slept);
        Ok(())
    }
}
