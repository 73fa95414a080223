//! Opening a map: after it was closed, and after the process that filled it was killed.
//!
//! Must not fill maps in this process for the second. Invariant: how each map was left is what its recovery says, and every
//! map that was opened is read in full.

mod place;
mod setting;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use diskmap::{DiskHashMap, OpenOptions, Recovery};
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    passes::{entries, passes, same},
};
use tempfile::TempDir;

const ENTRIES: usize = 200_000;
/// Says that this process is one that fills a map and is killed: what its keys are and where.
const FILL: &str = "DISKMAP_BENCH_FILL";
const READY: &str = "filled";

type Map<Q> = DiskHashMap<<Q as Key>::Codec, u64>;

fn main() {
    if let Some((name, dir)) = std::env::var(FILL).ok().as_deref().and_then(|what| what.split_once(':')) {
        let fill = if name == u64::NAME { fill_and_wait::<u64> } else { fill_and_wait::<&'static str> };
        let Err(error) = fill(Path::new(dir)) else { std::process::abort() };
        panic!("the map was not filled: {error:#}");
    }
    let mut criterion = setting::criterion();
    benches::<u64>(&mut criterion);
    benches::<&'static str>(&mut criterion);
    criterion.final_summary();
}

fn benches<Q: RandomKey>(criterion: &mut Criterion) {
    let keys = Keys::<Q>::new(entries(ENTRIES));
    let mut group = criterion.benchmark_group(format!("open {} to u64", Q::NAME));
    one(&mut group, "closed", &keys, closed, Recovery::Closed);
    one(&mut group, "writer killed", &keys, killed::<Q>, Recovery::Resumed);
    group.finish();
}

/// Opens maps that `left` leaves behind.
fn one<Q: Key>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    keys: &Keys<Q>,
    left: fn(&Keys<Q>) -> Result<TempDir>,
    expected: Recovery,
) {
    let prepare = || Ok((left(keys)?, None));
    let open = |(dir, map): &mut (TempDir, Option<Map<Q>>)| {
        *map = Some(OpenOptions::new().sync_on_drop(false).open(dir.path())?);
        Ok(())
    };
    let check = |(_dir, map): (TempDir, Option<Map<Q>>), ()| {
        let map = map.context("no map")?;
        same(map.stats().recovery, expected)?;
        same(map.len(), keys.stored.len() as u64)?;
        for key in &keys.stored {
            same(map.get(key.borrowed())?, Some(key.value()))?;
        }
        Ok(())
    };
    group.bench_function(name, |b| b.iter_custom(|n| passes(n, prepare, open, check)));
}

fn fill<Q: Key>(dir: &Path, keys: &[Q]) -> Result<Map<Q>> {
    let mut map: Map<Q> = OpenOptions::new().create(true).sync_on_drop(false).open(dir)?;
    for key in keys {
        map.insert(key.borrowed(), &key.value())?;
    }
    Ok(map)
}

fn closed<Q: Key>(keys: &Keys<Q>) -> Result<TempDir> {
    let dir = place::dir()?;
    fill(dir.path(), &keys.stored)?.close()?;
    Ok(dir)
}

fn killed<Q: Key>(_: &Keys<Q>) -> Result<TempDir> {
    let dir = place::dir()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(FILL, format!("{}:{}", Q::NAME, dir.path().display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output of the child")?).read_line(&mut line)?;
    child.kill()?;
    child.wait()?;
    ensure!(line.trim() == READY, "the process that was to fill a map failed");
    Ok(dir)
}

/// The process that is killed.
fn fill_and_wait<Q: RandomKey>(dir: &Path) -> Result<()> {
    let _map = fill(dir, &Keys::<Q>::stored(entries(ENTRIES)))?;
    println!("{READY}");
    // Ends without closing the map even if the parent is gone.
    std::io::stdin().lock().read_line(&mut String::new())?;
    std::process::abort();
}
