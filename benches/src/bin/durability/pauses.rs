//! How long single updates take while something is synced beside them.
//!
//! Must not know how the map works. Invariant: a plain mapped file gets as many random stores of 8 bytes, and as many
//! syncs, as the map.

use std::{
    fs::File,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Result;
use fastrand::Rng;

use crate::{key, options, words::Words};

/// The quickest are counted by microseconds up to this many.
const BINS: usize = 4096;

/// What was seen.
pub(crate) struct Pauses {
    /// The longest update, in ms on the wall.
    pub longest: f64,
    /// All but one in 10,000 took less, in us.
    pub most: f64,
    /// Syncs made meanwhile.
    pub syncs: f64,
}

impl Pauses {
    /// Random updates of a map with checkpoints this often: for so long after it was opened, while the index grows by the
    /// room for copies, and for so long again.
    pub(crate) fn of_map(
        path: &Path,
        entries: u64,
        checkpoints: Option<Duration>,
        time: Duration,
    ) -> Result<(Pauses, Pauses)> {
        let mut map = options(1, checkpoints).open::<u64, u64>(path)?;
        let mut random = Rng::with_seed(11);
        let before = std::fs::metadata(path.join("checkpoint"))?.modified()?;
        let (mut syncs, mut last) = (0, before);
        let mut work = |at: u64| {
            map.insert(&key(random.u64(..entries)), &random.u64(..))?;
            // Now and then: how many there were is only to be known roughly.
            if at.is_multiple_of(65_536) {
                let now = std::fs::metadata(path.join("checkpoint"))?.modified()?;
                syncs += u32::from(now != last);
                last = now;
            }
            Ok(())
        };
        let first = measure(time, &mut work)?;
        let mut then = measure(time, &mut work)?;
        then.syncs = f64::from(syncs);
        map.close()?;
        Ok((first, then))
    }

    /// Random stores to a mapped file of so many bytes that is synced this often beside them.
    pub(crate) fn of_plain_file(dir: &Path, bytes: u64, every: Duration, time: Duration) -> Result<Pauses> {
        let path = dir.join("plain");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        let words = Words::map(&file)?;
        (0..words.len()).step_by(512).for_each(|at| words.store(at, 1));
        file.sync_all()?;
        let (ended, syncs) = (AtomicBool::new(false), AtomicU64::new(0));
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    std::thread::sleep(every);
                    if file.sync_data().is_ok() {
                        syncs.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
            let mut random = Rng::with_seed(11);
            let seen = measure(time, |_| {
                words.store(random.usize(..words.len()), random.u64(..));
                Ok(())
            });
            ended.store(true, Ordering::Relaxed);
            seen
        });
        std::fs::remove_file(&path)?;
        Ok(Pauses { syncs: syncs.load(Ordering::Relaxed) as f64, ..seen? })
    }
}

fn measure(time: Duration, mut update: impl FnMut(u64) -> Result<()>) -> Result<Pauses> {
    let (mut longest, mut bins) = (Duration::ZERO, vec![0u64; BINS]);
    let begun = Instant::now();
    let (mut at, mut before) = (0, begun);
    while before - begun < time {
        update(at)?;
        at += 1;
        let now = Instant::now();
        let took = now - before;
        bins[(took.as_micros() as usize).min(BINS - 1)] += 1;
        before = now;
        longest = longest.max(took);
    }
    let mut left = at / 10_000;
    let most = (0..BINS).rev().find(|&bin| {
        let past = bins[bin] > left;
        left = left.saturating_sub(bins[bin]);
        past
    });
    Ok(Pauses { longest: longest.as_secs_f64() * 1e3, most: most.map_or(0.0, |bin| bin as f64 + 1.0), syncs: 0.0 })
}
