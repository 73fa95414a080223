//! What a child does, as it follows from a seed, and what the map must then be.

use super::*;

#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Insert(u64, u64),
    TryInsert(u64, u64),
    Update(u64, u64),
    Remove(u64),
    Clear,
    Checkpoint,
    Shrink,
    Close,
}

impl Op {
    /// Whether the state after it is durable once it returned.
    pub(super) fn is_durable(self) -> bool {
        matches!(self, Op::Checkpoint | Op::Shrink | Op::Close)
    }
}

/// A round's operations: all follows from the seed.
pub(super) struct Plan {
    pub(super) rng: Rng,
    pub(super) left: u64,
    pub(super) keys: u64,
    /// In 1,000.
    pub(super) removes: u32,
    /// In 100,000.
    pub(super) checkpoints: u32,
    pub(super) closed: bool,
    /// Interval of automatic checkpoints in milliseconds.
    pub(super) auto: Option<u64>,
}

impl Plan {
    pub(super) fn new(seed: u64, slow: bool) -> Plan {
        let mut rng = Rng::with_seed(seed);
        let most = if slow { 3_000 } else { 40_000 };
        let left = if rng.u32(..4) == 0 { rng.u64(..50) } else { rng.u64(..most) };
        let keys = if slow { 6_000 } else { [500, 5_000, 30_000][rng.usize(..3)] };
        let removes = [50, 250, 450, 800][rng.usize(..4)];
        let checkpoints = [0, 30, 300, 2_000][rng.usize(..4)];
        let auto = (rng.u32(..3) == 0).then_some(20);
        Plan { rng, left, keys, removes, checkpoints, closed: false, auto }
    }
}

impl Iterator for Plan {
    type Item = Op;

    fn next(&mut self) -> Option<Op> {
        if self.left == 0 {
            return (!std::mem::replace(&mut self.closed, true)).then_some(Op::Close);
        }
        self.left -= 1;
        let (key, seed) = (self.rng.u64(..self.keys), self.rng.u64(..));
        match self.rng.u32(..100_000) {
            0..4 => return Some(Op::Clear),
            4..14 => return Some(Op::Shrink),
            n if n < 14 + self.checkpoints => return Some(Op::Checkpoint),
            _ => {}
        }
        Some(match self.rng.u32(..1_000) {
            n if n < self.removes => Op::Remove(key),
            n if n % 8 == 0 => Op::Update(key, seed),
            n if n % 8 == 1 => Op::TryInsert(key, seed),
            _ => Op::Insert(key, seed),
        })
    }
}

/// What should be in the map.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) entries: HashMap<u64, u64>,
    /// Of all entries, in any order.
    pub(super) hash: u64,
}

pub(super) fn entry_hash(key: u64, digest: u64) -> u64 {
    xxh3_64_with_seed(&digest.to_le_bytes(), key)
}

impl State {
    pub(super) fn of(entries: HashMap<u64, u64>) -> State {
        let hash = entries.iter().fold(0, |all, (&key, &digest)| all ^ entry_hash(key, digest));
        State { entries, hash }
    }

    pub(super) fn put(&mut self, key: u64, digest: u64) {
        if let Some(old) = self.entries.insert(key, digest) {
            self.hash ^= entry_hash(key, old);
        }
        self.hash ^= entry_hash(key, digest);
    }

    pub(super) fn apply<T: Kind>(&mut self, op: Op) {
        match op {
            Op::Insert(key, seed) => self.put(key, T::digest_of(seed)),
            Op::TryInsert(key, seed) if !self.entries.contains_key(&key) => self.put(key, T::digest_of(seed)),
            Op::Update(key, seed) if self.entries.contains_key(&key) => self.put(key, T::digest_of(seed)),
            Op::Remove(key) => {
                if let Some(old) = self.entries.remove(&key) {
                    self.hash ^= entry_hash(key, old);
                }
            }
            Op::Clear => *self = State::default(),
            _ => {}
        }
    }

    pub(super) fn id(&self) -> (u64, usize) {
        (self.hash, self.entries.len())
    }
}

pub(super) fn apply<T: Kind>(map: &mut Map<T>, op: Op) -> Result<()> {
    match op {
        Op::Insert(key, seed) => map.insert(&T::key(key), &T::value(seed)).map(|_| ()),
        Op::TryInsert(key, seed) => map.try_insert(&T::key(key), &T::value(seed)).map(|_| ()),
        Op::Update(key, seed) => map.update(&T::key(key), |_| T::value(seed)).map(|_| ()),
        Op::Remove(key) => map.remove(&T::key(key)).map(|_| ()),
        Op::Clear => map.clear(),
        Op::Checkpoint => map.checkpoint(),
        Op::Shrink => map.shrink_to_fit(),
        Op::Close => Ok(()),
    }
}

pub(super) fn options<T: Kind>() -> OpenOptions<T::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(T::Hasher::default())
}

/// All of a map, read in two ways.
pub(super) fn dump<T: Kind>(map: &Map<T>, keys: u64) -> State {
    let mut entries = HashMap::new();
    let mut count = 0;
    for item in map.iter() {
        let (key, value) = item.expect("an entry that can be read");
        let number = T::number(key);
        assert_eq!(entries.insert(number, T::digest(value)), None, "key {number} is there twice");
        count += 1;
    }
    assert_eq!(map.len(), count, "the length is the number of entries");
    for number in 0..keys.max(1) {
        let found = map.get(&T::key(number)).expect("a key that can be looked up");
        assert_eq!(found.map(T::digest), entries.get(&number).copied(), "key {number} by lookup and by iteration");
    }
    State::of(entries)
}
