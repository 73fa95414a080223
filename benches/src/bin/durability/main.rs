//! Measures what durability costs: checkpoints beside a writer, opening after an end of any kind, and space.
//!
//! Must not know how the map works. Invariant: what is compared with a limit of the kernel (a sync, a page fault) is shown
//! beside the same work done without a map.

mod kernel;
mod pauses;
mod space;
mod words;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use clap::Parser;
use diskmap::{DiskHashMap, OpenOptions, Recovery};
use diskmap_benches::{
    machine::{scratch, timed_ms},
    report::{Limit, Report},
};
use fastrand::Rng;

use crate::{kernel::write_and_sync, pauses::Pauses};

type Map = DiskHashMap<u64, u64>;

/// Updates between two checkpoints.
const UPDATES: usize = 1000;

/// Measures checkpoints, pauses, opening and space of a map of random u64 -> u64 entries. Where the kernel does the work,
/// the column `kernel` shows the same done with plain files.
#[derive(Parser)]
#[command(name = "durability")]
struct Arguments {
    /// Number of entries.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    entries: u32,
    /// Measure this many times and print medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Seconds of random updates, each time, in which the longest is looked for.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Where the map's directory is made [default: ./target, or the directory for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let dir = scratch(arguments.dir.as_deref())?;
    let mut report = Report::against("kernel");
    let entries = u64::from(arguments.entries);
    let mut map: Map = options(1, None).create(true).open(dir.path().join("map"))?;
    map.try_extend((0..entries).map(|n| (key(n), n)))?;
    map.checkpoint()?;
    let mut random = Rng::with_seed(7);
    for _ in 0..arguments.runs {
        let (written, ()) = kernel::written(|| update(&mut map, entries, &mut random, UPDATES))?;
        let (more, (took, ())) = kernel::written(|| timed_ms(|| Ok(map.checkpoint()?)))?;
        let bytes = written + more;
        report.ours("checkpoint after 1,000 updates: written, MiB", "", mib(bytes), Limit::Figure(100.0));
        let plain = write_and_sync(dir.path(), bytes)?;
        report.pair("checkpoint after 1,000 updates, ms", "", (took, plain), Limit::Ratio(1.5));
    }
    map.close()?;

    for _ in 0..arguments.runs {
        let time = Duration::from_secs(arguments.seconds);
        let every = Duration::from_millis(500);
        let (_, still) = Pauses::of_map(&dir.path().join("map"), entries, None, time)?;
        let (growing, synced) = Pauses::of_map(&dir.path().join("map"), entries, Some(every), time)?;
        let plain = Pauses::of_plain_file(dir.path(), entries * 28, every, time)?;
        report.ours("longest update without checkpoints, ms", "", still.longest, Limit::None);
        report.pair("longest update beside checkpoints, ms", "", (synced.longest, plain.longest), Limit::Figure(5.0));
        report.pair("  99.99 % of updates below, us", "", (synced.most, plain.most), Limit::None);
        report.pair("  checkpoints made, and syncs", "", (synced.syncs, plain.syncs), Limit::None);
        report.ours("  longest just after opening, new pages, ms", "", growing.longest, Limit::None);
    }

    for run in 0..arguments.runs {
        let path = dir.path().join("map");
        let boot = u8::try_from(run % 100)? * 2 + 2;
        // Nothing is synced: as a process leaves its files that was killed.
        let mut map: Map = options(boot, None).sync_on_drop(false).open(&path)?;
        update(&mut map, entries, &mut random, UPDATES)?;
        drop(map);
        let (killed, map) = timed_ms(|| Ok(options(boot, None).sync_on_drop(false).open::<u64, u64>(&path)?))?;
        ensure!(map.stats().recovery == Recovery::Resumed && map.len() == entries, "the live state");
        drop(map);
        let (cut, map) = timed_ms(|| Ok(options(boot + 1, None).open::<u64, u64>(&path)?))?;
        ensure!(map.stats().recovery == Recovery::RolledBack && map.len() == entries, "the last checkpoint");
        map.close()?;
        report.ours("open after a kill, ms", "", killed, Limit::Figure(300.0));
        report.ours("open after a power cut, ms", "", cut, Limit::Figure(1000.0));
    }
    drop(std::fs::remove_dir_all(dir.path().join("map")));

    let space = space::overwrite(&dir.path().join("texts"), Duration::from_secs(4 * arguments.seconds))?;
    report.pair(
        "files while overwriting, and 2.2 x live + 64 MiB",
        "MiB",
        (space.files, space.bound),
        Limit::Ratio(1.0),
    );
    report.pair(
        "  with a snapshot held, and the same + what it holds",
        "MiB",
        (space.held, space.held_bound),
        Limit::Ratio(1.0),
    );

    println!("u64 -> u64, {entries} entries; medians of {} run(s); ms on the wall\n", arguments.runs);
    println!("{report}");
    Ok(())
}

fn options(boot: u8, checkpoints: Option<Duration>) -> OpenOptions {
    OpenOptions::new().auto_checkpoint(checkpoints).boot_id([boot; 16])
}

/// The `n`-th key: all differ, in no order.
fn key(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

fn update(map: &mut Map, entries: u64, random: &mut Rng, count: usize) -> Result<()> {
    for _ in 0..count {
        map.insert(&key(random.u64(..entries)), &random.u64(..))?;
    }
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
