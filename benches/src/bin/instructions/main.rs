//! Counts the instructions of diskmap's hot paths and compares them with what they took before.
//!
//! Must not know what a path does. Invariant: each path is counted in a process of its own, which proves that what it read
//! was right before its count is believed.

mod baseline;
mod callgrind;
mod counted;
mod paths;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::{
    baseline::{Baseline, Verdict},
    callgrind::Profile,
    paths::{ALL, HotPath, OPERATIONS},
};

/// What the counts were when it was last written.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.tsv");
/// The compiler, its target, and its flags.
const COMPILER: &str = env!("BUILT_BY");
/// Two counts of the same build may differ by this share of them.
const NOISE: f64 = 0.002;
/// A function that takes less than this share of a path is not shown.
const SHOWN: f64 = 0.02;

/// Counts the instructions an operation takes on each hot path, under callgrind, and fails if one takes more than the
/// committed baseline allows.
#[derive(Parser)]
#[command(name = "instructions")]
struct Arguments {
    /// Count only these paths.
    paths: Vec<String>,
    /// Write the baseline anew, after counting every path twice.
    #[arg(long, conflicts_with = "paths")]
    write: bool,
    /// Show which functions each path spends its instructions in (always shown of a path that fails).
    #[arg(long)]
    parts: bool,
    /// Used by the program itself: walk the path named, in this directory.
    #[arg(long, hide = true, value_name = "DIR")]
    walk: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    ensure!(!cfg!(debug_assertions), "this build says nothing of the released one; build it with --release");
    let arguments = Arguments::parse();
    let chosen = chosen(&arguments.paths)?;
    if let Some(dir) = &arguments.walk {
        chosen.iter().try_for_each(|path| (path.walk)(dir))?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("instructions an operation, {OPERATIONS} operations a path\n{COMPILER}");
    if arguments.write { write(&chosen) } else { compare(&chosen, arguments.parts) }
}

fn chosen(names: &[String]) -> Result<Vec<&'static HotPath>> {
    let known = |name| ALL.iter().find(|path| path.name == name).with_context(|| format!("there is no path `{name}`"));
    if names.is_empty() { Ok(ALL.iter().collect()) } else { names.iter().map(known).collect() }
}

fn write(paths: &[&HotPath]) -> Result<ExitCode> {
    let mut counts = Vec::new();
    for path in paths {
        let (first, second) = (each(&count(path)?), each(&count(path)?));
        println!("{:<24}{first:>10.2}{second:>10.2}", path.name);
        ensure!((first - second).abs() <= NOISE * first, "`{}` cannot be repeated: its two counts differ", path.name);
        counts.push((path.name.to_owned(), first));
    }
    fs::write(BASELINE, Baseline { compiler: COMPILER.to_owned(), counts }.to_string())
        .with_context(|| format!("cannot write {BASELINE}"))?;
    println!("\nwritten to {BASELINE}");
    Ok(ExitCode::SUCCESS)
}

fn compare(paths: &[&HotPath], parts: bool) -> Result<ExitCode> {
    let baseline: Baseline =
        fs::read_to_string(BASELINE).with_context(|| format!("cannot read {BASELINE}"))?.parse()?;
    let comparable = baseline.compiler == COMPILER;
    if !comparable {
        println!(
            "the baseline is of another compiler, so that more instructions are no failure: {}",
            baseline.compiler
        );
    }
    println!("\n{:<24}{:>10}{:>10}{:>9}", "", "before", "now", "change");
    let (mut failed, mut less) = (baseline.gone(ALL.iter().map(|path| path.name)), false);
    for name in &failed {
        println!("{name:<24}{:>10.2}  is no path any more", baseline.of(name).unwrap_or_default());
    }
    for path in paths {
        let profile = count(path)?;
        let (before, now) = (baseline.of(path.name), each(&profile));
        let verdict = Verdict::of(before, now);
        println!("{}", row(path.name, before, now, verdict));
        let fails = match verdict {
            Verdict::New => true,
            Verdict::More => comparable,
            Verdict::Same | Verdict::Less => false,
        };
        if fails {
            failed.push(path.name.to_owned());
        }
        if parts || fails {
            show(&profile);
        }
        less |= verdict == Verdict::Less;
    }
    if less {
        println!(
            "\nSome paths take fewer instructions. Write the baseline anew (--write), or the gain may be lost unseen."
        );
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nFAILED: {}. If that is meant, write the baseline anew (--write) and say why.", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn row(name: &str, before: Option<f64>, now: f64, verdict: Verdict) -> String {
    let Some(before) = before else { return format!("{name:<24}{:>10}{now:>10.2}  is not in the baseline", "") };
    let change = (now / before - 1.0) * 100.0;
    let note = match verdict {
        Verdict::More => "  MORE",
        Verdict::Less => "  less",
        Verdict::Same | Verdict::New => "",
    };
    format!("{name:<24}{before:>10.2}{now:>10.2}{change:>+8.1}%{note}")
}

fn count(path: &HotPath) -> Result<Profile> {
    callgrind::profile(path.name, path.function).with_context(|| format!("`{}` was not counted", path.name))
}

/// Instructions an operation.
fn each(profile: &Profile) -> f64 {
    profile.total as f64 / OPERATIONS as f64
}

fn show(profile: &Profile) {
    for (function, instructions) in &profile.functions {
        if *instructions as f64 >= SHOWN * profile.total as f64 {
            println!("{:>34.2}  {function}", *instructions as f64 / OPERATIONS as f64);
        }
    }
}
