//! Every step that is asked of the medium fails once, and the disk is full from every step on.
//!
//! Must not know which steps there are: they are counted. Invariant: what returned `Ok` is there; what did not says why; and
//! after a sync that failed nothing is called durable.

use std::sync::Arc;

use fastrand::Rng;

use super::{
    image::Image,
    kinds::{Kind, Numbers, Texts},
    medium::Flaw,
    memory_dir,
    model::{Belief, Change, Check},
    plan::{Op, Plan, Writers},
    simulator::{Fault, Run},
    walk::Walk,
};
use crate::error::Error;

/// What is done; longer values make files grow.
fn workload() -> Vec<Op> {
    let insert = |numbers: std::ops::Range<u32>, len: u64| {
        numbers.map(move |number| Op::Change(Change::Insert(number, len << 32 | u64::from(number))))
    };
    let mut ops: Vec<Op> = insert(0..30, 20).collect();
    ops.extend([Op::Hold, Op::Checkpoint]);
    ops.extend(insert(10..60, 400));
    ops.push(Op::Change(Change::Insert(5, 200_000 << 32)));
    ops.extend((0..20).map(|number| Op::Change(Change::Remove(number))));
    ops.extend([Op::Checkpoint, Op::LetGo, Op::Reserve(9000), Op::Hold, Op::Change(Change::Clear)]);
    ops.extend(insert(0..20, 100));
    ops.push(Op::Close);
    ops.extend(insert(0..40, 180));
    ops.extend([Op::Hold, Op::Shrink]);
    ops.extend(insert(20..90, 3000));
    ops.push(Op::Checkpoint);
    ops.extend((0..90).filter(|number| number % 8 > 0).map(|number| Op::Change(Change::Remove(number))));
    ops.extend([Op::Compact(None), Op::Change(Change::Remove(8)), Op::Close, Op::Change(Change::Remove(16))]);
    ops
}

/// One run; whether it came to the step that fails.
fn run<T: Kind>(fault: Fault, writers: Writers) -> Result<bool, String> {
    let root = memory_dir();
    // Where it comes down to the random numbers which steps there are, they are the same each time.
    let mut rng = Rng::with_seed(if let Writers::One = writers { fault.at.unwrap_or(0) } else { 0 });
    let run = Arc::new(Run::new(root.path(), Flaw::None, Plan::small::<T>().of(writers), false));
    let image = Image { dir: run.place(), boot: 1, belief: Belief::nothing() };
    std::fs::create_dir(&image.dir).expect("a directory");
    let mut walk = Walk::<T>::closed(&run, image, Some(0), &mut rng);
    {
        let mut state = walk.sim().state();
        (state.fault, state.quiet) = (fault, true);
    }
    open(&mut walk)?;
    for op in workload() {
        let done = if let Op::Close = op { walk.close()? } else { walk.attempt(op)? };
        if let Err(error) = done {
            failed(&mut walk, op, &error)?;
        }
        if !walk.is_open() {
            open(&mut walk)?;
        }
    }
    let struck = walk.sim().state().fault.kind.is_some();
    walk.compare()?;
    walk.verify()?;
    walk.drop_map()?;
    open(&mut walk)?;
    walk.compare()?;
    if !struck {
        looks(&walk)?;
    }
    walk.end();
    Ok(struck)
}

/// Opens the map; at the second attempt if need be.
fn open<T: Kind>(walk: &mut Walk<T>) -> Check {
    if let Err(error) = walk.try_open()? {
        explained(walk, &error)?;
        looks(walk)?;
        walk.sim().state().fault.end();
        walk.open_again()?;
    }
    Ok(())
}

/// An operation failed: the map has what it had, says so after every open, and is durable only as far as it was.
fn failed<T: Kind>(walk: &mut Walk<T>, op: Op, error: &Error) -> Check {
    explained(walk, error)?;
    looks(walk)?;
    let kind = walk.sim().state().fault.kind;
    walk.sim().state().fault.end();
    if !walk.is_open() {
        return Ok(());
    }
    walk.compare()?;
    let synced = matches!(kind, Some("sync" | "sync of a directory"));
    let again = Op::Change(Change::Insert(0, 7));
    let poisoned = match walk.attempt(again)? {
        Err(Error::Poisoned { cause }) if !cause.is_empty() => true,
        Err(other) => return Err(format!("after {op:?} failed with {error}, {other}")),
        Ok(()) => false,
    };
    // A manifest that there is no room for was nothing yet.
    if synced && !poisoned && !matches!(error, Error::OutOfSpace { .. }) {
        return Err(format!("a sync failed in {op:?}, and the map goes on"));
    }
    if poisoned {
        if !matches!(walk.attempt(Op::Checkpoint)?, Err(Error::Poisoned { .. })) {
            return Err("a poisoned map made a checkpoint".into());
        }
        walk.compare()?;
        looks(walk)?;
        walk.drop_map()?;
    }
    looks(walk)
}

fn explained<T: Kind>(walk: &Walk<T>, error: &Error) -> Check {
    let Fault { kind, code, .. } = walk.sim().state().fault;
    let expected = match error {
        Error::Io { source, .. } | Error::OutOfSpace { source, .. } => source.raw_os_error() == Some(code),
        Error::Poisoned { .. } => true,
        _ => false,
    };
    if kind.is_some() && expected { Ok(()) } else { Err(format!("after a failed {kind:?}: {error:?}")) }
}

fn looks<T: Kind>(walk: &Walk<T>) -> Check {
    for _ in 0..3 {
        walk.sim().look("an error");
    }
    walk.sim().verdict()
}

fn every_step_fails<T: Kind>(code: i32, lasting: bool, writers: Writers) {
    let mut at = 0;
    loop {
        let fault = Fault { at: Some(at), code, lasting, ..Fault::default() };
        let struck = run::<T>(fault, writers)
            .unwrap_or_else(|wrong| panic!("{}, {writers:?}: step {at}, error {code}: {wrong}", T::NAME));
        if !struck {
            break;
        }
        at += 1;
    }
    println!("{}, {writers:?}: {at} steps", T::NAME);
    assert!(at > 60, "{at} steps");
}

#[test]
fn every_step_fails_once() {
    every_step_fails::<Numbers>(libc::EIO, false, Writers::One);
    every_step_fails::<Texts>(libc::EIO, false, Writers::One);
}

#[test]
fn the_disk_is_full_from_every_step_on() {
    every_step_fails::<Numbers>(libc::ENOSPC, true, Writers::One);
    every_step_fails::<Texts>(libc::ENOSPC, true, Writers::One);
}

#[test]
fn every_step_of_several_writers_fails_once() {
    every_step_fails::<Numbers>(libc::EIO, false, Writers::Several(2));
    every_step_fails::<Texts>(libc::EIO, false, Writers::Several(2));
}

#[test]
fn the_disk_of_several_writers_is_full_from_every_step_on() {
    every_step_fails::<Numbers>(libc::ENOSPC, true, Writers::Several(2));
    every_step_fails::<Texts>(libc::ENOSPC, true, Writers::Several(2));
}
