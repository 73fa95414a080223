//! Four writers, each in a thread of its own, beside checkpoints: what a power cut leaves has the operations of each up to
//! one and the same moment.
//!
//! Must not know when a checkpoint captures. Invariant: each operation is stamped before and after it, by the one clock that
//! checkpoints and images are stamped by; whoever takes an image holds the medium meanwhile, the writers go on.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::ThreadId,
    time::Duration,
};

use fastrand::Rng;

use super::{
    handle::{Handle, Readers, Seat},
    image::{self, Image, boot_id},
    kinds::{Kind, Map, Numbers, Open, Texts},
    medium::{Flaw, Medium},
    memory_dir,
    model::{self, Belief, Change, Check, Model},
    plan::{Plan, Writers},
    simulator::Run,
};
use crate::{
    OpenOptions,
    map::engine::Spot,
    store::watch::{Step, Watch, watch},
};

const DEPTH: u32 = 2;
const THREADS: usize = 1 << DEPTH;
/// Numbers that are written to.
const KEYS: u32 = 1200;
/// Operations of each thread at least; it goes on until the checkpoints are made.
const OPS: usize = 300;
const CHECKPOINTS: usize = 6;
/// Images of a round at most.
const IMAGES: usize = 60;

/// The medium, and who takes images of it.
struct Crowd {
    run: Arc<Run>,
    medium: Mutex<Held>,
    clock: AtomicU64,
    /// When the last checkpoint that has returned had begun.
    durable: AtomicU64,
}

struct Held {
    medium: Medium,
    rng: Rng,
    /// Who takes a step of names or contents: an image must be before or after it.
    busy: Option<ThreadId>,
    images: Vec<Taken>,
}

/// What a power cut left.
struct Taken {
    dir: PathBuf,
    /// No older than the checkpoint that began then, and no newer than this.
    since: u64,
    until: u64,
}

/// What a thread did.
struct Log {
    /// The numbers that its keys are made from.
    numbers: Vec<u32>,
    done: Vec<Done>,
}

struct Done {
    change: Change,
    began: u64,
    ended: u64,
}

impl Crowd {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.medium.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Cuts the power, once in so many times.
    fn cut(&self, once_in: u32) {
        let mut held = self.held();
        let is_others = held.busy.is_some_and(|thread| thread != std::thread::current().id());
        if is_others || held.images.len() >= IMAGES || held.rng.u32(..once_in) > 0 {
            return;
        }
        let since = self.durable.load(Ordering::SeqCst);
        let dir = self.run.place();
        let Held { medium, rng, images, .. } = &mut *held;
        if rng.bool() {
            medium.write_back(rng);
        }
        medium.image(&dir, rng);
        images.push(Taken { dir, since, until: self.tick() });
    }
}

impl Watch for Crowd {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        if !matches!(step, Step::Resize(..) | Step::Moment(_)) {
            self.cut(3);
            self.held().busy = Some(std::thread::current().id());
        }
        Ok(())
    }

    fn after(&self, step: Step<'_>) {
        {
            let mut held = self.held();
            held.medium.took(step);
            if !matches!(step, Step::Resize(..) | Step::Moment(_)) {
                held.busy = None;
            }
        }
        self.cut(3);
    }
}

/// Random changes of the keys of one range, until it is told to stop.
fn work<T: Kind>(
    mut seat: Seat<'_, T::K, T::V, rustc_hash::FxBuildHasher>,
    numbers: Vec<u32>,
    crowd: &Crowd,
    stop: &AtomicBool,
    mut rng: Rng,
) -> Result<Log, String> {
    // Long enough to tell one version from another.
    let lens: Vec<u32> = T::LENS.iter().copied().filter(|len| (8..=1200).contains(len)).collect();
    let mut done = Vec::new();
    while done.len() < OPS || !stop.load(Ordering::Relaxed) {
        let number = numbers[rng.usize(..numbers.len())];
        // No two operations store the same.
        let version = u64::from(lens[rng.usize(..lens.len())]) << 32 | (done.len() as u64 + 1);
        let change = if rng.u32(..4) > 0 { Change::Insert(number, version) } else { Change::Remove(number) };
        let (key, value) = (T::key(number), T::value(number, version));
        let began = crowd.tick();
        let stored = matches!(change, Change::Insert(..)).then_some(&value);
        seat.change(&key, stored, true).map_err(|error| format!("{change:?}: {error}"))?;
        done.push(Done { change, began, ended: crowd.tick() });
    }
    seat.readers.end(seat.engine).map_err(|error| error.to_string())?;
    Ok(Log { numbers, done })
}

/// One round; how many images were looked at.
fn round<T: Kind>(seed: u64) -> Result<usize, String> {
    let root = memory_dir();
    let mut rng = Rng::with_seed(seed);
    let plan = Plan::small::<T>().of(Writers::Several(DEPTH));
    let run = Arc::new(Run::new(root.path(), Flaw::None, plan, false));
    let dir = run.place();
    std::fs::create_dir(&dir).expect("a directory");
    let medium = Medium::new(&dir, Flaw::None);
    let crowd = Arc::new(Crowd {
        run: Arc::clone(&run),
        medium: Mutex::new(Held { medium, rng: rng.fork(), busy: None, images: Vec::new() }),
        clock: AtomicU64::new(1),
        durable: AtomicU64::new(0),
    });
    let watched = watch(&dir, crowd.clone());
    let told = |error: crate::Error| error.to_string();
    let map: Map<T> = options(1).create(true).open(&dir).map_err(told)?;
    let mut handle: Open<T> = Handle::new(map, Some(DEPTH), rng.fork()).map_err(told)?;
    let mut base = Model::default();
    for number in (0..KEYS).step_by(2) {
        let version = 20 << 32 | 1 << 31 | u64::from(number);
        handle.insert(&T::key(number), &T::value(number, version)).map_err(told)?;
        Change::Insert(number, version).apply(&mut base);
    }
    handle.checkpoint().map_err(told)?;
    for taken in std::mem::take(&mut crowd.held().images) {
        std::fs::remove_dir_all(taken.dir).expect("removed");
    }
    let Handle::Several(several) = &mut handle else { unreachable!("it is shared") };
    let mut numbers = vec![Vec::new(); THREADS];
    for number in 0..KEYS {
        numbers[several.range(&T::key(number)).map_err(told)?].push(number);
    }
    let stop = AtomicBool::new(false);
    let mut readers: Vec<Readers> = (0..THREADS).map(|_| Readers::new(rng.fork())).collect();
    let logs: Vec<Log> = std::thread::scope(|scope| {
        let seats = several.seats(&mut readers);
        let engine = seats[0].engine;
        let (crowd, stop) = (&crowd, &stop);
        let threads: Vec<_> = seats
            .into_iter()
            .zip(numbers)
            .map(|(seat, numbers)| {
                let rng = rng.fork();
                scope.spawn(move || work::<T>(seat, numbers, crowd, stop, rng))
            })
            .collect();
        let made = (0..CHECKPOINTS).try_for_each(|_| {
            std::thread::sleep(Duration::from_micros(rng.u64(..3000)));
            crowd.cut(2);
            let began = crowd.tick();
            engine.checkpoint()?;
            crowd.durable.store(began, Ordering::SeqCst);
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        let logs = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_, _>>();
        made.map_err(told).and(logs)
    })?;
    let mut live = Arc::clone(&base);
    logs.iter().flat_map(|log| &log.done).for_each(|done| done.change.apply(&mut live));
    handle.whole(|map| Ok(model::compare::<T>(map, &live))).map_err(told)??;
    let report = handle.whole(|map| map.verify()).map_err(told)?;
    if !report.is_sound() || report.leaked_cells + report.leaked_segments > 0 {
        return Err(report.to_string());
    }
    crowd.cut(1);
    drop((handle, watched));
    let images = std::mem::take(&mut crowd.held().images);
    let count = images.len();
    for taken in images {
        let (since, until) = (taken.since, taken.until);
        check::<T>(&run, taken, &base, &logs, &mut rng)
            .map_err(|wrong| format!("the image of {until}, checkpoint of {since}: {wrong}"))?;
    }
    let killed: Map<T> = options(1).open(&dir).map_err(told)?;
    model::compare::<T>(&killed, &live)?;
    Ok(count)
}

fn options(boot: u64) -> OpenOptions {
    OpenOptions::new().boot_id(boot_id(boot)).auto_checkpoint(None).sync_on_drop(false).reserve(1 << 28)
}

/// Whether an image is the map at one moment; then it is used like any other.
fn check<T: Kind>(run: &Arc<Run>, taken: Taken, base: &Model, logs: &[Log], rng: &mut Rng) -> Check {
    let found = {
        let map: Map<T> = options(2).open(&taken.dir).map_err(|error| format!("it does not open: {error}"))?;
        versions::<T>(&map, base, logs)?
    };
    // It was after each `not_before`, and before each `not_after`.
    let (mut not_before, mut not_after) = (0, taken.until);
    for (thread, log) in logs.iter().enumerate() {
        let (first, last) =
            prefixes(base, log, &found).ok_or_else(|| format!("thread {thread} was never at such a state"))?;
        not_before = not_before.max(first.checked_sub(1).map_or(0, |last| log.done[last].began));
        not_after = not_after.min(log.done.get(last).map_or(u64::MAX, |next| next.ended));
    }
    if not_before >= not_after || not_after <= taken.since {
        return Err(format!("no one moment: after {not_before}, before {not_after}"));
    }
    let found = Arc::new(found);
    let belief =
        Belief { live: Some(Arc::clone(&found)), doing: None, durable: vec![Arc::clone(&found)], exists: true };
    image::check::<T>(run, Image { dir: taken.dir, boot: 2, belief }, None, rng.fork())
}

/// The version of each entry: one that was stored for its number at some time.
fn versions<T: Kind>(map: &Map<T>, base: &Model, logs: &[Log]) -> Result<BTreeMap<u32, u64>, String> {
    let mut stored: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    base.iter().for_each(|(&number, &version)| stored.entry(number).or_default().push(version));
    for done in logs.iter().flat_map(|log| &log.done) {
        if let Change::Insert(number, version) = done.change {
            stored.entry(number).or_default().push(version);
        }
    }
    let mut found = BTreeMap::new();
    for entry in map.iter() {
        let (key, _) = entry.map_err(|error| error.to_string())?;
        let number = T::number(key).ok_or("a key that was never inserted")?;
        let is = |version: &&u64| {
            map.get(&T::key(number)).is_ok_and(|value| value.is_some_and(|value| T::is(value, number, **version)))
        };
        let version = stored.get(&number).into_iter().flatten().find(is).ok_or("a value that was never stored")?;
        found.insert(number, *version);
    }
    Ok(found)
}

/// After how many operations of a thread its keys were as they are found: from the first number to the last.
fn prefixes(base: &Model, log: &Log, found: &BTreeMap<u32, u64>) -> Option<(usize, usize)> {
    let mut now: BTreeMap<u32, u64> =
        log.numbers.iter().filter_map(|number| base.get_key_value(number)).map(|(&n, &v)| (n, v)).collect();
    let is = |now: &BTreeMap<u32, u64>, number: &u32| now.get(number) == found.get(number);
    let mut wrong = log.numbers.iter().filter(|number| !is(&now, number)).count();
    let mut right = (wrong == 0).then_some((0, 0));
    for (count, done) in (1..).zip(&log.done) {
        let number = match done.change {
            Change::Insert(number, _) | Change::Remove(number) => number,
            Change::Clear => continue,
        };
        wrong -= usize::from(!is(&now, &number));
        match done.change {
            Change::Insert(_, version) => drop(now.insert(number, version)),
            _ => drop(now.remove(&number)),
        }
        wrong += usize::from(!is(&now, &number));
        if wrong == 0 {
            right = Some((right.map_or(count, |(first, _)| first), count));
        }
    }
    right
}

fn rounds<T: Kind>() {
    let mut images = 0;
    for seed in 0..4 {
        images += round::<T>(seed).unwrap_or_else(|wrong| panic!("{}: seed {seed}: {wrong}", T::NAME));
    }
    println!("{}: {images} images of writers in {THREADS} threads", T::NAME);
    assert!(images > 80, "{images} images");
}

#[test]
fn what_threads_write_beside_checkpoints_is_durable_up_to_one_moment() {
    rounds::<Numbers>();
    rounds::<Texts>();
}

#[test]
fn a_checkpoint_waits_for_each_writer_that_is_inside() {
    let root = memory_dir();
    let map: Map<Numbers> = options(1).create(true).open(root.path().join("map")).expect("created");
    let handle: Open<Numbers> = Handle::new(map, Some(DEPTH), Rng::with_seed(1)).expect("shared");
    let Handle::Several(mut several) = handle else { unreachable!("it is shared") };
    for range in 0..THREADS {
        let number = (0..).find(|&number| several.range(&Numbers::key(number)).is_ok_and(|found| found == range));
        let key = Numbers::key(number.expect("every range has keys"));
        let mut readers: Vec<Readers> = (0..THREADS).map(|_| Readers::new(Rng::with_seed(1))).collect();
        let mut seats = several.seats(&mut readers);
        let Seat { engine, writer, .. } = seats.swap_remove(range);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let checkpoint = engine
                .with_key(&key, |hashed, bytes| {
                    #[expect(unsafe_code, reason = "the writer of this range is in this thread")]
                    // SAFETY: the seat is the key's.
                    let (mut turn, spot) = unsafe { (engine.turn(writer)?, engine.lookup(hashed, bytes)?) };
                    let checkpoint = scope.spawn(|| (engine.checkpoint(), done.load(Ordering::SeqCst)));
                    std::thread::sleep(Duration::from_millis(20));
                    let Spot::Vacant(gap) = spot else { panic!("the key was never inserted") };
                    turn.insert(gap, hashed, bytes, &Numbers::value(0, 1))?;
                    done.store(true, Ordering::SeqCst);
                    Ok::<_, crate::Error>(checkpoint)
                })
                .and_then(|done| done)
                .expect("inserted");
            let (made, waited) = checkpoint.join().expect("no panic");
            made.expect("a checkpoint");
            assert!(waited, "a checkpoint began while writer {range} was inside");
        });
    }
}
