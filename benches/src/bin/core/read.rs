//! Lookups: hits, batches, misses, and a chain in which each lookup needs the last one's value.
//!
//! Must not change a map. Invariant: both maps are asked for the same keys in the same order.

use anyhow::{Context, Result};
use diskmap_benches::{
    keys::{Key, Keys},
    machine::timed,
    report::{Limit, Report},
};

use crate::{
    check,
    contest::{Contestant, Disk, Memory},
};

/// Keys of one call of `get_many`, small and large.
const SLICES: [(usize, &str); 2] = [(32, "get_many hit, slices of 32"), (1024, "get_many hit, slices of 1024")];

/// Measures all lookups.
pub(crate) fn read<Q: Key>(keys: &Keys<Q>, memory: &Memory<Q>, disk: &Disk<Q>, report: &mut Report) -> Result<()> {
    let text = Q::OUTSIDE > 0;
    let (count, expected) = (keys.shuffled.len(), keys.sum());

    let (theirs, sum) = timed(count, || hits(memory, &keys.shuffled))?;
    check(sum, expected)?;
    let (ours, sum) = timed(count, || hits(disk, &keys.shuffled))?;
    check(sum, expected)?;
    report.pair("get hit", "ns", (ours, theirs), Limit::Ratio(if text { 1.1 } else { 1.4 }));

    for (slice, name) in SLICES {
        let (ours, sum) = timed(count, || batches(disk, &keys.shuffled, slice))?;
        check(sum, expected)?;
        report.pair(name, "ns", (ours, theirs), if text { Limit::None } else { Limit::Ratio(0.7) });
    }

    let (theirs, found) = timed(count, || misses(memory, &keys.missing))?;
    check(found, 0)?;
    let (ours, found) = timed(count, || misses(disk, &keys.missing))?;
    check(found, 0)?;
    report.pair("get miss", "ns", (ours, theirs), Limit::Ratio(if text { 0.9 } else { 1.7 }));

    let steps = count / 4;
    let (alone, expected) = timed(steps, || Ok(walk(keys, steps)))?;
    let (theirs, end) = timed(steps, || chain(memory, keys, steps))?;
    check(end, expected)?;
    let (ours, end) = timed(steps, || chain(disk, keys, steps))?;
    check(end, expected)?;
    report.pair(
        "get hit, each needs the last",
        "ns",
        (ours, theirs),
        if text { Limit::None } else { Limit::Ratio(0.75) },
    );
    report.theirs("  of which the loop without a map", "ns", alone);
    Ok(())
}

/// The sum of the values of keys that are there.
#[inline(never)]
pub(crate) fn hits<Q: Key, M: Contestant<Q>>(map: &M, keys: &[Q]) -> Result<u64> {
    let mut sum = 0u64;
    for &key in keys {
        let Some(value) = map.get(key)? else { return Err(lost()) };
        sum = sum.wrapping_add(value);
    }
    Ok(sum)
}

#[inline(never)]
fn batches<Q: Key>(map: &Disk<Q>, keys: &[Q], slice: usize) -> Result<u64> {
    let mut sum = 0u64;
    for keys in keys.chunks(slice) {
        for value in map.get_many(keys) {
            let Some(value) = value? else { return Err(lost()) };
            sum = sum.wrapping_add(value);
        }
    }
    Ok(sum)
}

/// How many of the keys are there.
#[inline(never)]
fn misses<Q: Key, M: Contestant<Q>>(map: &M, keys: &[Q]) -> Result<u64> {
    let mut found = 0;
    for &key in keys {
        found += u64::from(map.get(key)?.is_some());
    }
    Ok(found)
}

/// The value at the end of the chain.
#[inline(never)]
fn chain<Q: Key, M: Contestant<Q>>(map: &M, keys: &Keys<Q>, steps: usize) -> Result<u64> {
    let mut key = *keys.shuffled.first().context("no keys")?;
    for step in 0..steps {
        let Some(value) = map.get(key)? else { return Err(lost()) };
        key = keys.next(value, step);
    }
    Ok(key.value())
}

/// The same chain without a map.
#[inline(never)]
fn walk<Q: Key>(keys: &Keys<Q>, steps: usize) -> u64 {
    let mut key = keys.shuffled[0];
    for step in 0..steps {
        key = keys.next(key.value(), step);
    }
    key.value()
}

#[cold]
fn lost() -> anyhow::Error {
    anyhow::anyhow!("a stored key was not found")
}
