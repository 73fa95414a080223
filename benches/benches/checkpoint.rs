//! Checkpoints: after few changes, after many, and with nothing to do.
//!
//! Must not make any but by hand. Invariant: after each the map is opened as after a power cut, and has every change.

mod place;
mod setting;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use diskmap::{DiskHashMap, OpenOptions, Recovery};
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    passes::{entries, same, timed_passes},
};
use tempfile::TempDir;

const ENTRIES: usize = 200_000;

type Map<Q> = DiskHashMap<<Q as Key>::Codec, u64>;

fn main() {
    let mut criterion = setting::criterion();
    benches::<u64>(&mut criterion);
    benches::<&'static str>(&mut criterion);
    criterion.final_summary();
}

fn benches<Q: RandomKey>(criterion: &mut Criterion) {
    let keys = Keys::<Q>::new(entries(ENTRIES));
    let mut group = criterion.benchmark_group(format!("checkpoint {} to u64", Q::NAME));
    let count = keys.stored.len();
    one(&mut group, "nothing changed", &keys, 0);
    one(&mut group, "1 in 200 changed", &keys, count / 200);
    one(&mut group, "all changed", &keys, count);
    group.finish();
}

/// A map on which time passes only by hand.
struct Aged<Q: Key> {
    dir: TempDir,
    map: Option<Map<Q>>,
    /// Opening under another boot is what a power cut leads to.
    boot: u8,
    /// What each key's value is more than the key's.
    more: Vec<u64>,
}

impl<Q: Key> Aged<Q> {
    fn new(keys: &Keys<Q>) -> Result<Aged<Q>> {
        let mut aged = Aged { dir: place::dir()?, map: None, boot: 0, more: vec![0; keys.shuffled.len()] };
        let mut map = aged.open()?;
        for key in &keys.shuffled {
            map.insert(key.borrowed(), &key.value())?;
        }
        map.checkpoint()?;
        aged.map = Some(map);
        Ok(aged)
    }

    fn open(&self) -> Result<Map<Q>> {
        let options = OpenOptions::new().create(true).auto_checkpoint(None).sync_on_drop(false);
        Ok(options.boot_id([self.boot; 16]).open(self.dir.path())?)
    }

    /// Changes so many values, a checkpoint, and a power cut: the time of the checkpoint.
    fn pass(&mut self, keys: &Keys<Q>, changes: usize) -> Result<Duration> {
        let mut map = self.map.take().context("a pass failed before")?;
        for (key, more) in keys.shuffled.iter().zip(&mut self.more).take(changes) {
            *more += 1;
            map.insert(key.borrowed(), &key.value().wrapping_add(*more))?;
        }
        let start = Instant::now();
        map.checkpoint()?;
        let took = start.elapsed();

        // Lost with the power: it must not be there afterwards.
        if let Some(key) = keys.missing.first() {
            map.insert(key.borrowed(), &0)?;
        }
        drop(map);
        self.boot = self.boot.wrapping_add(1);
        let map = self.open()?;
        same(map.stats().recovery, Recovery::RolledBack)?;
        same(map.len(), keys.shuffled.len() as u64)?;
        for (key, more) in keys.shuffled.iter().zip(&self.more) {
            same(map.get(key.borrowed())?, Some(key.value().wrapping_add(*more)))?;
        }
        self.map = Some(map);
        Ok(took)
    }
}

fn one<Q: RandomKey>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, keys: &Keys<Q>, changes: usize) {
    let mut aged = Aged::new(keys).unwrap_or_else(|error| panic!("no map: {error:#}"));
    group.bench_function(name, |b| b.iter_custom(|n| timed_passes(n, || aged.pass(keys, changes))));
}
