//! Filling maps from empty: by single inserts, in batches, and with the time of every insert.
//!
//! Must not look anything up. Invariant: all maps get the same entries in the same order, and each is filled twice in a
//! row, of which the second time counts: a virtual machine gives memory that was free for a while back to its host, and what
//! it takes to get it again (up to 60 ns an insert) says nothing about maps.

use std::{fs, path::Path, time::Instant};

use anyhow::{Result, ensure};
use diskmap_benches::{
    keys::{Key, Keys},
    machine::timed,
    report::{Limit, Report},
};

use crate::{
    Arguments,
    contest::{Contestant, Disk, Memory, open},
};

/// Fills both maps; they are used for everything that is read later.
pub(crate) fn from_empty<Q: Key>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    dir: &Path,
    report: &mut Report,
) -> Result<(Memory<Q>, Disk<Q>)> {
    fill(&mut Memory::<Q>::default(), &keys.stored)?;
    let mut memory = Memory::<Q>::default();
    let (theirs, ()) = timed(keys.stored.len(), || fill(&mut memory, &keys.stored))?;
    fill(&mut open::<Q>(arguments, dir)?, &keys.stored)?;
    fs::remove_dir_all(dir)?;
    let mut disk = open::<Q>(arguments, dir)?;
    let (ours, ()) = timed(keys.stored.len(), || fill(&mut disk, &keys.stored))?;
    let limit = if Q::OUTSIDE == 0 { 1.3 } else { 0.7 };
    report.pair("insert from empty", "ns", (ours, theirs), Limit::Ratio(limit));
    ensure!(memory.len() as u64 == disk.len(), "the maps have {} and {} entries", memory.len(), disk.len());
    Ok((memory, disk))
}

/// Inserts all keys.
#[inline(never)]
pub(crate) fn fill<Q: Key, M: Contestant<Q>>(map: &mut M, keys: &[Q]) -> Result<()> {
    for &key in keys {
        map.insert(key, key.value())?;
    }
    Ok(())
}

/// `try_extend` beside `extend` of a map that is not told how many will come.
pub(crate) fn batched<Q: Key>(arguments: &Arguments, keys: &Keys<Q>, dir: &Path, report: &mut Report) -> Result<()> {
    let count = keys.stored.len();
    drop(extend_memory(&keys.stored));
    let (theirs, memory) = timed(count, || Ok(extend_memory(&keys.stored)))?;
    extend_disk(&mut open::<Q>(arguments, dir)?, &keys.stored)?;
    fs::remove_dir_all(dir)?;
    let mut disk = open::<Q>(arguments, dir)?;
    let (ours, ()) = timed(count, || extend_disk(&mut disk, &keys.stored))?;
    ensure!(disk.len() == memory.len() as u64, "try_extend stored {} of {count} entries", disk.len());
    report.pair("try_extend from empty", "ns", (ours, theirs), Limit::None);
    drop(disk);
    fs::remove_dir_all(dir)?;
    Ok(())
}

#[inline(never)]
fn extend_memory<Q: Key>(keys: &[Q]) -> Memory<Q> {
    let mut map = Memory::<Q>::default();
    // A filter hides the number of entries, which `extend` would make room for at once.
    map.extend(keys.iter().filter(|_| true).map(|key| (key.owned(), key.value())));
    map
}

#[inline(never)]
fn extend_disk<Q: Key>(map: &mut Disk<Q>, keys: &[Q]) -> Result<()> {
    Ok(map.try_extend(keys.iter().map(|&key| (key, key.value())))?)
}

/// The longest inserts, of maps filled with a clock at every insert.
pub(crate) fn latencies<Q: Key>(arguments: &Arguments, keys: &Keys<Q>, dir: &Path, report: &mut Report) -> Result<()> {
    clocked(&mut Memory::<Q>::default(), &keys.stored)?;
    let theirs = clocked(&mut Memory::<Q>::default(), &keys.stored)?;
    let on_disk = || {
        let result = clocked(&mut open::<Q>(arguments, dir)?, &keys.stored);
        fs::remove_dir_all(dir)?;
        result
    };
    on_disk()?;
    let ours = on_disk()?;
    report.pair("longest insert", "ms", (ours.longest, theirs.longest), Limit::Figure(30.0));
    report.pair("99.99 % of inserts below", "us", (ours.percentile, theirs.percentile), Limit::None);
    Ok(())
}

struct Latencies {
    /// Milliseconds.
    longest: f64,
    /// Microseconds that 99.99 % of inserts stay below.
    percentile: f64,
}

fn clocked<Q: Key, M: Contestant<Q>>(map: &mut M, keys: &[Q]) -> Result<Latencies> {
    let mut all = vec![0u32; keys.len()];
    let mut last = Instant::now();
    for (&key, time) in keys.iter().zip(&mut all) {
        map.insert(key, key.value())?;
        let now = Instant::now();
        *time = u32::try_from((now - last).as_nanos()).unwrap_or(u32::MAX);
        last = now;
    }
    let longest = all.iter().copied().max().unwrap_or(0);
    let at = (all.len() - 1) - all.len() / 10_000;
    let (_, percentile, _) = all.select_nth_unstable(at);
    Ok(Latencies { longest: f64::from(longest) / 1e6, percentile: f64::from(*percentile) / 1e3 })
}
