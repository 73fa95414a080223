//! Nothing is lost when the process is killed: this one starts itself, kills the child in the middle of its work, and
//! counts what is there.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example survives_kill
//! ```

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use diskmap::{DiskHashMap, OpenOptions};

const ROUNDS: u64 = 10;

fn main() -> Result<()> {
    let mut args = env::args_os().skip(1);
    if let Some(dir) = args.next() {
        return write_until_killed(dir.as_ref());
    }
    let dir = tempfile::tempdir()?;
    for round in 1..=ROUNDS {
        let acknowledged = kill_a_writer(dir.path(), Duration::from_millis(20 * round))?;
        let start = Instant::now();
        let map: DiskHashMap<u64, String> = DiskHashMap::load_from(dir.path())?;
        let opened = start.elapsed();
        // An insert that was under way when the kill came may be there as well; never half of it.
        ensure!(map.len() >= acknowledged, "{} of {acknowledged} entries are there", map.len());
        for number in 0..map.len() {
            ensure!(map.get(&number)? == Some(&*text(number)), "entry {number} is not what was written");
        }
        println!("killed after {acknowledged:>7} inserts: {:>7} are there, opened in {opened:.1?}", map.len());
    }
    Ok(())
}

/// Starts this program again as a writer, kills it with SIGKILL after a while, and tells what it had said is stored.
fn kill_a_writer(dir: &Path, after: Duration) -> Result<u64> {
    let mut child = Command::new(env::current_exe()?).arg(dir).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
    let listener = thread::spawn(|| lines.map_while(|line| line.ok()?.parse().ok()).collect::<Vec<u64>>());
    thread::sleep(after);
    child.kill()?;
    child.wait()?;
    let said = listener.join().ok().context("the thread that listens has failed")?;
    // The last line may have been cut short: what counts is the one before it.
    Ok(said.iter().rev().nth(1).copied().unwrap_or(0))
}

/// The child: inserts, and only when an insert has returned, says how many are stored.
fn write_until_killed(dir: &Path) -> Result<()> {
    // No checkpoint by the clock: a kill takes none.
    let mut map: DiskHashMap<u64, String> = OpenOptions::new().create(true).auto_checkpoint(None).open(dir)?;
    let mut out = std::io::stdout();
    for number in map.len().. {
        map.insert(&number, &text(number))?;
        writeln!(out, "{}", number + 1)?;
    }
    Ok(())
}

fn text(number: u64) -> String {
    format!("entry {number}").repeat(1 + number as usize % 20)
}
