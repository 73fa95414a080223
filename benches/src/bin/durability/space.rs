//! How large a map's files get while its values are overwritten, checkpoints by the timer included.
//!
//! Must not know how the map works. Invariant: live is what a fresh copy of the same entries takes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use diskmap::{DiskHashMap, OpenOptions};
use fastrand::Rng;

use crate::mib;

const KEYS: u64 = 300_000;
const SLACK: f64 = 64.0;

/// The largest the files were, in MiB, and what they may be.
pub(crate) struct Space {
    /// Files of the map.
    pub files: f64,
    /// Their bound.
    pub bound: f64,
    /// Files of the map while a snapshot was held.
    pub held: f64,
    /// Their bound, with what `stats` says the snapshot holds.
    pub held_bound: f64,
}

/// Overwrites values of 1 to 600 bytes for so long, half of it with a snapshot held.
pub(crate) fn overwrite(path: &Path, time: Duration) -> Result<Space> {
    let mut map: DiskHashMap<u64, [u8]> =
        OpenOptions::new().create(true).auto_checkpoint(Some(Duration::from_secs(2))).open(path)?;
    let mut random = Rng::with_seed(5);
    for key in 0..KEYS {
        map.insert(&key, value(&mut random))?;
    }
    let files = largest(&mut map, &mut random, time / 2)?;
    let live = live(&map, path)?;
    let snapshot = map.snapshot();
    let held = largest(&mut map, &mut random, time / 2)?;
    let kept = mib(map.stats().snapshot_bytes);
    drop(snapshot);
    let bound = 2.2 * live + SLACK;
    Ok(Space { files, bound, held, held_bound: bound + kept })
}

fn largest(map: &mut DiskHashMap<u64, [u8]>, random: &mut Rng, time: Duration) -> Result<f64> {
    let (start, mut largest) = (Instant::now(), 0);
    while start.elapsed() < time {
        for _ in 0..1000 {
            map.insert(&random.u64(..KEYS), value(random))?;
        }
        largest = largest.max(map.file_size());
    }
    Ok(mib(largest))
}

fn live(map: &DiskHashMap<u64, [u8]>, path: &Path) -> Result<f64> {
    let copy = path.with_extension("copy");
    let mut fresh: DiskHashMap<u64, [u8]> = DiskHashMap::new_in(&copy)?;
    for entry in map {
        let (key, value) = entry?;
        fresh.insert(&key, value)?;
    }
    fresh.shrink_to_fit()?;
    let bytes = fresh.file_size();
    drop(fresh);
    std::fs::remove_dir_all(copy)?;
    Ok(mib(bytes))
}

fn value(random: &mut Rng) -> &'static [u8] {
    &[0x6B; 600][..random.usize(1..=600)]
}
