//! What the children do, and what must be found afterwards.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use fastrand::Rng;

use super::kinds::{Kind, Texts};
use crate::{
    DiskHashMap, DiskValue, Encode, Error, Invalid, MMapFile, OpenOptions, Result, Schema, Shape, Snapshot,
    codec::Versions, power::handle::Handle,
};

pub(super) type Map<T> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, MMapFile, <T as Kind>::Hasher>;
/// The same, open for writing.
pub(super) type Open<T> = Handle<<T as Kind>::K, <T as Kind>::V, <T as Kind>::Hasher>;
type Held<T> = Snapshot<<T as Kind>::K, <T as Kind>::V, MMapFile, <T as Kind>::Hasher>;
pub(super) type State = BTreeMap<u64, u64>;

/// An operation; the numbers are a key's and a value's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Create,
    Insert(u64, u64),
    Update(u64, u64),
    Remove(u64),
    Clear,
    Checkpoint,
    Shrink,
    /// After a checkpoint, so that the ones it makes are of the same state.
    Compact,
    /// Takes a snapshot.
    Hold,
    /// Lets go of all.
    LetGo,
    /// Closes the map and opens it again.
    Close,
    /// Leaves it as a kill does, and opens it again.
    Leave,
    /// Leaves it, and opens it after a reboot.
    Reboot,
}

/// All that a child does, in an order in which every step of the engine comes up.
pub(super) fn plan<T: Kind>() -> Vec<Op> {
    let (many, some) = (T::MANY, T::MANY / 5);
    let mut seed = 100;
    let mut next = || {
        seed += 1;
        seed
    };
    let mut ops = vec![Op::Create];
    let mut insert = |ops: &mut Vec<Op>, keys: std::ops::Range<u64>| {
        ops.extend(keys.map(|key| Op::Insert(key, next())));
    };
    insert(&mut ops, 0..some);
    ops.extend([Op::Checkpoint, Op::Insert(1, 11), Op::Remove(2), Op::Update(3, 37), Op::Reboot]);
    insert(&mut ops, some..many);
    ops.push(Op::Hold);
    ops.extend((0..many).step_by(3).map(|key| Op::Update(key, 5 * key)));
    ops.extend([Op::Checkpoint, Op::Hold]);
    ops.extend((0..many).step_by(7).map(|key| Op::Update(key, 37 * key)));
    ops.extend([Op::LetGo, Op::Leave]);
    ops.extend((0..many).step_by(5).map(Op::Remove));
    ops.push(Op::Close);
    insert(&mut ops, many..many + 20);
    ops.extend([Op::Reboot, Op::Hold]);
    ops.extend((0..many).filter(|key| key % 16 != 0).map(Op::Remove));
    ops.extend([Op::Checkpoint, Op::Compact, Op::LetGo, Op::Compact, Op::Shrink]);
    insert(&mut ops, 0..20);
    ops.push(Op::Clear);
    insert(&mut ops, 0..some);
    ops.push(Op::Close);
    ops
}

/// The same beside checkpoints that nobody asks for: what is durable follows from a reboot, so there is none.
pub(super) fn plan_of_automatic<T: Kind>() -> Vec<Op> {
    let quiet = |op: Op| match op {
        Op::Reboot => Some(Op::Leave),
        Op::Shrink | Op::Compact => None,
        op => Some(op),
    };
    plan::<T>().into_iter().filter_map(quiet).collect()
}

/// Checkpoints that a plan asks for, at most: a close may make two.
pub(super) fn asked_for(ops: &[Op]) -> u64 {
    let of = |op: &Op| match op {
        Op::Checkpoint => 1,
        Op::Close => 2,
        _ => 0,
    };
    ops.iter().map(of).sum()
}

pub(super) fn options<T: Kind>(boot: u8) -> OpenOptions<T::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(T::Hasher::default()).boot_id([boot; 16])
}

/// A child at work.
struct Work<'d, T: Kind> {
    dir: &'d Path,
    held: Vec<Held<T>>,
    boot: u8,
    /// When checkpoints are made that nobody asks for.
    automatic: Option<Duration>,
    /// For how many bits of depth the map is shared, if it is.
    depth: Option<u32>,
}

/// The child's part; `done` is called with the number of operations that returned.
pub(super) fn work<T: Kind>(dir: &Path, done: impl FnMut(u64)) -> Result<()> {
    run::<T>(plan::<T>(), Work { dir, held: Vec::new(), boot: 0, automatic: None, depth: None }, done)
}

/// The same with several writers.
pub(super) fn work_of_several<T: Kind>(dir: &Path, depth: u32, done: impl FnMut(u64)) -> Result<()> {
    run::<T>(plan::<T>(), Work { dir, held: Vec::new(), boot: 0, automatic: None, depth: Some(depth) }, done)
}

/// The same with automatic checkpoints.
pub(super) fn work_beside_automatic<T: Kind>(dir: &Path, mut done: impl FnMut(u64)) -> Result<()> {
    let work = Work { dir, held: Vec::new(), boot: 0, automatic: Some(Duration::from_millis(1)), depth: None };
    run::<T>(plan_of_automatic::<T>(), work, |number| {
        done(number);
        std::thread::sleep(Duration::from_micros(50));
    })
}

fn run<T: Kind>(ops: Vec<Op>, mut work: Work<'_, T>, mut done: impl FnMut(u64)) -> Result<()> {
    let mut map = None;
    for (number, op) in (1..).zip(ops) {
        map = Some(work.apply(map, op)?);
        done(number);
    }
    Ok(())
}

impl<T: Kind> Work<'_, T> {
    fn open(&self, new: bool) -> Result<Open<T>> {
        let map = options::<T>(self.boot).auto_checkpoint(self.automatic).create_new(new).open(self.dir)?;
        Handle::new(map, self.depth, Rng::with_seed(0))
    }

    fn apply(&mut self, map: Option<Open<T>>, op: Op) -> Result<Open<T>> {
        let Some(mut map) = map else { return self.open(true) };
        match op {
            Op::Create => {}
            Op::Insert(key, seed) => map.insert(&T::key(key), &T::value(seed))?,
            Op::Update(key, seed) => map.update(&T::key(key), T::value(seed))?,
            Op::Remove(key) => map.remove::<_, T::Value>(&T::key(key))?,
            Op::Clear => map.whole(|map| map.clear())?,
            Op::Checkpoint => map.checkpoint()?,
            Op::Shrink => map.whole(|map| map.shrink_to_fit())?,
            Op::Compact => drop(map.whole(|map| map.compact())?),
            Op::Hold => self.held.push(map.snapshot()),
            Op::LetGo => self.held.clear(),
            Op::Close => {
                map.close()?;
                return self.open(false);
            }
            Op::Leave => {
                drop(map);
                return self.open(false);
            }
            Op::Reboot => {
                drop(map);
                self.boot += 1;
                return self.open(false);
            }
        }
        Ok(map)
    }
}

/// What a map should hold.
#[derive(Clone, Default)]
struct Oracle {
    live: State,
    durable: State,
    boot: u8,
}

impl Oracle {
    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(key, seed) => drop(self.live.insert(key, seed)),
            Op::Update(key, seed) => drop(self.live.get_mut(&key).map(|value| *value = seed)),
            Op::Remove(key) => drop(self.live.remove(&key)),
            Op::Clear => self.live.clear(),
            Op::Checkpoint | Op::Shrink | Op::Close => self.durable = self.live.clone(),
            Op::Reboot => {
                self.live = self.durable.clone();
                self.boot += 1;
            }
            Op::Create | Op::Compact | Op::Hold | Op::LetGo | Op::Leave => {}
        }
    }
}

/// What a killed child has left: as it is, and as a copy, which is what a power cut would have left.
pub(super) fn check<T: Kind>(root: &Path) {
    check_after::<T>(root, &plan::<T>(), false, None);
}

/// The same where any moment since the last checkpoint may be durable.
pub(super) fn check_beside_automatic<T: Kind>(root: &Path) {
    check_after::<T>(root, &plan_of_automatic::<T>(), true, None);
}

/// The same of any operations; the map is then shared, if a depth is given.
pub(super) fn check_after<T: Kind>(root: &Path, ops: &[Op], automatic: bool, depth: Option<u32>) {
    let shared = |map| Handle::new(map, depth, Rng::with_seed(1)).expect("shared");
    let dir = root.join("map");
    let count = read_count(root);
    let mut before = Oracle::default();
    let mut moments = vec![State::new()];
    for &op in ops.iter().take(count) {
        before.apply(op);
        if matches!(op, Op::Checkpoint | Op::Close) {
            moments.clear();
        }
        moments.push(before.live.clone());
    }
    let mut after = before.clone();
    let under_way = ops.get(count);
    under_way.iter().for_each(|&&op| after.apply(op));
    if matches!(under_way, Some(Op::Create)) && !dir.join("MAP").exists() {
        assert!(
            matches!(options::<T>(0).open::<T::K, T::V>(&dir), Err(Error::NotFound { .. })),
            "leftovers are no map"
        );
        let map: Map<T> = options::<T>(0).create_new(true).open(&dir).expect("a map in the place of leftovers");
        goes_on::<T>(shared(map), State::new(), &dir, 0);
        return;
    }
    let copy = copy(root);
    // In the middle of a reboot the boot before it has ended.
    let boot = after.boot;
    if before.boot != boot {
        before.live = before.durable.clone();
    }
    let reader: Map<T> = options::<T>(boot).read_only(true).open(&dir).expect("a killed map, read-only");
    let found = one_of::<T>(&reader, &[&before.live, &after.live]);
    drop(reader);
    let map: Map<T> = options::<T>(boot).open(&dir).expect("a killed map");
    assert!(found == one_of::<T>(&map, &[&found]));
    goes_on::<T>(shared(map), found, &dir, boot);
    let map: Map<T> = options::<T>(boot).open(&copy).expect("a copied map");
    moments.push(after.live);
    let durable: Vec<&State> = if automatic { moments.iter().collect() } else { vec![&before.durable, &after.durable] };
    let found = one_of::<T>(&map, &durable);
    goes_on::<T>(shared(map), found, &copy, boot);
}

/// Copies the map of a child that was killed.
pub(super) fn copy(root: &Path) -> PathBuf {
    let copy = root.join("copy");
    fs::create_dir_all(&copy).expect("a directory");
    for entry in fs::read_dir(root.join("map")).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
    }
    copy
}

/// Opens what a killed child has left, under the boot it was in.
pub(super) fn open_again<T: Kind>(root: &Path, ops: &[Op], depth: Option<u32>) -> Result<()> {
    let reboots = |op: &&Op| matches!(op, Op::Reboot);
    let boot = ops.iter().take(read_count(root) + 1).filter(reboots).count();
    let map: Map<T> = options::<T>(boot as u8).open(root.join("map"))?;
    Handle::new(map, depth, Rng::with_seed(0)).map(drop)
}

pub(super) fn read_count(root: &Path) -> usize {
    let text = fs::read(root.join("done")).unwrap_or_default();
    text.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize)
}

/// Which of some states a map is in; it must be one of them, and without fault.
pub(super) fn one_of<T: Kind>(map: &Map<T>, states: &[&State]) -> State {
    let report = map.verify().expect("verified");
    // One of the writers wrote at a time.
    assert!(report.is_sound() && report.leaked_cells <= 1 && report.leaked_segments == 0, "{report}");
    assert_eq!(map.iter().filter(|entry| entry.is_ok()).count() as u64, map.len());
    let has = |key: u64, seed: u64| {
        let found = map.get(&T::key(key)).expect("a key that can be looked up");
        found.is_some_and(|view| T::is(view, seed))
    };
    let is = |state: &&&State| map.len() == state.len() as u64 && state.iter().all(|(&key, &seed)| has(key, seed));
    let found = states.iter().find(is);
    let lens: Vec<usize> = states.iter().map(|state| state.len()).collect();
    found.map(|&state| state.clone()).unwrap_or_else(|| panic!("{} entries are no state of {lens:?}", map.len()))
}

/// What is free in a map is really free: it is written to, and opened once more.
pub(super) fn goes_on<T: Kind>(mut map: Open<T>, mut state: State, dir: &Path, boot: u8) {
    for key in 0..30 {
        map.insert(&T::key(key), &T::value(key + 7)).expect("inserted");
        state.insert(key, key + 7);
        map.remove::<_, T::Value>(&T::key(key + 40)).expect("removed");
        state.remove(&(key + 40));
    }
    map.whole(|map| Ok(one_of::<T>(map, &[&state]))).expect("looked at");
    map.close().expect("closed");
    let map: Map<T> = options::<T>(boot).open(dir).expect("a closed map");
    one_of::<T>(&map, &[&state]);
}

pub(super) const ENTRIES: u64 = 70;

/// `u32`, as an earlier version.
pub(super) enum Small {}
/// `u64`, as what became of it; a map of it has the files of the old one, in other sizes.
pub(super) enum Large {}

macro_rules! named {
    ($name:ident, $version:literal, $inner:ty, [$($earlier:ty)?]) => {
        #[expect(unsafe_code, reason = "a codec of a test's own")]
        // SAFETY: all of it is the other codec's.
        unsafe impl DiskValue for $name {
            type View<'a> = <$inner as DiskValue>::View<'a>;
            const SHAPE: Shape = <$inner as DiskValue>::SHAPE;
            const SCHEMA: Schema = Schema::named("t.Count", $version, const { &<$inner as DiskValue>::SCHEMA });

            fn validate(bytes: &[u8]) -> std::result::Result<(), Invalid> {
                <$inner>::validate(bytes)
            }

            unsafe fn view<'a>(bytes: &'a [u8]) -> Self::View<'a> {
                // SAFETY: the caller's promise.
                unsafe { <$inner>::view(bytes) }
            }

            fn versions<W: Versions<Self>>(versions: &mut W) {
                let _ = &versions;
                $(versions.version::<$earlier>(false);)?
            }
        }
    };
}

named!(Small, 1, str, []);
named!(Large, 2, u64, [Small]);

impl Encode<str> for Small {
    fn encoded_len(text: &str) -> Result<usize> {
        str::encoded_len(text)
    }

    fn encode_into(text: &str, out: &mut [u8]) -> Result<usize> {
        str::encode_into(text, out)
    }
}

impl Encode<&str> for Large {
    fn encoded_len(_: &&str) -> Result<usize> {
        Ok(8)
    }

    fn encode_into(text: &&str, out: &mut [u8]) -> Result<usize> {
        u64::encode_into(&(text.len() as u64), out)
    }
}

/// A closed map of texts; what it becomes has no heap.
pub(super) fn prepare_migration(root: &Path) {
    let mut map: DiskHashMap<u64, Small> = DiskHashMap::new_in(root.join("map")).expect("a map");
    for number in 0..ENTRIES {
        map.insert(&number, &*"x".repeat(number as usize)).expect("inserted");
    }
    map.close().expect("closed");
}

pub(super) fn migrate(dir: &Path) -> Result<()> {
    DiskHashMap::<u64, Large>::load_from(dir)?.close()
}

pub(super) fn check_migration(root: &Path) {
    let dir = root.join("map");
    match OpenOptions::new().read_only(true).open::<u64, Small>(&dir) {
        Ok(map) => {
            let whole = (0..ENTRIES).all(|n| map.get(&n).expect("read").map(str::len) == Some(n as usize));
            assert!(whole && map.len() == ENTRIES && map.verify().expect("verified").is_sound());
        }
        Err(Error::Unfinished { .. } | Error::SchemaMismatch { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let map: DiskHashMap<u64, Large> = DiskHashMap::load_from(&dir).expect("migrated");
    assert!(map.len() == ENTRIES && (0..ENTRIES).all(|n| map.get(&n).expect("read") == Some(n)));
    assert!(map.verify().expect("verified").findings().is_empty());
    drop(map);
    let left = fs::read_dir(&dir).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("MAP.")).collect();
    assert!(left.is_empty(), "leftovers {left:?}");
}

fn repaired_from(root: &Path) -> Map<Texts> {
    options::<Texts>(0).read_only(true).open(root.join("old")).expect("the damaged map")
}

pub(super) fn prepare_repair(root: &Path) {
    let mut map: Map<Texts> = options::<Texts>(0).create(true).open(root.join("old")).expect("a map");
    for number in 0..ENTRIES {
        map.insert(&Texts::key(number), &Texts::value(number)).expect("inserted");
    }
    map.close().expect("closed");
}

pub(super) fn repair(root: &Path) -> Result<()> {
    crate::repair::<String, Vec<u8>>(root.join("old"), root.join("map")).map(drop)
}

/// The old map is as it was; the new one is none, or one with some of the entries.
pub(super) fn check_repair(root: &Path) {
    let all: State = (0..ENTRIES).map(|number| (number, number)).collect();
    one_of::<Texts>(&repaired_from(root), &[&all]);
    match DiskHashMap::<String, Vec<u8>>::load_from(root.join("map")) {
        Ok(map) => {
            let report = map.verify().expect("verified");
            assert!(report.is_sound() && report.leaked_cells <= 1, "{report}");
            let taken =
                all.keys().filter_map(|&number| map.get(&Texts::key(number)).expect("read").map(|v| (v, number)));
            let taken: Vec<bool> = taken.map(|(view, number)| Texts::is(view, number)).collect();
            assert!(taken.iter().all(|&right| right) && taken.len() as u64 == map.len());
            assert!(read_count(root) == 0 || map.len() == ENTRIES);
        }
        Err(Error::NotFound { .. }) => assert_eq!(read_count(root), 0),
        Err(error) => panic!("{error}"),
    }
}
