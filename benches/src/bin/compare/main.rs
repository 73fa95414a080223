//! Measures diskmap beside other maps and stores, and writes what it found: tables, charts, raw figures.
//!
//! Must not know how an engine works. Invariant: every engine is measured in a process of its own, by the same loops over the
//! same keys.

#![deny(unsafe_code)]

mod engine;
mod figure;
mod latency;
mod memory;
mod pace;
mod pair;
mod plan;
mod report;
mod results;
mod run;
mod versions;
mod work;
mod zipf;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use diskmap_benches::machine;

use crate::{
    plan::{Choice, Mode, cells},
    results::Results,
    run::Runner,
    work::{Group, Task},
};

/// Measures diskmap beside maps in memory and stores on disk, and writes BENCHMARKS.md, bench/*.svg and bench/results.tsv.
///
/// Parts can be measured one by one: their figures take the place of what results.tsv had of them. Keep the machine quiet.
#[derive(Parser)]
#[command(name = "compare")]
struct Arguments {
    /// Few entries and little time: to see that all works, in under three minutes.
    #[arg(long, conflicts_with_all = ["full", "report_only"])]
    quick: bool,
    /// Everything, which takes an hour or more.
    #[arg(long, conflicts_with = "report_only")]
    full: bool,
    /// Measure nothing: make tables and charts of results.tsv again.
    #[arg(long)]
    report_only: bool,
    /// Where BENCHMARKS.md and bench/ are written [default: docs of this repository].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Measure these engines only.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Measure these groups of operations only.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<Group>,
    /// Measure these kinds of entries only.
    #[arg(long, value_delimiter = ',')]
    pairs: Vec<String>,
    /// Numbers of entries, in place of the plan's (in `beyond`: bytes of memory).
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<usize>,
    /// Debian's `Contents` index, plain or .gz, for path → package [default: the paths of this machine].
    #[arg(long)]
    contents: Option<PathBuf>,
    /// How often each is measured, in place of the plan's.
    #[arg(long)]
    runs: Option<usize>,
    /// The CPU that measures; two threads use the first two.
    #[arg(long, default_value_t = 1)]
    cpu: usize,
    /// Where the engines' directories are made [default: ./target, or the directory for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    cell: Option<Cell>,
}

#[derive(Subcommand)]
enum Cell {
    /// Used by the program itself: one measuring process.
    #[command(hide = true)]
    Cell(Task),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Cell::Cell(task)) = &arguments.cell {
        return task.run();
    }
    let out = arguments.out.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"));
    let file = out.join("bench/results.tsv");
    let mut results = Results::load(&file)?;
    let mut failed = 0;
    if !arguments.report_only {
        let mode = if arguments.full { Mode::Full } else { Mode::Quick };
        ensure!(arguments.full || arguments.quick, "say --quick, --full or --report-only");
        failed = measure(&arguments, mode, &mut results, &file)?;
    }
    ensure!(!results.rows.is_empty(), "{} has no figures", file.display());
    report::write(&results, &out)?;
    ensure!(failed == 0, "{failed} cells failed; the report says why");
    Ok(())
}

/// Measures what was chosen: how many cells failed.
fn measure(arguments: &Arguments, mode: Mode, results: &mut Results, file: &Path) -> Result<usize> {
    for name in &arguments.only {
        engine::about(name)?;
    }
    for name in &arguments.pairs {
        ensure!(
            pair::NAMES.contains(&name.as_str()),
            "there are no entries `{name}`; there are {}",
            pair::NAMES.join(", ")
        );
    }
    let choice = Choice {
        engines: arguments.only.clone(),
        groups: arguments.workload.clone(),
        pairs: arguments.pairs.clone(),
        sizes: arguments.sizes.clone(),
    };
    pair::load_paths(arguments.contents.as_deref())?;
    let planned = cells(mode, &choice, pair::count_paths()?);
    ensure!(!planned.is_empty(), "nothing was chosen");
    let scratch = machine::scratch(arguments.dir.as_deref())?;
    remember(results, scratch.path(), arguments.contents.as_deref())?;
    let contents = scratch.path().join("paths");
    pair::save_paths(&contents)?;
    let runner =
        Runner { mode, scratch: scratch.path().to_owned(), cpu: arguments.cpu, contents, runs: arguments.runs };
    let (begun, count) = (Instant::now(), planned.len());
    let mut failed = 0;
    for (at, planned) in planned.iter().enumerate() {
        let cell = &planned.cell;
        let name = format!("{} {} {} {}", cell.group, cell.pair, cell.entries, cell.engine);
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K{} s, {}/{count}: {name}", begun.elapsed().as_secs(), at + 1);
        }
        let start = Instant::now();
        let rows = runner.run(planned);
        for row in rows.iter().filter(|row| row.unit == "failed") {
            failed += 1;
            eprintln!("\n{name} failed: {}", row.note);
        }
        if !std::io::stderr().is_terminal() {
            eprintln!("{:>6.1} s {name}", start.elapsed().as_secs_f64());
        }
        results.replace(cell, rows);
        results.save(file)?;
    }
    eprintln!("\nmeasured {count} cells in {} s", begun.elapsed().as_secs());
    Ok(failed)
}

/// Notes the machine and the versions that figures are of.
fn remember(results: &mut Results, dir: &Path, contents: Option<&Path>) -> Result<()> {
    for (name, value) in machine::description(dir)? {
        results.facts.insert(format!("machine/{name}"), value);
    }
    for about in engine::ALL {
        let version =
            versions::of(about.package).with_context(|| format!("what version of {} is this?", about.package))?;
        results.facts.insert(format!("version/{}", about.package), version.into());
    }
    let paths = contents.map_or_else(|| "the paths of this machine".into(), |file| file.display().to_string());
    results.facts.insert("paths".into(), format!("{paths}, {} entries", pair::count_paths()?));
    Ok(())
}
