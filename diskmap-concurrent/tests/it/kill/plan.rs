//! What a thread of a child does, as it follows from a seed, and what its keys must then hold.

use std::collections::HashMap;

use fastrand::Rng;

/// A key counted up by all threads of a child.
pub(super) const COUNTER: u64 = u64::MAX;
/// Keys of a thread. They follow each other.
pub(super) const KEYS: u64 = 3_000;

#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Insert(u64, u64),
    Update(u64, u64),
    Upsert(u64, u64),
    Remove(u64),
    Count,
    Checkpoint,
    Snapshot,
}

/// The operations of one thread: all follows from the seed.
pub(super) struct Plan {
    rng: Rng,
    first: u64,
    keys: u64,
    removes: u32,
    checkpoints: bool,
}

impl Plan {
    pub(super) fn new(seed: u64, thread: u64) -> Plan {
        let mut rng = Rng::with_seed(seed ^ (thread + 1) << 56);
        let keys = [50, 500, KEYS][rng.usize(..3)];
        let removes = [50, 250, 450][rng.usize(..3)];
        Plan { keys, removes, checkpoints: rng.bool(), first: thread * KEYS, rng }
    }
}

impl Iterator for Plan {
    type Item = Op;

    fn next(&mut self) -> Option<Op> {
        let (key, value) = (self.first + self.rng.u64(..self.keys), self.rng.u64(..));
        match self.rng.u32(..1_000) {
            0 if self.checkpoints => return Some(Op::Checkpoint),
            1 => return Some(Op::Snapshot),
            2..52 => return Some(Op::Count),
            _ => {}
        }
        Some(match self.rng.u32(..1_000) {
            n if n < self.removes => Op::Remove(key),
            n if n % 8 == 0 => Op::Upsert(key, value),
            n if n % 8 < 3 => Op::Update(key, value),
            _ => Op::Insert(key, value),
        })
    }
}

/// The keys of one thread, and how often it has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) entries: HashMap<u64, u64>,
    pub(super) counts: u64,
}

impl State {
    pub(super) fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(key, value) | Op::Upsert(key, value) => drop(self.entries.insert(key, value)),
            Op::Update(key, value) => {
                self.entries.entry(key).and_modify(|old| *old = value);
            }
            Op::Remove(key) => drop(self.entries.remove(&key)),
            Op::Count => self.counts += 1,
            Op::Checkpoint | Op::Snapshot => {}
        }
    }
}
