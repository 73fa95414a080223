//! Operations of `DiskDashMap`, by one thread and by two at once.
//!
//! Must not compare with other maps. Invariant: the threads have keys of their own, and what all of them saw is what one
//! thread would have seen.

mod place;
mod setting;

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use diskmap::OpenOptions;
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    passes::{entries, same, timed_passes},
};
use diskmap_concurrent::DiskDashMap;
use tempfile::TempDir;

const ENTRIES: usize = 200_000;
/// So that two machines lock alike.
const SHARDS: usize = 8;

/// A key that threads can share.
trait SharedKey: RandomKey<Codec: Send + Sync> + Send + Sync {}

impl<Q: RandomKey<Codec: Send + Sync> + Send + Sync> SharedKey for Q {}

fn main() {
    let mut criterion = setting::criterion();
    benches::<u64>(&mut criterion);
    benches::<&'static str>(&mut criterion);
    criterion.final_summary();
}

/// How many values were met, and their sum.
type Seen = (usize, u64);
type Map<Q> = DiskDashMap<<Q as Key>::Codec, u64>;

/// An operation on each of these keys, and what it saw.
type Operation<Q> = fn(&Map<Q>, &[Q]) -> Result<Seen>;

/// What a map has before an operation, and what the operation is to see and to leave.
struct Expected {
    filled: bool,
    seen: Seen,
    /// What each value is more than its key's.
    more: u64,
}

fn benches<Q: SharedKey>(criterion: &mut Criterion) {
    let keys = Keys::<Q>::new(entries(ENTRIES));
    let all = (keys.stored.len(), keys.sum());
    for threads in [1, 2] {
        let name = format!("{} to u64, {threads} thread{}", Q::NAME, if threads == 1 { "" } else { "s" });
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(keys.stored.len() as u64));
        let hits = |more| Expected { filled: true, seen: all, more };
        let mut bench = |name, operation: Operation<Q>, expected| {
            one(&mut group, name, threads, &keys, operation, &expected);
        };
        bench("get_copied", get_copied, hits(0));
        bench("get", get, hits(0));
        bench("view", view, hits(0));
        bench("update", update, hits(1));
        bench("insert new", insert, Expected { filled: false, seen: (0, 0), more: 1 });
        bench("insert over", insert, hits(1));
        bench("entry vacant", entry, Expected { filled: false, seen: (0, 0), more: 0 });
        bench("entry occupied", entry, hits(1));
        group.finish();
    }
}

fn one<Q: SharedKey>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    keys: &Keys<Q>,
    operation: Operation<Q>,
    expected: &Expected,
) {
    let made = || -> Result<(Map<Q>, TempDir)> {
        let dir = place::dir()?;
        let map =
            DiskDashMap::with_shards(OpenOptions::new().create(true).sync_on_drop(false).open(dir.path())?, SHARDS)?;
        if expected.filled {
            for key in &keys.stored {
                map.insert(key.borrowed(), &key.value())?;
            }
        }
        Ok((map, dir))
    };
    // What only reads has the same map in all passes.
    let kept = (expected.filled && expected.more == 0)
        .then(|| made().unwrap_or_else(|error| panic!("no map to read: {error:#}")));
    group.bench_function(name, |b| {
        b.iter_custom(|n| {
            timed_passes(n, || {
                let own = if kept.is_none() { Some(made()?) } else { None };
                let Some((map, _)) = kept.as_ref().or(own.as_ref()) else { return Err(anyhow!("no map")) };
                let (took, seen) = on_threads(threads, map, &keys.shuffled, operation)?;
                same(seen, expected.seen)?;
                if own.is_some() {
                    holds(map, keys, expected.more)?;
                }
                Ok(took)
            })
        });
    });
}

/// Lets each thread do its part; the time from the first that began to the last that ended, and what all saw.
fn on_threads<Q: SharedKey>(
    threads: usize,
    map: &Map<Q>,
    keys: &[Q],
    operation: Operation<Q>,
) -> Result<(Duration, Seen)> {
    let start = Barrier::new(threads);
    let work = |part: &[Q]| -> Result<(Instant, Instant, Seen)> {
        start.wait();
        let began = Instant::now();
        let seen = operation(map, part)?;
        Ok((began, Instant::now(), seen))
    };
    let mut all = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let work = &work;
        let parts = keys.chunks(keys.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        for thread in running {
            all.push(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
        }
        Ok(())
    })?;
    let first = all.iter().map(|(began, ..)| *began).min();
    let last = all.iter().map(|(_, ended, _)| *ended).max();
    let (Some(first), Some(last)) = (first, last) else { return Err(anyhow!("no thread")) };
    let seen = all.iter().fold((0, 0_u64), |(count, sum), (.., seen)| (count + seen.0, sum.wrapping_add(seen.1)));
    Ok((last - first, seen))
}

/// Fails unless the map has all keys, each with its value and that much more.
fn holds<Q: SharedKey>(map: &Map<Q>, keys: &Keys<Q>, more: u64) -> Result<()> {
    same(map.len(), keys.stored.len() as u64)?;
    for key in &keys.stored {
        same(map.get_copied(key.borrowed())?, Some(key.value().wrapping_add(more)))?;
    }
    Ok(())
}

fn add((count, sum): &mut Seen, value: u64) {
    *count += 1;
    *sum = sum.wrapping_add(value);
}

#[inline(never)]
fn get_copied<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        if let Some(value) = map.get_copied(key.borrowed())? {
            add(&mut seen, value);
        }
    }
    Ok(seen)
}

#[inline(never)]
fn get<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        if let Some(value) = map.get(key.borrowed())? {
            add(&mut seen, value.value());
        }
    }
    Ok(seen)
}

#[inline(never)]
fn view<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        map.view(key.borrowed(), |value| add(&mut seen, value))?;
    }
    Ok(seen)
}

/// Adds one to each value.
#[inline(never)]
fn update<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        map.update(key.borrowed(), |value| {
            add(&mut seen, value);
            value.wrapping_add(1)
        })?;
    }
    Ok(seen)
}

/// Stores values that are one more than their keys'; the values that were replaced.
#[inline(never)]
fn insert<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        if let Some(old) = map.insert(key.borrowed(), &key.value().wrapping_add(1))? {
            add(&mut seen, old.value());
        }
    }
    Ok(seen)
}

/// Adds one to each value that is there, and stores the others; the values that were there.
#[inline(never)]
fn entry<Q: SharedKey>(map: &Map<Q>, keys: &[Q]) -> Result<Seen> {
    let mut seen = (0, 0);
    for key in keys {
        let modify = |value: u64| {
            add(&mut seen, value);
            value.wrapping_add(1)
        };
        map.entry(key.borrowed())?.and_modify(modify)?.or_insert(&key.value())?;
    }
    Ok(seen)
}
