//! Measures diskmap beside hashbrown with Fx: the same keys, one thread, one run.
//!
//! Must not know how the maps work. Invariant: every loop proves that its lookups were right, by the sum of their values.

mod contest;
mod fill;
mod read;
mod reopen;
mod sweep;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use clap::Parser;
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    machine::{count_cpu_time, pin, scratch},
    report::Report,
};

use crate::contest::Memory;

/// How often the lookups of one run are measured: they are quick, and a machine has moods.
const PASSES: usize = 3;

/// Measures diskmap against hashbrown with Fx in memory, in one run, and prints ns for each operation and their ratio.
///
/// The map on disk has the default options, but that dropping it makes no checkpoint: a kill loses nothing, and a helper thread makes a checkpoint after 30 s or as
/// many bytes of changes as the map has (1 GiB if it is smaller). Keys are random; lookups take them in another order
/// than they were inserted in. Keep the other CPUs quiet, or at least off the one that measures (--pin).
#[derive(Parser)]
#[command(name = "core")]
struct Arguments {
    /// Number of entries.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    entries: u32,
    /// Measure String -> u64 with keys of 21 bytes instead of u64 -> u64.
    #[arg(long)]
    text: bool,
    /// Measure bytes per entry and load of one growing map instead, from 1 M to 16 M entries in steps of 8 %.
    #[arg(long)]
    sweep: bool,
    /// Stay on this CPU, the map's helper thread included.
    #[arg(long, value_name = "CPU")]
    pin: Option<usize>,
    /// Take the time the measuring thread is on a CPU instead of the time on the wall: for machines that others use.
    /// Waiting for the disk and the helper thread's work then do not count.
    #[arg(long)]
    cpu_time: bool,
    /// Make no checkpoints by the timer or the amount of changes.
    #[arg(long)]
    no_timer: bool,
    /// Measure this many times and print medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure only what is in memory already: no per-insert latencies, no closing, killing and opening.
    #[arg(long)]
    quick: bool,
    /// Where the maps' directories are made [default: ./target, or the directory for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Used by the program itself: fill a map, say so, and wait to be killed.
    #[arg(long, hide = true, value_name = "DIR")]
    fill_and_wait: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(cpu) = arguments.pin {
        pin(cpu)?;
    }
    if arguments.cpu_time {
        count_cpu_time();
    }
    if arguments.text { run::<&'static str>(&arguments) } else { run::<u64>(&arguments) }
}

fn run<Q: RandomKey>(arguments: &Arguments) -> Result<()> {
    if let Some(dir) = &arguments.fill_and_wait {
        return reopen::fill_and_wait::<Q>(arguments, dir);
    }
    let scratch = scratch(arguments.dir.as_deref())?;
    let checkpoints = if arguments.no_timer { "none but at close" } else { "by timer and amount (default)" };
    println!("{} -> u64; map in {}; checkpoints: {checkpoints}", Q::NAME, scratch.path().display());
    if arguments.sweep {
        return sweep::sweep::<Q>(arguments, &scratch.path().join("sweep"));
    }
    let clock = if arguments.cpu_time { "CPU time of the thread" } else { "time on the wall" };
    println!("{} entries; medians of {} run(s); ns are {clock}\n", arguments.entries, arguments.runs);
    let keys = Keys::<Q>::new(arguments.entries as usize);
    let mut report = Report::against("hashbrown");
    for run in 1..=arguments.runs {
        if std::io::stderr().is_terminal() {
            eprint!("\rrun {run} of {} \r", arguments.runs);
        }
        measure(arguments, &keys, scratch.path(), &mut report)?;
    }
    println!("{report}");
    Ok(())
}

fn measure<Q: RandomKey>(arguments: &Arguments, keys: &Keys<Q>, scratch: &Path, report: &mut Report) -> Result<()> {
    let dir = scratch.join("map");
    let (memory, disk) = fill::from_empty(arguments, keys, &dir, report)?;
    for _ in 0..PASSES {
        read::read(keys, &memory, &disk, report)?;
    }
    if !arguments.quick {
        let bytes = in_memory::<Q>(&memory);
        drop(memory);
        reopen::closed(arguments, keys, disk, &dir, bytes, report)?;
        reopen::killed(arguments, keys, &scratch.join("killed"), report)?;
        fill::latencies(arguments, keys, &scratch.join("latencies"), report)?;
    }
    fill::batched(arguments, keys, &scratch.join("batched"), report)?;
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// Bytes per entry of a map in memory.
fn in_memory<Q: Key>(map: &Memory<Q>) -> f64 {
    map.allocation_size() as f64 / map.len() as f64 + Q::OUTSIDE as f64
}

/// Fails unless the lookups of a loop gave what was stored.
fn check(found: u64, expected: u64) -> Result<()> {
    ensure!(found == expected, "a map gave wrong values: their sum is {found:#x}, not {expected:#x}");
    Ok(())
}
