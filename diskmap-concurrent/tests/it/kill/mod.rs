//! A child process with four threads that write to one map is killed at a random moment: what any of them was told is there,
//! and of what each was doing all or nothing.
//!
//! Each thread tells how many of its operations returned by writing the number to a file, before it goes on; the operations
//! follow from a seed, so the parent knows them too. `DISKMAP_SEED` repeats the operations of a run (not the moments of
//! its kills).

use std::{
    fs::{self, File},
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use diskmap::{DiskHashMap, OpenOptions, Recovery, Report, Result};
use fastrand::Rng;
use tempfile::TempDir;

use self::plan::{COUNTER, KEYS, Op, Plan, State};
use crate::{
    isolated::{argument, memory_dir, respawn},
    kinds::{Disk, Kind, Numbers, Texts, Wide, patience, seed},
};

mod plan;

const KILLED: i32 = 9;
const THREADS: usize = 4;
/// More than there are intent records, too: then several writers have the same one.
const SHARDS: [usize; 5] = [1, 2, 4, 8, 128];
/// Where the child says how far it has come with opening; its threads come before.
const STAGE: usize = THREADS;
const OPENING: u64 = 1;
const OPENED: u64 = 2;

/// What the threads of a child tell, a number each.
struct Told(File);

impl Told {
    fn write(&self, at: usize, number: u64) {
        self.0.write_all_at(&number.to_le_bytes(), at as u64 * 8).expect("told");
    }

    fn read(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, at as u64 * 8).expect("what was told");
        u64::from_le_bytes(bytes)
    }

    /// Waits until a number has been told, or the child has ended.
    fn wait(&self, child: &mut Child, at: usize, least: u64) {
        let start = Instant::now();
        while self.read(at) < least && child.try_wait().expect("the child's state").is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "the child does not get on");
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}

fn options() -> OpenOptions {
    OpenOptions::new().create(true).sync_on_drop(false)
}

/// The child: `kind seed directory acknowledgements`.
#[test]
fn child() {
    let Some(argument) = argument() else { return };
    let parts: Vec<&str> = argument.splitn(4, ' ').collect();
    let [kind, seed, dir, told] = parts[..] else { panic!("arguments of the child") };
    let told = Told(File::options().write(true).open(told).expect("a file to tell"));
    let work = match kind {
        Numbers::NAME => work::<Numbers>,
        Wide::NAME => work::<Wide>,
        _ => work::<Texts>,
    };
    if let Err(error) = work(seed.parse().expect("a seed"), Path::new(dir), &told) {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

fn work<T: Kind>(seed: u64, dir: &Path, told: &Told) -> Result<()> {
    told.write(STAGE, OPENING);
    let every = Duration::from_millis(5 + seed % 30);
    let single = options().auto_checkpoint(seed.is_multiple_of(2).then_some(every)).open(dir)?;
    let map = Disk::<T>::with_shards(single, SHARDS[(seed >> 8) as usize % SHARDS.len()])?;
    map.try_insert(&T::key(COUNTER), &T::value(0))?;
    told.write(STAGE, OPENED);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let map = &map;
                scope.spawn(move || -> Result<()> {
                    for (op, count) in Plan::new(seed, thread as u64).zip(1..) {
                        apply::<T>(map, op)?;
                        told.write(thread, count);
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a thread that did not panic"))
    })
}

fn apply<T: Kind>(map: &Disk<T>, op: Op) -> Result<()> {
    match op {
        Op::Insert(key, value) => map.insert(&T::key(key), &T::value(value)).map(drop),
        Op::Update(key, value) => map.update(&T::key(key), |_| T::value(value)).map(drop),
        Op::Upsert(key, value) => map.entry(&T::key(key))?.insert_entry(&T::value(value)).map(drop),
        Op::Remove(key) => map.remove(&T::key(key)).map(drop),
        Op::Count => {
            let counted = map.update(&T::key(COUNTER), |count| T::value(T::seed(count) + 1))?;
            assert!(counted, "the counter is there");
            Ok(())
        }
        Op::Checkpoint => map.checkpoint(),
        Op::Snapshot => {
            drop(map.snapshot());
            Ok(())
        }
    }
}

/// One map through many kills.
struct Life {
    root: TempDir,
    dir: PathBuf,
    states: [State; THREADS],
    rng: Rng,
    kills: u64,
    unopened: u64,
    acknowledged: u64,
    /// Cells that kills may have leaked in this map.
    leaks: u64,
    most_leaked: u64,
}

impl Life {
    fn round<T: Kind>(&mut self, seed: u64) {
        let done = self.run_child::<T>(seed);
        let opened = self.unopened_or(&done);
        let mut after = self.states.clone();
        for (thread, &count) in done.iter().enumerate() {
            let mut plan = Plan::new(seed, thread as u64);
            plan.by_ref().take(count as usize).for_each(|op| self.states[thread].apply(op));
            after[thread] = self.states[thread].clone();
            plan.next().into_iter().for_each(|op| after[thread].apply(op));
        }
        if !opened && !self.dir.join("MAP").exists() {
            assert!(
                self.states.iter().all(|state| state.entries.is_empty()),
                "only a map that never opened has no MAP"
            );
            return;
        }
        self.leaks += THREADS as u64;
        let found = if self.rng.bool() { self.find_single::<T>() } else { self.find_shared::<T>() };
        self.settle(found, after);
    }

    fn unopened_or(&mut self, done: &[u64]) -> bool {
        let opened = done.iter().any(|&count| count > 0);
        self.unopened += u64::from(!opened);
        opened
    }

    /// Runs a child and kills it; how many operations of each thread returned.
    fn run_child<T: Kind>(&mut self, seed: u64) -> [u64; THREADS] {
        let (path, errors) = (self.root.path().join("told"), self.root.path().join("errors"));
        fs::write(&path, [0; 8 * (THREADS + 1)]).expect("a file to tell");
        let told = Told(File::open(&path).expect("what was told"));
        let argument = format!("{} {seed} {} {}", T::NAME, self.dir.display(), path.display());
        let errors_file = File::create(&errors).expect("errors");
        let mut child = respawn("kill::child", &argument).stderr(errors_file).spawn().expect("a child");
        let delay = match self.rng.u32(..10) {
            0..2 => {
                told.wait(&mut child, STAGE, OPENING);
                self.rng.u64(..2_000)
            }
            2..6 => {
                told.wait(&mut child, self.rng.usize(..THREADS), 1);
                self.rng.u64(..5_000)
            }
            _ => {
                told.wait(&mut child, STAGE, OPENED);
                self.rng.u64(..150_000)
            }
        };
        std::thread::sleep(Duration::from_micros(delay));
        child.kill().expect("the child killed");
        let status = child.wait().expect("the child's end");
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        let killed = status.signal() == Some(KILLED);
        assert!(killed && errors.is_empty(), "seed {seed}: the child ended with {status}: {errors}");
        self.kills += 1;
        let done = std::array::from_fn(|thread| told.read(thread));
        self.acknowledged += done.iter().sum::<u64>();
        done
    }

    /// The entries, as the map of one thread finds them.
    fn find_single<T: Kind>(&mut self) -> Vec<(u64, u64)> {
        let map: DiskHashMap<T::K, T::V> = options().open(&self.dir).expect("a killed map");
        self.check(map.stats().recovery, &map.verify().expect("verified"));
        let entries = map.iter().map(|entry| entry.expect("an entry"));
        let entries: Vec<_> = entries.map(|(key, value)| (T::number(key), T::seed(value))).collect();
        for &(key, value) in &entries {
            assert_eq!(map.get(&T::key(key)).expect("read").map(T::seed), Some(value));
        }
        assert_eq!(map.len(), entries.len() as u64);
        if self.rng.u32(..3) == 0 {
            map.close().expect("closed");
        }
        entries
    }

    /// The entries, as the map of many threads finds them.
    fn find_shared<T: Kind>(&mut self) -> Vec<(u64, u64)> {
        let map = Disk::<T>::open_with(&self.dir, options()).expect("a killed map");
        self.check(map.stats().recovery, &map.verify().expect("verified"));
        let entries = map.iter().map(|entry| entry.expect("an entry"));
        let entries: Vec<_> = entries.map(|entry| (T::number(entry.key()), T::seed(entry.value()))).collect();
        for &(key, value) in &entries {
            assert_eq!(map.get(&T::key(key)).expect("read").map(|value| T::seed(value.value())), Some(value));
        }
        assert_eq!(map.len(), entries.len() as u64);
        if self.rng.u32(..3) == 0 {
            map.close().expect("closed");
        }
        entries
    }

    fn check(&mut self, recovery: Recovery, report: &Report) {
        let expected = matches!(recovery, Recovery::Resumed | Recovery::Closed);
        assert!(expected, "{recovery:?} is not how a killed map is found");
        let sound = report.is_sound() && report.leaked_segments == 0 && report.leaked_cells <= self.leaks;
        assert!(sound, "after {} kills: {report}", self.kills);
        self.most_leaked = self.most_leaked.max(report.leaked_cells);
    }

    /// Decides for each thread whether its operation under way was done, and that nothing else is different.
    fn settle(&mut self, found: Vec<(u64, u64)>, after: [State; THREADS]) {
        let (mut parts, mut counter) = <([State; THREADS], Option<u64>)>::default();
        for (key, value) in found {
            if key == COUNTER {
                assert_eq!(counter.replace(value), None, "the counter is there twice");
                continue;
            }
            let part = parts.get_mut((key / KEYS) as usize).unwrap_or_else(|| panic!("nobody stored key {key}"));
            assert_eq!(part.entries.insert(key, value), None, "key {key} is there twice");
        }
        let (mut least, mut most) = (0, 0);
        for (thread, ((before, after), found)) in self.states.iter().zip(&after).zip(&parts).enumerate() {
            if found.entries != before.entries && found.entries != after.entries {
                let different = |&key: &u64| {
                    let found = found.entries.get(&key);
                    found != before.entries.get(&key) && found != after.entries.get(&key)
                };
                let wrong: Vec<u64> = (thread as u64 * KEYS..(thread as u64 + 1) * KEYS).filter(different).collect();
                panic!("of thread {thread} keys {wrong:?} are neither as acknowledged nor as under way");
            }
            least += before.counts;
            most += after.counts;
        }
        let counted = counter.unwrap_or(0);
        assert!(
            (least..=most).contains(&counted),
            "{counted} were counted, {least} to {most} acknowledged or under way"
        );
        self.states = parts;
        // Who counted last is not to be seen.
        self.states[0].counts = counted;
    }
}

/// Rounds until so many of them were ended by a kill.
fn kills<T: Kind>(wanted: u64, root: TempDir) {
    if argument().is_some() {
        return;
    }
    let start = Instant::now();
    let rng = Rng::with_seed(seed(T::NAME));
    let dir = root.path().join("map");
    let states = Default::default();
    let mut life = Life { root, dir, states, rng, kills: 0, unopened: 0, acknowledged: 0, leaks: 0, most_leaked: 0 };
    while life.kills < wanted * u64::from(patience()) {
        // A map is born about every 20 rounds.
        if life.rng.u32(..20) == 0 {
            let _ = fs::remove_dir_all(&life.dir);
            (life.states, life.leaks) = Default::default();
        }
        let number = life.rng.u64(..);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.round::<T>(number)));
        if let Err(panic) = result {
            println!("{}: operations of seed {number} after {} kills failed", T::NAME, life.kills);
            println!("the files are kept in {}", life.root.keep().display());
            std::panic::resume_unwind(panic);
        }
    }
    println!(
        "{}: {} kills in {:?}, {} before the map was open, {} writes acknowledged, {} cells leaked at most",
        T::NAME,
        life.kills,
        start.elapsed(),
        life.unopened,
        life.acknowledged,
        life.most_leaked
    );
}

#[test]
fn killed_while_four_threads_write_numbers() {
    kills::<Numbers>(50, memory_dir());
}

#[test]
fn killed_while_four_threads_write_values_that_move() {
    kills::<Wide>(50, memory_dir());
}

#[test]
fn killed_while_four_threads_write_texts() {
    kills::<Texts>(100, tempfile::tempdir().expect("a directory"));
}
