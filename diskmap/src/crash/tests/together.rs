//! Two writers in the middle of a change at the same time, when a kill comes: one waits at a point for ever, the other one
//! dies at one.
//!
//! Must not know what is found of a change that was under way: all of it or nothing. Invariant: only threads that were given
//! a part play it.

use std::{
    cell::Cell,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use fastrand::Rng;

use super::{
    End,
    child::CRASH,
    kinds::{Kind, Wide},
    memory_dir, run,
    several::committed,
    work::{Map, Open, State, copy, goes_on, one_of, options},
};
use crate::{
    Result,
    power::handle::{Handle, Readers, Seat},
};

/// Where a writer's intent record is committed.
const POINTS: [&str; 6] = [
    "move: intent committed",
    "move: new tag on",
    "move: old tag off",
    "replace: intent committed",
    "replace: new live",
    "replace: old free",
];
/// The ranges of the two, of four.
const RANGES: [usize; 2] = [1, 3];
const DEPTH: u32 = 2;
const OPS: usize = 4000;

/// What a thread does at a point.
#[derive(Clone, Copy)]
enum Part {
    Waits(&'static str),
    Dies(&'static str),
}

thread_local! {
    static PART: Cell<Option<Part>> = const { Cell::new(None) };
}

static WAITING: AtomicBool = AtomicBool::new(false);

/// This thread is at a point.
pub(super) fn hit(name: &str) {
    match PART.get() {
        Some(Part::Waits(at)) if at == name => {
            WAITING.store(true, Ordering::SeqCst);
            loop {
                std::thread::park();
            }
        }
        Some(Part::Dies(at)) if at == name => super::die(),
        _ => {}
    }
}

/// The numbers of each range, as a map has them.
fn ranges(map: &Handle<u64, [u64; 7], <Wide as Kind>::Hasher>) -> Result<[Vec<u64>; 2]> {
    let Handle::Several(several) = map else { unreachable!("it is shared") };
    let mut numbers = [Vec::new(), Vec::new()];
    for number in 0..2 * Wide::MANY {
        let range = several.range(&Wide::key(number))?;
        if let Some(at) = RANGES.iter().position(|&other| other == range) {
            numbers[at].push(number);
        }
    }
    Ok(numbers)
}

/// The operation of a thread with this number.
fn op(numbers: &[u64], count: usize) -> (u64, u64) {
    (numbers[count % numbers.len()], 10_000 + count as u64)
}

fn changes(
    mut seat: Seat<'_, u64, [u64; 7], <Wide as Kind>::Hasher>,
    numbers: &[u64],
    done: &File,
    part: Part,
) -> Result<()> {
    PART.set(Some(part));
    for count in 0..OPS {
        let (number, seed) = op(numbers, count);
        seat.change(&Wide::key(number), Some(&Wide::value(seed)), true)?;
        done.write_all_at(&(count as u64 + 1).to_le_bytes(), 0).expect("told");
    }
    Ok(())
}

/// The child's part.
pub(super) fn work(root: &Path) -> Result<()> {
    let parts = std::env::var(CRASH).expect("two points");
    let [waits, dies] = [0, 1].map(|at| {
        let name = parts.split('|').nth(at);
        *POINTS.iter().find(|&&point| Some(point) == name).expect("a point")
    });
    let map: Map<Wide> = options::<Wide>(0).create_new(true).open(root.join("map"))?;
    let mut map: Open<Wide> = Handle::new(map, Some(DEPTH), Rng::with_seed(0))?;
    for number in 0..Wide::MANY {
        map.insert(&Wide::key(number), &Wide::value(number))?;
    }
    map.checkpoint()?;
    let numbers = ranges(&map)?;
    let Handle::Several(several) = &mut map else { unreachable!("it is shared") };
    let mut readers: Vec<Readers> = (0..1 << DEPTH).map(|_| Readers::new(Rng::with_seed(0))).collect();
    let done = [0, 1].map(|at| File::create(root.join(format!("done{at}"))).expect("a file"));
    let mut seats = several.seats(&mut readers);
    let [last, first] = [RANGES[1], RANGES[0]].map(|range| seats.swap_remove(range));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| changes(first, &numbers[0], &done[0], Part::Waits(waits)));
        while !WAITING.load(Ordering::SeqCst) && !waiting.is_finished() {
            std::thread::yield_now();
        }
        changes(last, &numbers[1], &done[1], Part::Dies(dies))
    })
}

fn check(root: &Path) {
    let committed = committed(&root.join("map"));
    assert_eq!(committed, RANGES.map(|range| range as u32), "each writer has a record of its own");
    copy(root);
    let base: State = (0..Wide::MANY).map(|number| (number, number)).collect();
    let map: Map<Wide> = options::<Wide>(0).open(root.join("map")).expect("a killed map");
    let mut map: Open<Wide> = Handle::new(map, Some(DEPTH), Rng::with_seed(1)).expect("shared");
    let numbers = ranges(&map).expect("ranges");
    let returned = [0, 1].map(|at| {
        let bytes = fs::read(root.join(format!("done{at}"))).expect("told");
        bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize)
    });
    let state = |more: [usize; 2]| {
        let mut state = base.clone();
        for at in [0, 1] {
            state.extend((0..returned[at] + more[at]).map(|count| op(&numbers[at], count)));
        }
        state
    };
    let states = [[0, 0], [0, 1], [1, 0], [1, 1]].map(state);
    let states: Vec<&State> = states.iter().collect();
    let found = map.whole(|map| Ok(one_of::<Wide>(map, &states))).expect("looked at");
    goes_on::<Wide>(map, found, &root.join("map"), 0);
    let cut: Map<Wide> = options::<Wide>(0).open(root.join("copy")).expect("a copied map");
    one_of::<Wide>(&cut, &[&base]);
}

#[test]
fn killed_with_two_writers_in_the_middle_of_a_change() {
    for waits in POINTS {
        for dies in POINTS {
            let root = memory_dir();
            let argument = format!("together {}", root.path().display());
            let end = run(root.path(), &argument, &format!("{waits}|{dies}"));
            assert_eq!(end, End::Killed, "one waits at {waits}, the other dies at {dies}");
            println!("one waits at {waits}, the other dies at {dies}");
            check(root.path());
        }
    }
}
