//! Eight threads on whatever processors there are: writers that let a map grow from empty, readers that look for a key that
//! disappears and for values that are torn or another key's, and one that makes checkpoints, snapshots, and room.
//!
//! A value's seed names its key and its version, and a text names its seed twice over (`kinds`). A writer publishes how far
//! it is only after its call returned, so a reader knows what must be there.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use diskmap::{ByteStore, OpenOptions};
use fastrand::Rng;

use crate::kinds::{Disk, Kind, Map, Mem, Names, Notes, Numbers, Texts, Wide, patience, seed};

mod clears;
mod moves;

const WRITERS: u64 = 3;
/// Keys of a writer that come and go; they follow the keys that stay.
const FLEETING: u64 = 200;
/// The key space of a writer.
const SPACE: u64 = 1 << 24;

/// What one writer publishes.
#[derive(Default)]
struct Published {
    /// Its keys below this are there, and stay.
    stored: AtomicU64,
    /// A key, and a version that it has at least: `key << 32 | version`.
    updated: AtomicU64,
}

struct Field<'m, T: Kind, BS: ByteStore> {
    map: &'m Map<T, BS>,
    published: [Published; WRITERS as usize],
    done: AtomicBool,
    most: u64,
}

fn pack(number: u64, version: u64) -> u64 {
    number << 32 | version
}

impl<T: Kind, BS: ByteStore> Field<'_, T, BS> {
    /// The version of a key.
    fn version(&self, number: u64, seed: u64) -> u64 {
        assert_eq!(seed >> 32, number, "key {number} has a value of key {}", seed >> 32);
        seed & u64::from(u32::MAX)
    }

    fn get(&self, number: u64) -> Option<u64> {
        let value = self.map.get(&T::key(number)).expect("read")?;
        Some(self.version(number, T::seed(value.value())))
    }

    fn write(&self, writer: u64, rng: &mut Rng) {
        let own = &self.published[writer as usize];
        let (first, mut stored, mut version) = (writer * SPACE, 0, 0);
        let fleeting = first + SPACE - FLEETING;
        let mut there = [false; FLEETING as usize];
        while !self.done.load(Ordering::Relaxed) {
            match rng.u32(..10) {
                0..5 if stored < self.most => {
                    let number = first + stored;
                    let old = self.map.insert(&T::key(number), &T::value(pack(number, 0))).expect("inserted");
                    assert!(old.is_none(), "key {number} was there already");
                    stored += 1;
                    own.stored.store(stored, Ordering::Release);
                }
                0..7 if stored > 0 => {
                    let number = first + rng.u64(..stored);
                    version += 1;
                    let new = T::value(pack(number, version));
                    if rng.bool() {
                        let old = self.map.insert(&T::key(number), &new).expect("inserted").expect("there");
                        assert!(self.version(number, T::seed(old.value())) < version);
                    } else {
                        let there = self.map.update(&T::key(number), |old| {
                            assert!(self.version(number, T::seed(old)) < version);
                            new
                        });
                        assert!(there.expect("updated"), "key {number} disappeared from its writer");
                    }
                    own.updated.store(pack(number, version), Ordering::Release);
                }
                _ => {
                    let i = rng.u64(..FLEETING);
                    let (number, there) = (fleeting + i, &mut there[i as usize]);
                    let old = match *there {
                        true => self.map.remove(&T::key(number)),
                        false => self.map.insert(&T::key(number), &T::value(pack(number, 0))),
                    };
                    assert_eq!(old.expect("done").is_some(), *there, "key {number}");
                    *there = !*there;
                }
            }
        }
    }

    fn read(&self, rng: &mut Rng) {
        let mut reads = 0u64;
        while !self.done.load(Ordering::Relaxed) {
            let writer = rng.u64(..WRITERS);
            let published = &self.published[writer as usize];
            let (stored, first) = (published.stored.load(Ordering::Acquire), writer * SPACE);
            if stored == 0 {
                std::thread::yield_now();
                continue;
            }
            reads += 1;
            match rng.u32(..8) {
                0 => {
                    let updated = published.updated.load(Ordering::Acquire);
                    if updated != 0 {
                        let (number, least) = (updated >> 32, updated & u64::from(u32::MAX));
                        let version = self.get(number).unwrap_or_else(|| panic!("key {number} disappeared"));
                        assert!(version >= least, "key {number} has version {version} after {least}");
                    }
                }
                1 => {
                    // One of those that come and go, and one that never was.
                    self.get(first + SPACE - FLEETING + rng.u64(..FLEETING));
                    assert_eq!(self.get(first + SPACE - FLEETING - 1 - rng.u64(..1000)), None);
                }
                2 => {
                    let numbers: Vec<u64> = (0..20).map(|_| first + rng.u64(..stored)).collect();
                    let keys: Vec<T::Key> = numbers.iter().map(|&number| T::key(number)).collect();
                    for (value, number) in self.map.get_many(&keys).zip(numbers) {
                        let value = value.expect("read").unwrap_or_else(|| panic!("key {number} disappeared"));
                        self.version(number, T::seed(value.value()));
                    }
                }
                _ => {
                    // The last ones most often: their segment is the one that changes.
                    let back = if rng.bool() { rng.u64(..stored.min(20)) } else { rng.u64(..stored) };
                    let number = first + stored - 1 - back;
                    assert!(self.get(number).is_some(), "key {number} disappeared");
                }
            }
        }
        assert!(reads > 100, "only {reads} reads");
    }

    fn stored(&self) -> [u64; WRITERS as usize] {
        [0, 1, 2].map(|i: usize| self.published[i].stored.load(Ordering::Acquire))
    }

    /// Compares the entries that an iteration meets with what was there before it began.
    fn meet(&self, before: [u64; WRITERS as usize], entries: impl Iterator<Item = (u64, u64)>) {
        let mut met = [const { Vec::new() }; WRITERS as usize];
        let mut fleeting = std::collections::HashSet::new();
        for (number, seed) in entries {
            self.version(number, seed);
            let (writer, i) = ((number / SPACE) as usize, number % SPACE);
            if i >= SPACE - FLEETING {
                assert!(fleeting.insert(number), "key {number} was met twice");
                continue;
            }
            let met: &mut Vec<bool> = &mut met[writer];
            met.resize(met.len().max(i as usize + 1), false);
            assert!(!std::mem::replace(&mut met[i as usize], true), "key {number} was met twice");
        }
        for (writer, (met, before)) in met.iter().zip(before).enumerate() {
            let missed = met.iter().position(|&met| !met).unwrap_or(met.len()) as u64;
            assert!(missed >= before, "key {} of {writer} was not met though {before} were there", missed);
        }
    }

    fn iterate(&self, rng: &mut Rng) {
        let mut rounds = 0;
        while !self.done.load(Ordering::Relaxed) {
            let before = self.stored();
            match rng.u32(..3) {
                0 => self.meet(
                    before,
                    self.map.iter().map(|entry| {
                        let entry = entry.expect("an entry");
                        (T::number(entry.key()), T::seed(entry.value()))
                    }),
                ),
                1 => {
                    let (mut cursor, mut all) = (Some(0), Vec::new());
                    while let Some(at) = cursor {
                        let (part, next) = self.map.scan(at).expect("a part");
                        all.extend(part.map(|entry| {
                            let entry = entry.expect("an entry");
                            (T::number(entry.key()), T::seed(entry.value()))
                        }));
                        cursor = next;
                    }
                    self.meet(before, all.into_iter());
                }
                _ => {
                    let keys = self.map.keys().map(|key| T::number(key.expect("a key").value()));
                    self.meet(before, keys.map(|number| (number, pack(number, 0))));
                }
            }
            rounds += 1;
        }
        assert!(rounds > 0);
    }

    fn look_after(&self, rng: &mut Rng) {
        while !self.done.load(Ordering::Relaxed) {
            match rng.u32(..8) {
                0 => drop(self.map.compact().expect("compacted")),
                1 => self.map.shrink_to_fit().expect("shrunk"),
                2 => assert!(self.map.verify().expect("verified").is_sound()),
                3 | 4 => self.map.checkpoint().expect("a checkpoint"),
                _ => {
                    let before = self.stored();
                    let snapshot = self.map.snapshot();
                    std::thread::yield_now();
                    let mut count = 0;
                    let entries = snapshot.iter().map(|entry| {
                        let (key, value) = entry.expect("an entry");
                        count += 1;
                        (T::number(key), T::seed(value))
                    });
                    self.meet(before, entries);
                    assert_eq!(count, snapshot.len(), "a snapshot has as many entries as it says");
                }
            }
            std::thread::sleep(Duration::from_millis(rng.u64(..20)));
        }
    }
}

fn stress<T: Kind, BS: ByteStore>(map: &Map<T, BS>, time: Duration, most: u64) {
    let seed = seed(&format!("eight threads, {}", T::NAME));
    let field = Field::<T, BS> { map, published: Default::default(), done: AtomicBool::new(false), most };
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let field = &field;
            let mut rng = Rng::with_seed(seed.wrapping_add(thread));
            scope.spawn(move || {
                let failed = Ends(&field.done);
                match thread {
                    0..WRITERS => field.write(thread, &mut rng),
                    6 => field.iterate(&mut rng),
                    7 => field.look_after(&mut rng),
                    _ => field.read(&mut rng),
                }
                std::mem::forget(failed);
            });
        }
        while start.elapsed() < time * patience() && !field.done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        field.done.store(true, Ordering::Relaxed);
    });
    let stored: u64 = field.stored().iter().sum();
    assert!(map.len() >= stored && map.len() <= stored + WRITERS * FLEETING);
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    println!("{}: {stored} keys in {:?}", T::NAME, start.elapsed());
}

/// Ends the others if its thread panics.
struct Ends<'d>(&'d AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const TIME: Duration = Duration::from_secs(2);

fn on_disk<T: Kind>() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = OpenOptions::new().create(true).auto_checkpoint(Some(Duration::from_millis(50)));
    let map = Disk::<T>::open_with(dir.path(), options).expect("a map");
    stress::<T, _>(&map, TIME, 200_000);
    let len = map.len();
    map.close().expect("closed");
    let map = Disk::<T>::load_from(dir.path()).expect("the map again");
    assert_eq!((map.len(), map.iter().filter(|entry| entry.is_ok()).count() as u64), (len, len));
}

#[test]
fn eight_threads_on_numbers_in_memory() {
    stress::<Numbers, _>(&Mem::<Numbers>::new().expect("a map"), TIME, 1_000_000);
}

#[test]
fn eight_threads_on_values_that_move() {
    stress::<Wide, _>(&Mem::<Wide>::new().expect("a map"), TIME, 1_000_000);
}

#[test]
fn eight_threads_on_few_keys_that_move() {
    stress::<Wide, _>(&Mem::<Wide>::new().expect("a map"), TIME / 2, 30);
}

#[test]
fn eight_threads_on_few_notes() {
    stress::<Notes, _>(&Mem::<Notes>::new().expect("a map"), TIME / 2, 30);
}

#[test]
fn eight_threads_on_names() {
    on_disk::<Names>();
}

#[test]
fn eight_threads_on_texts() {
    stress::<Texts, _>(&Mem::<Texts>::new().expect("a map"), TIME, 200_000);
}

#[test]
fn eight_threads_on_texts_on_disk() {
    on_disk::<Texts>();
}

#[test]
fn eight_threads_on_numbers_on_disk() {
    on_disk::<Numbers>();
}

#[cfg(feature = "derive")]
#[test]
fn eight_threads_on_derived_types() {
    use crate::kinds::{Drawings, Marks};

    stress::<Marks, _>(&Mem::<Marks>::new().expect("a map"), TIME / 2, 1_000);
    stress::<Drawings, _>(&Mem::<Drawings>::new().expect("a map"), TIME / 2, 200_000);
}
