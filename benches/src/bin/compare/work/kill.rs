//! Reopening after the process that loaded was killed: one process loads and waits for its end, another one opens.
//!
//! Must not know engines. Invariant: nothing is synced or closed before the kill but what the engine does by itself.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::{Task, fill};
use crate::{
    engine::{Engine, Read},
    figure::{Line, tell},
    pair::{Pair, seed},
};

/// The parts, each in a process.
pub(crate) const LOAD: &str = "load";
pub(crate) const OPEN: &str = "open";

/// Keys that are looked for.
const SAMPLE: usize = 100_000;

pub(super) fn run<P: Pair, E: Engine<P>>(task: &Task) -> Result<()> {
    match task.part.as_deref() {
        Some(LOAD) => load::<P, E>(task),
        Some(OPEN) => open::<P, E>(task),
        other => bail!("{other:?} is no part of a kill"),
    }
}

fn load<P: Pair, E: Engine<P>>(task: &Task) -> Result<()> {
    let keys = P::keys(task.entries)?;
    let mut engine = E::open(&task.dir.join("killed"))?;
    let filled = fill::<P, E>(&mut engine, &keys.stored, task.load_cap())?;
    Line::Ready(filled.done).tell();
    // Ends without closing anything even if nobody kills it.
    std::io::stdin().read_line(&mut String::new())?;
    std::process::abort();
}

fn open<P: Pair, E: Engine<P>>(task: &Task) -> Result<()> {
    let keys = P::keys(task.entries)?;
    let start = Instant::now();
    let engine = E::open(&task.dir.join("killed"))?;
    engine.read(|reader| reader.get(*keys.stored.first().context("no keys")?))?;
    let opening = start.elapsed();
    let step = keys.stored.len().div_ceil(SAMPLE);
    let (mut asked, mut found) = (0, 0);
    engine.read(|reader| {
        for &key in keys.stored.iter().step_by(step) {
            asked += 1;
            if let Some(digest) = reader.get(key)? {
                ensure!(digest == P::digest(seed(key, 0)), "a wrong value was read after the kill");
                found += 1;
            }
        }
        Ok(())
    })?;
    tell("reopen-killed", "ms", opening.as_secs_f64() * 1e3, task.entries, false);
    tell("kept-after-kill", "%", 100.0 * f64::from(found) / f64::from(asked), task.entries, false);
    Ok(())
}
