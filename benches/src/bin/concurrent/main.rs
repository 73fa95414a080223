//! Measures diskmap's concurrent map beside dashmap and papaya, both with Fx: the same keys, the same operations, one run.
//!
//! Must not know how the maps work. Invariant: within a run the maps take turns that last a fraction of a second, so that a
//! slow moment of the machine is a slow moment of all of them.

#![forbid(unsafe_code)]

mod clocks;
mod contest;
mod harness;
mod mixes;
mod single;
mod stalls;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use diskmap_benches::{
    keys::Keys,
    machine::{count_cpu_time, scratch},
    report::Report,
};

use crate::contest::SharedKey;

/// Measures diskmap's concurrent map against dashmap and papaya, both with Fx in memory, in one run, and prints their
/// figures and ratios.
///
/// The map on disk has the default options, but that dropping it makes no checkpoint. Two threads, each on its own CPU.
#[derive(Parser)]
#[command(name = "concurrent")]
struct Arguments {
    /// Number of entries.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(100_000..))]
    entries: u32,
    /// Measure String -> u64 with keys of 21 bytes instead of u64 -> u64.
    #[arg(long)]
    text: bool,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_values_t = [Part::Mixes, Part::Single, Part::Bustle, Part::Stalls])]
    only: Vec<Part>,
    /// Measure this many times and print medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How long stalls are looked for.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// A fiftieth of the entries and a tenth of the seconds: to see that all works, not to know how fast.
    #[arg(long)]
    quick: bool,
    /// Count the time the slower thread is on a CPU instead of the time on the wall (in `mixes` and `single`): for machines
    /// that others use. Waiting for locks and the helper thread's work then do not count.
    #[arg(long)]
    cpu_time: bool,
    /// Stalls: let the system take pages away that it finds cold, as from other programs.
    #[arg(long)]
    pageable: bool,
    /// Make no checkpoints by the timer or the amount of changes (but in `stalls`).
    #[arg(long)]
    no_timer: bool,
    /// Where the maps' directories are made [default: ./target, or the directory for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// Two threads that read, or read and insert.
    Mixes,
    /// One thread that reads, beside the map for one thread.
    Single,
    /// The mixes of the `bustle` harness.
    Bustle,
    /// How long single lookups take while others write, checkpoint and compact.
    Stalls,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

impl Arguments {
    fn entries(&self) -> usize {
        self.entries as usize / if self.quick { 50 } else { 1 }
    }

    fn measures(&self, part: Part) -> bool {
        self.only.contains(&part)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.cpu_time {
        count_cpu_time();
    }
    if arguments.text { run::<&'static str>(&arguments) } else { run::<u64>(&arguments) }
}

fn run<Q: SharedKey>(arguments: &Arguments) -> Result<()> {
    let scratch = scratch(arguments.dir.as_deref())?;
    let checkpoints = if arguments.no_timer { "none but at close" } else { "by timer and amount (default)" };
    println!("{} -> u64; map in {}; checkpoints: {checkpoints}", Q::NAME, scratch.path().display());
    println!("{} entries; medians of {} run(s)\n", arguments.entries(), arguments.runs);
    let keys = Keys::<Q>::new(arguments.entries());
    let mut report = Report::against("rival");
    for run in 1..=arguments.runs {
        if std::io::stderr().is_terminal() {
            eprint!("\rrun {run} of {} \r", arguments.runs);
        }
        measure(arguments, &keys, scratch.path(), run, &mut report)?;
    }
    if arguments.only.iter().any(|&part| part != Part::Stalls) {
        println!("{report}");
    }
    if arguments.measures(Part::Stalls) {
        println!("{}", stalls::look(arguments, &keys, &scratch.path().join("stalls"))?);
    }
    Ok(())
}

fn measure<Q: SharedKey>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    scratch: &Path,
    run: u32,
    report: &mut Report,
) -> Result<()> {
    if arguments.measures(Part::Mixes) {
        mixes::measure(arguments, keys, &scratch.join("mixes"), report)?;
    }
    if arguments.measures(Part::Single) {
        single::measure(arguments, keys, &scratch.join("single"), report)?;
    }
    if arguments.measures(Part::Bustle) {
        harness::measure(arguments, scratch, run, report)?;
    }
    Ok(())
}
