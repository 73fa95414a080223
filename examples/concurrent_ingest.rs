//! Counting lines with all cores: every line of every text file under a directory → how often it occurs, in one map on disk
//! that all threads write to.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example concurrent_ingest [directory]
//! ```

use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Result, ensure};
use diskmap_concurrent::DiskDashMap;
use indicatif::{ParallelProgressIterator, ProgressBar, ProgressStyle};
use rayon::prelude::*;
use walkdir::WalkDir;

/// Larger files are left out, and so is what is no text.
const LARGEST: u64 = 4 << 20;

fn main() -> Result<()> {
    let dir = env::args_os().nth(1).map_or_else(|| PathBuf::from("/usr/share"), PathBuf::from);
    let is_file =
        |entry: &walkdir::DirEntry| entry.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
    let files: Vec<PathBuf> =
        WalkDir::new(dir).into_iter().filter_map(Result::ok).filter(is_file).map(|entry| entry.into_path()).collect();

    let place = tempfile::tempdir()?;
    let counts: DiskDashMap<str, u64> = DiskDashMap::new_in(place.path())?;
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {elapsed}")?;
    let bar = ProgressBar::new(files.len() as u64).with_style(style);
    let start = Instant::now();
    let lines: u64 = files.par_iter().progress_with(bar).map(|path| count(path, &counts)).sum::<Result<u64>>()?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{lines} lines, {} different, {seconds:.1} s, {:.0} ns a line",
        counts.len(),
        seconds * 1e9 / lines.max(1) as f64
    );

    // All cores read, too. An entry stays as it is while it is held, in whatever thread.
    let entries =
        || counts.par_iter().map(|entry| entry.map(|entry| (Reverse(entry.value()), entry.key().to_string())));
    let sum: u64 = entries().map(|entry| entry.map(|(count, _)| count.0)).sum::<Result<u64, _>>()?;
    ensure!(sum == lines, "{sum} lines were counted, not {lines}");
    let mut common = entries().collect::<Result<Vec<_>, _>>()?;
    common.par_sort_unstable();
    for (Reverse(count), line) in common.iter().filter(|(_, line)| line.len() > 30).take(5) {
        println!("{count:>7}  {}", line.chars().take(90).collect::<String>());
    }
    counts.close()?;
    Ok(())
}

/// Counts the lines of a file, if it is a text that can be read.
fn count(path: &Path, counts: &DiskDashMap<str, u64>) -> Result<u64> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(0) };
    let mut lines = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        // One lookup; the line's shard is locked from here to the end of the statement, others go on.
        counts.entry(line)?.and_modify(|n| n + 1)?.or_insert(&1)?;
        lines += 1;
    }
    Ok(lines)
}
