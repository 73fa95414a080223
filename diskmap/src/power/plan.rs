//! What a walk does: its operations, and how often each.
//!
//! Must not know how an operation is done. Invariant: everything is drawn from the walk's own random numbers.

use fastrand::Rng;

use super::{kinds::Kind, model::Change};

/// Something a walk does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Change(Change),
    Reserve(u64),
    Shrink,
    Checkpoint,
    /// Gives space back; ends early at such a call of the callback.
    Compact(Option<u32>),
    /// Takes a snapshot.
    Hold,
    /// Lets go of one.
    LetGo,
    /// Begins a checkpoint in another thread.
    Begin,
    /// Lets it take one more step.
    Advance,
    /// Closes the map and opens it.
    Close,
    /// Ends the process, as far as the files can tell, and opens the map.
    Kill,
    /// Cuts the power and opens the map.
    Cut,
}

/// Who writes to the map of a walk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Writers {
    /// One.
    One,
    /// `2^depth` of them.
    Several(u32),
    /// One, four or eight, each time the map is opened.
    Any,
}

/// What the operations of a walk are chosen from.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Numbers below this.
    keys: u32,
    /// Usual lengths of values.
    lens: Vec<u32>,
    /// Changes at most between two looks.
    pub burst: usize,
    pub writers: Writers,
}

impl Writers {
    /// For how many bits of depth a map is shared that is opened now.
    pub(super) fn depth(self, rng: &mut Rng) -> Option<u32> {
        match self {
            Writers::One => None,
            Writers::Several(depth) => Some(depth),
            Writers::Any => [None, Some(2), Some(2), Some(3)][rng.usize(..4)],
        }
    }
}

impl Plan {
    /// A plan of any size: few keys use space again and again, many split segments.
    pub(super) fn new<T: Kind>(rng: &mut Rng) -> Plan {
        let keys = [12, 60, 300, 300, 1000, 7000][rng.usize(..6)];
        // Large cells are used again soon: a block has few.
        let most = [30_000, 3000, 100][usize::from(keys > 60) + usize::from(keys > 300)];
        let short: Vec<u32> = T::LENS.iter().copied().filter(|&len| len <= most).collect();
        let lens = (0..4).map(|_| short[rng.usize(..short.len())]).collect();
        Plan { keys, lens, burst: 1 + keys as usize / [4, 10, 30][rng.usize(..3)], writers: Writers::One }
    }

    /// Few keys; where lengths differ, with large values.
    pub(super) fn small<T: Kind>() -> Plan {
        let lens: Vec<u32> = T::LENS.iter().copied().filter(|&len| len <= 15_000).rev().take(4).collect();
        Plan { keys: 150 / lens.len() as u32, lens, burst: 1, writers: Writers::One }
    }

    /// Many keys with short values, so that compaction tells often how far it has come.
    pub(super) fn many<T: Kind>() -> Plan {
        let lens = T::LENS.iter().copied().filter(|&len| len <= 100).collect();
        Plan { keys: 4000, lens, burst: 1, writers: Writers::One }
    }

    /// The same for a map that others write to.
    pub(super) fn of(self, writers: Writers) -> Plan {
        Plan { writers, ..self }
    }

    /// Any operation.
    pub(super) fn op<T: Kind>(&self, rng: &mut Rng) -> Op {
        match rng.u32(..100) {
            0..59 => Op::Change(self.change::<T>(rng)),
            59 => Op::Change(Change::Clear),
            60..62 => Op::Reserve(rng.u64(..u64::from(self.keys) * 2)),
            62..64 => Op::Shrink,
            64..67 => Op::Compact(rng.bool().then(|| rng.u32(1..8))),
            67..72 => Op::Hold,
            72..75 => Op::LetGo,
            75..81 => Op::Checkpoint,
            81..90 => Op::Begin,
            90..93 => Op::Close,
            93..97 => Op::Kill,
            _ => Op::Cut,
        }
    }

    /// An insertion or a removal.
    pub(super) fn change<T: Kind>(&self, rng: &mut Rng) -> Change {
        let number = rng.u32(..self.keys);
        match rng.u32(..10) {
            0..7 => Change::Insert(number, self.version::<T>(rng)),
            _ => Change::Remove(number),
        }
    }

    fn version<T: Kind>(&self, rng: &mut Rng) -> u64 {
        let len = match rng.u32(..40) {
            0 => T::LENS[rng.usize(..T::LENS.len())],
            _ => self.lens[rng.usize(..self.lens.len())],
        };
        u64::from(len) << 32 | u64::from(rng.u32(..))
    }
}
