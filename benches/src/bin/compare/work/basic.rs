//! One thread: load, look-ups, update, remove, iterate; then closing and reopening.
//!
//! Must not know engines. Invariant: each run fills two maps in a row. The first is not counted, since the system may have to
//! find memory for it; it is then updated and emptied. The second is the load that counts, and is read, closed and reopened.

use std::{borrow::Cow, path::Path};

use anyhow::{Context, Result, ensure};
use diskmap_benches::{
    keys::{Key, Keys},
    machine::{bytes_on_disk, timed_ms},
};

use super::{BATCH, Task, check, expected, fill, first, hits, lost, remove_dir, store};
use crate::{
    engine::{About, Engine, Kind, Read, Write},
    figure::{tell, tell_lack, tell_pace},
    pace::{Pace, paced},
    pair::{Pair, seed},
};

/// Keys of one call of `get_many`.
const SLICE: usize = 1024;
/// Keys that are looked at again after they were changed.
const LOOK_AGAIN: usize = 100_000;

pub(super) fn run<P: Pair, E: Engine<P>>(task: &Task, about: &About) -> Result<()> {
    let keys = P::keys(task.entries)?;
    for _ in 0..task.runs {
        change::<P, E>(task, about, &keys)?;
        read::<P, E>(task, about, &keys)?;
    }
    Ok(())
}

/// Fills a map that does not count, overwrites its values and removes its keys.
fn change<P: Pair, E: Engine<P>>(task: &Task, about: &About, keys: &Keys<P::Key>) -> Result<()> {
    let dir = task.dir.join("first");
    let mut engine = E::open(&dir)?;
    let filled = fill::<P, E>(&mut engine, &keys.stored, task.load_cap())?;
    let keys = loaded(keys, filled);

    let pace = store::<P, E>(&mut engine, &keys.shuffled, 1, task.cap())?;
    tell_pace("update", pace);
    let again = &keys.shuffled[..pace.done.min(LOOK_AGAIN)];
    engine.read(|reader| hits::<P>(reader, again, 1, task.cap()))?;

    if let Some(reason) = about.lack("remove") {
        tell_lack("remove", reason);
    } else {
        let pace = remove::<P, E>(task, &mut engine, &keys.shuffled)?;
        tell_pace("remove", pace);
        let again = &keys.shuffled[..pace.done.min(LOOK_AGAIN)];
        engine.read(|reader| misses::<P>(task, reader, again))?;
    }
    drop(engine);
    remove_dir(&dir)
}

#[inline(never)]
fn remove<P: Pair, E: Engine<P>>(task: &Task, engine: &mut E, keys: &[P::Key]) -> Result<Pace> {
    paced(keys.len(), BATCH, task.cap(), |part| {
        let count = part.len();
        let removed = engine.write(|writer| {
            keys[part].iter().try_fold(0, |removed, &key| Ok(removed + usize::from(writer.remove(key)?)))
        })?;
        ensure!(removed == count, "{removed} of {count} keys were there to be removed");
        Ok(())
    })
}

/// Fills the map that counts, reads, closes and reopens it.
fn read<P: Pair, E: Engine<P>>(task: &Task, about: &About, keys: &Keys<P::Key>) -> Result<()> {
    let dir = task.dir.join("second");
    let mut engine = E::open(&dir)?;
    let filled = fill::<P, E>(&mut engine, &keys.stored, task.load_cap())?;
    tell_pace("load", filled);
    let keys = loaded(keys, filled);

    engine.read(|reader| {
        tell_pace("hit", hits::<P>(reader, &keys.shuffled, 0, task.cap())?);
        if about.ours() {
            tell_pace("get_many", batches::<P>(task, reader, &keys.shuffled)?);
        }
        tell_pace("miss", misses::<P>(task, reader, &keys.missing)?);
        tell_pace("dependent", chain::<P>(task, reader, &keys)?);
        Ok(())
    })?;
    if let Some(reason) = about.lack("iterate") {
        tell_lack("iterate", reason);
    } else {
        tell_pace("iterate", iterate::<P, E>(task, &engine, &keys)?);
    }
    if about.kind == Kind::Disk {
        let (closing, ()) = timed_ms(|| engine.close())?;
        tell("close", "ms", closing, 1, false);
        tell("on-disk", "bytes", bytes_on_disk(&dir)? as f64 / filled.done as f64, filled.done, filled.capped);
        if let Some(reason) = about.lack("reopen") {
            tell_lack("reopen", reason);
        } else {
            reopen::<P, E>(task, &dir, &keys, filled)?;
        }
    }
    remove_dir(&dir)
}

/// Opens what was closed, and gets a key.
fn reopen<P: Pair, E: Engine<P>>(task: &Task, dir: &Path, keys: &Keys<P::Key>, filled: Pace) -> Result<()> {
    let key = *keys.shuffled.first().context("no keys")?;
    let (opening, engine) = timed_ms(|| {
        let engine = E::open(dir)?;
        check(engine.read(|reader| reader.get(key)?.with_context(lost))?, P::digest(seed(key, 0)))?;
        Ok(engine)
    })?;
    tell("reopen", "ms", opening, filled.done, filled.capped);
    let again = &keys.shuffled[..keys.shuffled.len().min(LOOK_AGAIN)];
    engine.read(|reader| hits::<P>(reader, again, 0, task.cap()))?;
    Ok(())
}

#[inline(never)]
fn misses<P: Pair>(task: &Task, reader: &impl Read<P>, keys: &[P::Key]) -> Result<Pace> {
    let mut found = 0;
    let pace = paced(keys.len(), BATCH, task.cap(), |part| {
        for &key in &keys[part] {
            found += u64::from(reader.get(key)?.is_some());
        }
        Ok(())
    })?;
    ensure!(found == 0, "{found} keys were found that are not stored");
    Ok(pace)
}

#[inline(never)]
fn batches<P: Pair>(task: &Task, reader: &impl Read<P>, keys: &[P::Key]) -> Result<Pace> {
    let mut sum = 0u64;
    let pace = paced(keys.len(), BATCH, task.cap(), |part| {
        for slice in keys[part].chunks(SLICE) {
            sum = sum.wrapping_add(reader.get_many(slice)?);
        }
        Ok(())
    })?;
    check(sum, expected::<P>(&keys[..pace.done], 0))?;
    Ok(pace)
}

/// Each look-up needs the value that the last one found.
#[inline(never)]
fn chain<P: Pair>(task: &Task, reader: &impl Read<P>, keys: &Keys<P::Key>) -> Result<Pace> {
    let begin = *keys.shuffled.first().context("no keys")?;
    let mut key = begin;
    let pace = paced(keys.shuffled.len().div_ceil(4), BATCH, task.cap(), |part| {
        for step in part {
            let Some(digest) = reader.get(key)? else { return Err(lost()) };
            key = keys.next(digest, step);
        }
        Ok(())
    })?;
    let end = (0..pace.done).fold(begin, |key, step| keys.next(P::digest(seed(key, 0)), step));
    ensure!(end.bytes() == key.bytes(), "the chain of look-ups ended at another key");
    Ok(pace)
}

#[inline(never)]
fn iterate<P: Pair, E: Engine<P>>(task: &Task, engine: &E, keys: &Keys<P::Key>) -> Result<Pace> {
    let (start, limit) = (std::time::Instant::now(), task.cap());
    let (mut met, mut sum) = (0, 0u64);
    engine.read(|reader| {
        reader.iterate(|digest| {
            met += 1;
            sum = sum.wrapping_add(digest);
            met % BATCH != 0 || start.elapsed() < limit
        })
    })?;
    let pace = Pace { done: met, took: start.elapsed(), capped: met < keys.stored.len() };
    if pace.capped {
        ensure!(start.elapsed() >= limit, "only {met} of {} entries were met", keys.stored.len());
    } else {
        ensure!(met == keys.stored.len(), "{met} entries were met, not {}", keys.stored.len());
        check(sum, expected::<P>(&keys.stored, 0))?;
    }
    Ok(pace)
}

fn loaded<'k, Q: Key>(keys: &'k Keys<Q>, filled: Pace) -> Cow<'k, Keys<Q>> {
    if filled.capped { Cow::Owned(first(keys, filled.done)) } else { Cow::Borrowed(keys) }
}
