//! A child process works on a map and is killed at a random moment: nothing acknowledged is lost, nothing is half there.
//!
//! The child tells how many operations returned by writing the number to a file; the operations follow from a seed, so the
//! parent knows them too and keeps the oracle. `DISKMAP_SEED` repeats the operations of a run (not the moments of its
//! kills).

use std::{
    collections::HashMap,
    fs::{self, File},
    hash::{BuildHasher, Hasher},
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, Error, MMapFile, OpenOptions, Recovery, Result, StableHasher};
use fastrand::Rng;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const CHILD: &str = "DISKMAP_IT_CHILD";
const NOTES: &str = "DISKMAP_IT_NOTES";
const KILLED: i32 = 9;

/// This test binary once more, to run one test with an argument.
pub(crate) fn respawn(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, argument).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The argument of [`respawn`]; `None` in the process that was not started by it.
pub(crate) fn argument() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// The seed of this run.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = match std::env::var("DISKMAP_SEED") {
        Ok(text) => text.parse().expect("DISKMAP_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("{test}: DISKMAP_SEED={seed}");
    seed
}

/// A directory in memory if there is one, where syncing costs nothing.
pub(crate) fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Copies the files of a directory; the copies have other inodes.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// What the files of a directory hold, `lock` left out.
pub(crate) fn contents(dir: &Path) -> Vec<(String, u64, u64)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_name() != "lock")
        .map(|entry| {
            let bytes = fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes.len() as u64, xxh3_64(&bytes))
        })
        .collect();
    files.sort();
    files
}

/// The cases of a test that runs in a process of its own.
pub(crate) struct Cases {
    notes: File,
    failures: Vec<String>,
    /// How many ran.
    pub count: u64,
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

impl Cases {
    /// Runs a case; a panic in it is noted, and the next case can go on.
    pub(crate) fn run<R>(&mut self, name: impl Fn() -> String, case: impl FnOnce() -> R) -> Option<R> {
        self.count += 1;
        self.note(&name());
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(case)) {
            Ok(result) => Some(result),
            Err(_) => {
                let panic = LAST_PANIC.lock().expect("the last panic").clone();
                let failure = format!("{}: {panic}", name());
                eprintln!("FAILED {failure}");
                self.failures.push(failure);
                assert!(self.failures.len() < 20, "too many failures");
                None
            }
        }
    }

    fn note(&mut self, text: &str) {
        let mut line = [b' '; 240];
        for (to, from) in line.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        self.notes.write_all_at(&line, 0).expect("a note");
    }
}

/// Runs `body` in a process of its own that has `limit` for it, so that a signal or an endless loop is a failure of this
/// test with the name of the case.
pub(crate) fn isolated(test: &str, limit: Duration, body: impl FnOnce(&mut Cases)) {
    if argument().as_deref() == Some(test) {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            *LAST_PANIC.lock().expect("the last panic") = text;
        }));
        let notes = File::options().write(true).open(std::env::var(NOTES).expect("notes")).expect("notes");
        let mut cases = Cases { notes, failures: Vec::new(), count: 0 };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&mut cases)));
        if done.is_err() {
            let failure = LAST_PANIC.lock().expect("the last panic").clone();
            eprintln!("FAILED {failure}");
            cases.failures.push(failure);
        }
        eprintln!("{} cases", cases.count);
        std::process::exit(if cases.failures.is_empty() { 0 } else { 7 });
    }
    assert_eq!(argument(), None, "a child runs its own test only");
    let dir = memory_dir();
    let (notes, output) = (dir.path().join("notes"), dir.path().join("output"));
    File::create(&notes).expect("notes");
    let mut child =
        respawn(test, test).env(NOTES, &notes).stderr(File::create(&output).expect("output")).spawn().expect("a child");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child's state") {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().expect("the child killed");
            child.wait().expect("the child's end");
            panic!("{test} does not end; the last case: {}", fs::read_to_string(&notes).unwrap_or_default().trim());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = fs::read_to_string(&output).unwrap_or_default();
    let last = fs::read_to_string(&notes).unwrap_or_default();
    assert!(status.success(), "{test}: {status}; the last case: {}\n{output}", last.trim());
    println!("{test}: {} in {:?}", output.trim(), start.elapsed());
}

/// A pair of types, and what belongs to a number of them.
trait Kind: 'static {
    const NAME: &'static str;
    /// Each lookup reads many slots.
    const SLOW: bool = false;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    type Hasher: StableHasher + Default + Send + Sync + 'static;

    fn key(number: u64) -> Self::Key;
    fn number(view: <Self::K as DiskValue>::View<'_>) -> u64;
    fn value(seed: u64) -> Self::Value;
    fn digest(view: <Self::V as DiskValue>::View<'_>) -> u64;
    fn digest_of(seed: u64) -> u64;
}

type Map<T> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, MMapFile, <T as Kind>::Hasher>;

struct Numbers;
struct Wide;
struct Names;
struct Texts;
struct Same;

/// The same number for every key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Constant;

pub(crate) struct ConstantState;

impl Hasher for ConstantState {
    fn finish(&self) -> u64 {
        0x0123_4567_89AB_CDEF
    }

    fn write(&mut self, _: &[u8]) {}
}

impl BuildHasher for Constant {
    type Hasher = ConstantState;

    fn build_hasher(&self) -> ConstantState {
        ConstantState
    }
}

impl StableHasher for Constant {
    const ID: &'static str = "test-constant";
}

fn wide(seed: u64) -> [u64; 4] {
    [seed, seed.rotate_left(17) ^ 5, !seed, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)]
}

fn name(number: u64) -> String {
    format!("{}-{number}", "key".repeat(number as usize % 9))
}

fn number_of(name: &str) -> u64 {
    let number = name.rsplit('-').next().and_then(|digits| digits.parse().ok()).expect("a key of this test");
    assert_eq!(self::name(number), name, "a key is whole");
    number
}

/// 0 to 70,000 bytes, short ones mostly.
fn text(seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let most = match rng.u32(..1000) {
        0..700 => 64,
        700..950 => 600,
        950..996 => 8_000,
        _ => 70_000,
    };
    let len = rng.usize(..=most);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend(rng.u64(..).to_le_bytes().map(|byte| b'a' + (byte & 15)));
    }
    bytes.truncate(len);
    String::from_utf8(bytes).expect("letters")
}

impl Kind for Numbers {
    const NAME: &'static str = "numbers";
    type K = u64;
    type V = u64;
    type Key = u64;
    type Value = u64;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> u64 {
        seed
    }

    fn digest(view: u64) -> u64 {
        view
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Wide {
    const NAME: &'static str = "wide";
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> [u64; 4] {
        wide(seed)
    }

    fn digest(view: [u64; 4]) -> u64 {
        assert_eq!(view, wide(view[0]), "a value is whole");
        view[0]
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Names {
    const NAME: &'static str = "names";
    type K = String;
    type V = u64;
    type Key = String;
    type Value = u64;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        name(number)
    }

    fn number(view: &str) -> u64 {
        number_of(view)
    }

    fn value(seed: u64) -> u64 {
        seed
    }

    fn digest(view: u64) -> u64 {
        view
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Texts {
    const NAME: &'static str = "texts";
    type K = String;
    type V = String;
    type Key = String;
    type Value = String;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        name(number)
    }

    fn number(view: &str) -> u64 {
        number_of(view)
    }

    fn value(seed: u64) -> String {
        text(seed)
    }

    fn digest(view: &str) -> u64 {
        xxh3_64(view.as_bytes())
    }

    fn digest_of(seed: u64) -> u64 {
        xxh3_64(text(seed).as_bytes())
    }
}

impl Kind for Same {
    const NAME: &'static str = "same";
    const SLOW: bool = true;
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];
    type Hasher = Constant;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> [u64; 4] {
        wide(seed)
    }

    fn digest(view: [u64; 4]) -> u64 {
        Wide::digest(view)
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
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
    fn is_durable(self) -> bool {
        matches!(self, Op::Checkpoint | Op::Shrink | Op::Close)
    }
}

/// A round's operations: all follows from the seed.
struct Plan {
    rng: Rng,
    left: u64,
    keys: u64,
    /// In 1,000.
    removes: u32,
    /// In 100,000.
    checkpoints: u32,
    closed: bool,
    /// Interval of automatic checkpoints in milliseconds.
    auto: Option<u64>,
}

impl Plan {
    fn new(seed: u64, slow: bool) -> Plan {
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
struct State {
    entries: HashMap<u64, u64>,
    /// Of all entries, in any order.
    hash: u64,
}

fn entry_hash(key: u64, digest: u64) -> u64 {
    xxh3_64_with_seed(&digest.to_le_bytes(), key)
}

impl State {
    fn of(entries: HashMap<u64, u64>) -> State {
        let hash = entries.iter().fold(0, |all, (&key, &digest)| all ^ entry_hash(key, digest));
        State { entries, hash }
    }

    fn put(&mut self, key: u64, digest: u64) {
        if let Some(old) = self.entries.insert(key, digest) {
            self.hash ^= entry_hash(key, old);
        }
        self.hash ^= entry_hash(key, digest);
    }

    fn apply<T: Kind>(&mut self, op: Op) {
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

    fn id(&self) -> (u64, usize) {
        (self.hash, self.entries.len())
    }
}

fn apply<T: Kind>(map: &mut Map<T>, op: Op) -> Result<()> {
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

fn options<T: Kind>() -> OpenOptions<T::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(T::Hasher::default())
}

/// All of a map, read in two ways.
fn dump<T: Kind>(map: &Map<T>, keys: u64) -> State {
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

/// Whether a map that was closed, reopened, killed and reopened again is marked as open by its next change.
// Bug crash-5: `true` once it is.
const MARKED_AFTER_KILL: bool = false;
/// One of so many operations is a change, which without automatic checkpoints is marked before it is made.
const UNTIL_MARKED: usize = 20;
const NOT_STARTED: u64 = 0;
const OPENING: u64 = 1;
const OPENED: u64 = 2;

/// The child: `kind seed directory acknowledgements`.
#[test]
fn child() {
    let Some(argument) = argument() else { return };
    let parts: Vec<&str> = argument.splitn(4, ' ').collect();
    let [kind, seed, dir, acknowledged] = parts[..] else { panic!("arguments of the child") };
    let seed = seed.parse().expect("a seed");
    let acknowledged = File::options().write(true).open(acknowledged).expect("acknowledgements");
    let run = match kind {
        Numbers::NAME => work::<Numbers>,
        Wide::NAME => work::<Wide>,
        Names::NAME => work::<Names>,
        Texts::NAME => work::<Texts>,
        _ => work::<Same>,
    };
    if let Err(error) = run(seed, Path::new(dir), &acknowledged) {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

fn work<T: Kind>(seed: u64, dir: &Path, acknowledged: &File) -> Result<()> {
    let acknowledge = |count: u64| acknowledged.write_all_at(&count.to_le_bytes(), 0).expect("acknowledged");
    let plan = Plan::new(seed, T::SLOW);
    acknowledge(OPENING);
    let auto = plan.auto.map(Duration::from_millis);
    let mut map: Map<T> = options::<T>().create(true).auto_checkpoint(auto).open(dir)?;
    let mut count = OPENED;
    acknowledge(count);
    for op in plan {
        if let Op::Close = op {
            break;
        }
        apply::<T>(&mut map, op).inspect_err(|_| {
            eprintln!("after {} operations {op:?} failed", count - OPENED);
        })?;
        count += 1;
        acknowledge(count);
    }
    map.close()?;
    acknowledge(count + 1);
    Ok(())
}

/// One map through many kills.
struct Life<T: Kind> {
    root: TempDir,
    dir: PathBuf,
    state: State,
    /// What the last checkpoint on disk may hold.
    durable: Vec<(u64, usize)>,
    /// With automatic checkpoints, their thread marks a closed map as open soon after the first change, not before it: there
    /// may be changes in a map that a copy of it takes for closed.
    unmarked: bool,
    rng: Rng,
    copies: u64,
    kind: std::marker::PhantomData<T>,
}

impl<T: Kind> Life<T> {
    fn new(seed: u64, root: TempDir) -> Life<T> {
        let dir = root.path().join("map");
        let state = State::default();
        let durable = vec![state.id()];
        Life {
            root,
            dir,
            state,
            durable,
            unmarked: false,
            rng: Rng::with_seed(seed),
            copies: 0,
            kind: std::marker::PhantomData,
        }
    }

    /// Runs a child and kills it; the operations that returned, and the one that was under way.
    fn run_child(&mut self, seed: u64) -> (u64, Option<Op>) {
        let (acknowledged, errors) = (self.root.path().join("acknowledged"), self.root.path().join("errors"));
        fs::write(&acknowledged, NOT_STARTED.to_le_bytes()).expect("acknowledgements");
        let file = File::open(&acknowledged).expect("acknowledgements");
        let argument = format!("{} {seed} {} {}", T::NAME, self.dir.display(), acknowledged.display());
        let mut child =
            respawn("crash::child", &argument).stderr(File::create(&errors).expect("errors")).spawn().expect("a child");
        let (wanted, delay) = match self.rng.u32(..10) {
            0 => (NOT_STARTED, self.rng.u64(..6_000)),
            1..4 => (OPENING, self.rng.u64(..1_500)),
            4..7 => (OPENED + self.rng.u64(..200), self.rng.u64(..3_000)),
            _ => (OPENED + self.rng.u64(..10_000), self.rng.u64(..20_000)),
        };
        await_count(&file, &mut child, wanted);
        spin(Duration::from_micros(delay));
        child.kill().expect("the child killed");
        let status = child.wait().expect("the child's end");
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        let ended = status.success() || status.signal() == Some(KILLED);
        assert!(ended && errors.is_empty(), "seed {seed}: the child ended with {status}: {errors}");
        let count = read_count(&file).saturating_sub(OPENED);
        (count, Plan::new(seed, T::SLOW).nth(count as usize))
    }

    /// One round: a child is killed, what it left is checked, and the next round goes on with it.
    fn round(&mut self, seed: u64) {
        let plan = Plan::new(seed, T::SLOW);
        let (keys, auto) = (plan.keys, plan.auto.is_some());
        let (count, under_way) = self.run_child(seed);
        let done: Vec<Op> = plan.take(count as usize).collect();
        for &op in &done {
            self.state.apply::<T>(op);
            if op.is_durable() {
                self.durable.clear();
            }
            if auto || op.is_durable() {
                self.durable.push(self.state.id());
            }
        }
        let mut after = self.state.clone();
        if let Some(op) = under_way {
            after.apply::<T>(op);
            if auto || op.is_durable() {
                self.durable.extend([self.state.id(), after.id()]);
            }
        }
        self.unmarked &= done.len() <= UNTIL_MARKED && !done.iter().any(|op| op.is_durable());
        self.unmarked |= auto && !done.iter().any(|op| op.is_durable());
        let fresh = count == 0;
        if fresh && !self.dir.join("MAP").exists() {
            assert!(self.state.entries.is_empty(), "only a map that never opened may have no MAP");
            let gone = options::<T>().open::<T::K, T::V>(&self.dir);
            assert!(matches!(gone, Err(Error::NotFound { .. })), "leftovers are no map");
            return;
        }
        let copy = (self.rng.u32(..3) == 0).then(|| self.check_copy(keys, &after));
        let way = self.rng.u32(..10);
        if way < 3 {
            let before = contents(&self.dir);
            let map: Map<T> = options::<T>().read_only(true).open(&self.dir).expect("a killed map, read-only");
            self.settle(&map, after, keys);
            drop(map);
            assert_eq!(contents(&self.dir), before, "reading changes nothing");
            return;
        }
        let map: Map<T> = options::<T>().open(&self.dir).expect("a killed map");
        self.settle(&map, after, keys);
        match (way, copy) {
            (3..6, _) => drop(map),
            (6..8, _) | (_, None) => {
                map.close().expect("closed");
                self.unmarked = false;
                self.durable = vec![self.state.id()];
            }
            (_, Some((dir, state))) => {
                drop(map);
                fs::remove_dir_all(&self.dir).expect("removed");
                self.dir = dir;
                self.durable = vec![state.id()];
                self.state = state;
                self.unmarked = false;
            }
        }
    }

    /// Decides whether the operation under way was done, and that nothing else is different.
    fn settle(&mut self, map: &Map<T>, after: State, keys: u64) {
        let recovery = map.stats().recovery;
        let expected = matches!(recovery, Recovery::Resumed | Recovery::Closed);
        assert!(expected, "{recovery:?} is not how a killed map is found");
        let found = dump::<T>(map, keys);
        if found.entries == after.entries {
            self.state = after;
        } else if found.entries != self.state.entries {
            panic!("{}", difference(&found, &self.state, &after));
        }
    }

    /// A copy of the directory is as after a power cut: exactly the last checkpoint.
    fn check_copy(&mut self, keys: u64, after: &State) -> (PathBuf, State) {
        self.copies += 1;
        let dir = self.root.path().join(format!("copy{}", self.copies));
        copy_dir(&self.dir, &dir);
        let mut map: Map<T> = options::<T>().open(&dir).expect("a copied map");
        let recovery = map.stats().recovery;
        let mut state = dump::<T>(&map, keys);
        let whole = [self.state.id(), after.id()].contains(&state.id());
        let closed = recovery == Recovery::Closed && (whole || self.unmarked || !MARKED_AFTER_KILL);
        assert!(closed || recovery == Recovery::RolledBack, "{recovery:?} is not how a copy is found");
        assert!(
            self.durable.contains(&state.id()),
            "a copy has {} entries; {}",
            state.entries.len(),
            difference(&state, &self.state, &self.state)
        );
        // And it can be worked with: what is free there is really free.
        let ops = Plan::new(self.rng.u64(..), T::SLOW).filter(|op| !op.is_durable()).take(500);
        for op in ops {
            apply::<T>(&mut map, op).expect("a write to a copy");
            state.apply::<T>(op);
        }
        assert_eq!(dump::<T>(&map, keys).entries, state.entries, "a copy that was written to");
        map.close().expect("closed");
        (dir, state)
    }
}

fn read_count(file: &File) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, 0).expect("acknowledgements");
    u64::from_le_bytes(bytes)
}

fn await_count(file: &File, child: &mut Child, wanted: u64) {
    let start = Instant::now();
    while read_count(file) < wanted {
        if child.try_wait().expect("the child's state").is_some() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the child makes no progress");
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// Sleeps to the microsecond.
fn spin(time: Duration) {
    let start = Instant::now();
    if time > Duration::from_millis(1) {
        std::thread::sleep(time - Duration::from_millis(1));
    }
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn difference(found: &State, before: &State, after: &State) -> String {
    let mut lines = Vec::new();
    let keys = found.entries.keys().chain(before.entries.keys()).chain(after.entries.keys());
    let keys: std::collections::BTreeSet<u64> = keys.copied().collect();
    for key in keys {
        let [found, before, after] = [found, before, after].map(|state| state.entries.get(&key));
        if found != before && found != after {
            lines.push(format!("key {key}: found {found:?}, acknowledged {before:?}, under way {after:?}"));
        }
    }
    lines.truncate(10);
    format!("found {} entries, {} were acknowledged:\n{}", found.entries.len(), before.entries.len(), lines.join("\n"))
}

fn kills<T: Kind>(rounds: u64, root: TempDir) {
    if argument().is_some() {
        return;
    }
    let seed = seed(T::NAME);
    let mut life = Life::<T>::new(seed, root);
    for round in 0..rounds {
        // A map is born about every 20 rounds.
        if life.rng.u32(..20) == 0 {
            let _ = fs::remove_dir_all(&life.dir);
            (life.state, life.unmarked) = (State::default(), false);
            life.durable = vec![life.state.id()];
        }
        let number = life.rng.u64(..);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.round(number)));
        if let Err(panic) = result {
            println!("{}: round {round} with operations of seed {number} failed", T::NAME);
            println!("the files are kept in {}", life.root.keep().display());
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn killed_while_writing_numbers() {
    kills::<Numbers>(40, memory_dir());
}

#[test]
fn killed_while_writing_wide_values() {
    kills::<Wide>(40, memory_dir());
}

#[test]
fn killed_while_writing_names() {
    kills::<Names>(40, tempfile::tempdir().expect("a directory"));
}

#[test]
fn killed_while_writing_texts() {
    kills::<Texts>(40, memory_dir());
}

#[test]
fn killed_while_every_key_hashes_alike() {
    kills::<Same>(25, memory_dir());
}

/// The child of the stepping test: `kind seed directory notes`. It stops before each operation.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn stepped_child() {
    let Some(argument) = argument() else { return };
    let parts: Vec<&str> = argument.splitn(4, ' ').collect();
    let [kind, seed, dir, notes] = parts[..] else { panic!("arguments of the child") };
    let run = match kind {
        Wide::NAME => stepped::work::<Wide>,
        Names::NAME => stepped::work::<Names>,
        Texts::NAME => stepped::work::<Texts>,
        _ => stepped::work::<Same>,
    };
    if let Err(error) = run(seed.parse().expect("a seed"), Path::new(dir), Path::new(notes)) {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

/// A kill between any two stores: an operation is run instruction by instruction, and whenever a file has changed, what a
/// new process would find there is compared with the state before and after.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stepped {
    use super::*;

    /// What a round does before it begins to step.
    fn prepare<T: Kind>(rng: &mut Rng) -> (Vec<Op>, Vec<Op>) {
        let keys = [40, 70, 140][rng.usize(..3)];
        let mut ops: Vec<Op> = (0..rng.u64(..keys * 2)).map(|_| Op::Insert(rng.u64(..keys), rng.u64(..))).collect();
        if rng.bool() {
            ops.push(Op::Checkpoint);
        }
        let steps = (0..8).map(|number| match rng.u32(..12) {
            0..4 => Op::Insert(rng.u64(..keys), rng.u64(..)),
            4..7 => Op::Update(rng.u64(..keys), rng.u64(..)),
            7..10 => Op::Remove(rng.u64(..keys)),
            10 if number > 5 => Op::Clear,
            _ => Op::Insert(keys + rng.u64(..keys), rng.u64(..)),
        });
        let steps = steps.collect();
        (ops, steps)
    }

    pub(super) fn work<T: Kind>(seed: u64, dir: &Path, notes: &Path) -> Result<()> {
        let (ops, steps) = prepare::<T>(&mut Rng::with_seed(seed));
        let mut map: Map<T> = options::<T>().create(true).open(dir)?;
        for op in ops {
            apply::<T>(&mut map, op)?;
        }
        // SAFETY: neither call touches this process's memory.
        let thread = unsafe {
            libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            libc::gettid()
        };
        fs::write(notes, thread.to_string()).expect("a note");
        for op in steps {
            stop();
            apply::<T>(&mut map, op)?;
        }
        stop();
        Ok(())
    }

    fn stop() {
        // SAFETY: a signal to this thread, which its tracer sees.
        unsafe { libc::raise(libc::SIGSTOP) };
    }

    /// Waits until the traced thread stops; the signal it stopped for, `None` if it ended.
    fn stopped(thread: i32) -> Option<i32> {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
        (waited == thread && libc::WIFSTOPPED(status)).then(|| libc::WSTOPSIG(status))
    }

    fn step(thread: i32) {
        // SAFETY: the thread is traced by this one and stopped; its memory is its own.
        unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, thread, 0, 0) };
    }

    /// The files that decide what is in a map, as they are.
    struct Watch {
        dir: PathBuf,
        files: Vec<(PathBuf, memmap2::Mmap, Vec<u8>)>,
    }

    impl Watch {
        fn new(dir: &Path) -> Watch {
            let mut watch = Watch { dir: dir.into(), files: Vec::new() };
            watch.map();
            watch
        }

        fn map(&mut self) {
            self.files.clear();
            for name in ["segments", "blocks", "index"] {
                let path = self.dir.join(name);
                let Ok(file) = File::open(&path) else { continue };
                if file.metadata().expect("metadata").len() > 0 {
                    // SAFETY: the child that writes to the file is stopped whenever this is read, and truncates nothing.
                    let map = unsafe { memmap2::Mmap::map(&file) }.expect("a mapping");
                    self.files.push((path, map, Vec::new()));
                }
            }
        }

        /// Whether anything but the index changed, and whether the index did.
        fn changed(&mut self, grown: bool) -> (bool, bool) {
            if grown {
                self.map();
            }
            let (mut tables, mut index) = (false, false);
            for (path, map, old) in &mut self.files {
                if old.as_slice() != &map[..] {
                    old.clear();
                    old.extend_from_slice(map);
                    if path.ends_with("index") { index = true } else { tables = true }
                }
            }
            (tables, index)
        }

        fn lens(&self) -> Vec<u64> {
            ["segments", "blocks", "index"]
                .iter()
                .map(|name| fs::metadata(self.dir.join(name)).map_or(0, |metadata| metadata.len()))
                .collect()
        }
    }

    fn find<T: Kind>(dir: &Path) -> State {
        // The child's lock is on the file that had this name.
        let _ = fs::remove_file(dir.join("lock"));
        let map: Map<T> = options::<T>().read_only(true).open(dir).expect("the map as a kill would leave it");
        assert_eq!(map.stats().recovery, Recovery::Resumed);
        dump::<T>(&map, 1)
    }

    pub(super) fn rounds<T: Kind>(time: Duration) {
        if argument().is_some() {
            return;
        }
        let mut rng = Rng::with_seed(seed(T::NAME));
        let (start, mut states, mut instructions) = (Instant::now(), 0u64, 0u64);
        while start.elapsed() < time {
            let root = memory_dir();
            round::<T>(rng.u64(..), root.path(), &mut states, &mut instructions, start + time * 3 / 2);
        }
        println!("{}: {states} states in {instructions} instructions", T::NAME);
        assert!(states > 0, "no state was looked at");
    }

    fn round<T: Kind>(seed: u64, root: &Path, states: &mut u64, instructions: &mut u64, deadline: Instant) {
        let (dir, notes, errors) = (root.join("map"), root.join("notes"), root.join("errors"));
        let (ops, steps) = prepare::<T>(&mut Rng::with_seed(seed));
        let mut before = State::default();
        ops.iter().for_each(|&op| before.apply::<T>(op));
        let argument = format!("{} {seed} {} {}", T::NAME, dir.display(), notes.display());
        let mut child = respawn("crash::stepped_child", &argument)
            .stderr(File::create(&errors).expect("errors"))
            .spawn()
            .expect("a child");
        let waiting = Instant::now();
        let thread = loop {
            if let Some(thread) = fs::read_to_string(&notes).ok().and_then(|text| text.parse().ok()) {
                break thread;
            }
            let ended = child.try_wait().expect("the child's state");
            let errors = fs::read_to_string(&errors).unwrap_or_default();
            assert!(ended.is_none() && waiting.elapsed() < Duration::from_secs(60), "seed {seed}: {ended:?} {errors}");
            std::thread::sleep(Duration::from_millis(1));
        };
        assert_eq!(stopped(thread), Some(libc::SIGSTOP), "the child stops");
        let mut watch = Watch::new(&dir);
        watch.changed(true);
        'ops: for op in steps {
            let mut after = before.clone();
            after.apply::<T>(op);
            let (mut seen, mut lens, mut stored, mut is_after) = (0u64, watch.lens(), 0u64, false);
            loop {
                step(thread);
                let signal = stopped(thread);
                seen += 1;
                match signal {
                    Some(libc::SIGTRAP) => {}
                    Some(libc::SIGSTOP) => break,
                    other => panic!("seed {seed}: {op:?} ended with {other:?}: {:?}", fs::read_to_string(&errors)),
                }
                let grown = seen % 64 == 0 && watch.lens() != lens;
                if grown {
                    lens = watch.lens();
                }
                let (tables, index) = watch.changed(grown);
                stored += u64::from(index);
                // Filling a new segment takes many stores that nothing refers to.
                if !tables && !(index && (stored < 150 || stored.is_multiple_of(53))) {
                    continue;
                }
                *states += 1;
                let found = find::<T>(&dir);
                let (was, now) = (found.entries == before.entries, found.entries == after.entries);
                if !(now || was && !is_after) {
                    panic!("seed {seed}: {op:?} after {seen} instructions: {}", difference(&found, &before, &after));
                }
                is_after |= now && !was;
                if Instant::now() > deadline {
                    break 'ops;
                }
            }
            *instructions += seen;
            let found = find::<T>(&dir);
            assert_eq!(found.entries, after.entries, "seed {seed}: after {op:?}");
            before = after;
        }
        child.kill().expect("the child killed");
        while stopped(thread).is_some() {}
        child.wait().expect("the child's end");
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod killed_between_two_stores {
    use super::*;

    const TIME: Duration = Duration::from_secs(3);

    #[test]
    fn of_wide_values() {
        stepped::rounds::<Wide>(TIME);
    }

    #[test]
    fn of_names() {
        stepped::rounds::<Names>(TIME);
    }

    #[test]
    fn of_texts() {
        stepped::rounds::<Texts>(TIME);
    }

    #[test]
    fn while_every_key_hashes_alike() {
        stepped::rounds::<Same>(TIME);
    }
}
