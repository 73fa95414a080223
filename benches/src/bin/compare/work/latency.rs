//! How long single inserts take while a map grows from empty, commits included where there are such.
//!
//! Must not know engines. Invariant: the clock is read once an insert, so that each time lies between two inserts' ends.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{BATCH, Task, remove_dir};
use crate::{
    engine::{Engine, Write},
    figure::tell,
    latency::Latencies,
    pace::paced,
    pair::{Pair, seed},
};

/// Operations of this group, and the share of inserts that took no longer.
pub(crate) const PERCENTILES: [(&str, f64); 4] =
    [("insert-p50", 0.5), ("insert-p99", 0.99), ("insert-p99.9", 0.999), ("insert-max", 1.0)];

pub(super) fn run<P: Pair, E: Engine<P>>(task: &Task) -> Result<()> {
    let keys = P::keys(task.entries)?;
    for _ in 0..task.runs {
        clocked::<P, E>(task, &keys.stored)?;
        let times = clocked::<P, E>(task, &keys.stored)?;
        let (done, capped) = (times.len(), times.len() < keys.stored.len());
        let latencies = Latencies::new(times);
        for (operation, share) in PERCENTILES {
            tell(operation, "us", latencies.percentile(share) / 1e3, done, capped);
        }
    }
    Ok(())
}

/// Nanoseconds of each insert.
fn clocked<P: Pair, E: Engine<P>>(task: &Task, keys: &[P::Key]) -> Result<Vec<u32>> {
    let dir = task.dir.join("latency");
    let mut engine = E::open(&dir)?;
    let mut maker = P::Maker::default();
    let mut times = vec![0u32; keys.len()];
    let mut last = Instant::now();
    let pace = paced(keys.len(), BATCH, task.load_cap(), |part| {
        engine.write(|writer| {
            for at in part {
                writer.insert(keys[at], P::make(&mut maker, seed(keys[at], 0)))?;
                let now = Instant::now();
                times[at] = nanoseconds(now - last);
                last = now;
            }
            Ok(())
        })
    })?;
    times.truncate(pace.done);
    drop(engine);
    remove_dir(&dir)?;
    Ok(times)
}

fn nanoseconds(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}
