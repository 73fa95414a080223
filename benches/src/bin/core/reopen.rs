//! Closing and opening: cleanly, and after the process that filled the map was killed.
//!
//! Must not insert anything but in the process that is killed. Invariant: every map that was opened is read in full.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use diskmap::Recovery;
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    machine::{bytes_on_disk, timed, timed_ms},
    report::{Limit, Report},
};

use crate::{
    Arguments, check,
    contest::{Disk, open},
    fill::fill,
    read::hits,
};

const READY: &str = "filled";

/// Closes the map, looks at its files, and opens it again.
pub(crate) fn closed<Q: Key>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    disk: Disk<Q>,
    dir: &Path,
    in_memory: f64,
    report: &mut Report,
) -> Result<()> {
    let count = keys.stored.len();
    let (closing, ()) = timed_ms(|| Ok(disk.close()?))?;
    report.ours("close", "ms", closing, Limit::None);
    let bytes = bytes_on_disk(dir)? as f64 / count as f64;
    let limit = match (Q::OUTSIDE == 0, count == 10_000_000) {
        (true, true) => 29.0,
        (true, false) => 39.0,
        (false, true) => 64.0,
        (false, false) => 74.0,
    };
    report.pair("on disk for each entry", "bytes", (bytes, in_memory), Limit::Figure(limit));

    let (opening, disk) = timed_ms(|| Ok(open::<Q>(arguments, dir)?))?;
    report.ours("open, cleanly closed", "ms", opening, Limit::Figure(20.0));
    ensure!(disk.stats().recovery == Recovery::Closed, "not closed cleanly: {:?}", disk.stats().recovery);
    for name in ["get hit, first pass after opening", "get hit, second pass after opening"] {
        let (again, sum) = timed(count, || hits(&disk, &keys.shuffled))?;
        check(sum, keys.sum())?;
        report.ours(name, "ns", again, Limit::None);
    }
    Ok(())
}

/// Opens a map whose writer was killed.
pub(crate) fn killed<Q: RandomKey>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    dir: &Path,
    report: &mut Report,
) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--fill-and-wait").arg(dir).arg("--entries").arg(arguments.entries.to_string());
    command.args(arguments.text.then_some("--text")).args(arguments.no_timer.then_some("--no-timer"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output of the child")?).read_line(&mut line)?;
    child.kill()?;
    child.wait()?;
    ensure!(line.trim() == READY, "the process that was to fill a map failed");

    let (opening, disk) = timed_ms(|| Ok(open::<Q>(arguments, dir)?))?;
    report.ours("open, writer killed", "ms", opening, Limit::Figure(300.0));
    ensure!(disk.stats().recovery == Recovery::Resumed, "not resumed: {:?}", disk.stats().recovery);
    check(hits(&disk, &keys.shuffled)?, keys.sum())?;
    drop(disk);
    fs::remove_dir_all(dir)?;
    Ok(())
}

/// The process that is killed.
pub(crate) fn fill_and_wait<Q: RandomKey>(arguments: &Arguments, dir: &Path) -> Result<()> {
    let mut disk = open::<Q>(arguments, dir)?;
    fill(&mut disk, &Keys::<Q>::stored(arguments.entries as usize))?;
    println!("{READY}");
    // Ends without closing the map even if the parent is gone.
    std::io::stdin().lock().read_line(&mut String::new())?;
    std::process::abort();
}
