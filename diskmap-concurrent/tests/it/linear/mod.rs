//! Recorded histories of threads that work on the same few keys: there must be an order, one operation after the other,
//! that explains all their results and that agrees with what was over before what began.
//!
//! Another thread changes other keys meanwhile, so that segments are rebuilt, split, copied for snapshots, and records
//! reused. The whole state is compared, so that `clear` and snapshots, which concern all keys, are operations like others.

use std::sync::{
    Barrier,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use diskmap::ByteStore;
use fastrand::Rng;

use self::check::{Act, Event, KEYS, State, explains};
use crate::kinds::{Disk, Kind, Map, Mem, Notes, Numbers, Texts, Wide, patience, seed};

mod check;

/// Operations of each thread in one history.
const ACTS: usize = 6;

struct Histories<'m, T: Kind, BS: ByteStore> {
    map: &'m Map<T, BS>,
    clock: AtomicU64,
    values: AtomicU64,
    /// Whether threads do what concerns all keys.
    whole: bool,
}

impl<T: Kind, BS: ByteStore> Histories<'_, T, BS> {
    fn fresh(&self) -> u64 {
        self.values.fetch_add(1, Ordering::Relaxed)
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.map.get(&T::key(key)).expect("read").map(|value| T::seed(value.value()))
    }

    /// Does something; what it was, with its result.
    fn act(&self, rng: &mut Rng, keys: u64, known: &mut [u64; KEYS]) -> Act {
        let map = self.map;
        let at = rng.usize(..keys as usize);
        let number = at as u64;
        let key = T::key(number);
        let new = self.fresh();
        let old = |value: Option<diskmap_concurrent::Ref<'_, T::V>>| value.map(|value| T::seed(value.value()));
        match rng.u32(..100) {
            0..25 => Act::Get(at, self.get(number)),
            25..30 => Act::Has(at, map.contains_key(&key).expect("read")),
            30..45 => Act::Insert(at, new, old(map.insert(&key, &T::value(new)).expect("inserted"))),
            45..60 => Act::Remove(at, old(map.remove(&key).expect("removed"))),
            60..70 => Act::TryInsert(at, new, map.try_insert(&key, &T::value(new)).expect("inserted")),
            70..80 => {
                let mut seen = None;
                let there = map
                    .update(&key, |value| {
                        seen = Some(T::seed(value));
                        T::value(new)
                    })
                    .expect("updated");
                assert_eq!(there, seen.is_some());
                Act::Update(at, new, seen)
            }
            80..87 => {
                let mut called = false;
                let value = || {
                    called = true;
                    T::value(new)
                };
                let found = map.get_or_insert_with(&key, value).expect("inserted");
                Act::GetOrInsert(at, new, T::seed(found.value()), called)
            }
            87..90 => {
                let mut seen = None;
                let removed = map.remove_if(&key, |value| {
                    seen = Some(T::seed(value));
                    seen.is_some_and(|seed| seed.is_multiple_of(2))
                });
                Act::RemoveEven(at, seen, removed.expect("removed").is_some())
            }
            90 if self.whole => {
                map.clear().expect("cleared");
                Act::Clear
            }
            91 if self.whole => {
                let snapshot = map.snapshot();
                let value = |key: u64| snapshot.get(&T::key(key)).expect("read").map(T::seed);
                Act::Snapshot([value(0), value(1), value(2)])
            }
            _ => match T::exchange(map, number, known[at], new) {
                Some(done) => {
                    let expected = known[at];
                    if let Err(Some(found)) = done {
                        known[at] = found;
                    }
                    Act::Exchange(at, expected, new, done)
                }
                None => {
                    let entry = map.entry(&key).expect("an entry");
                    let seen = match &entry {
                        diskmap_concurrent::MapEntry::Occupied(entry) => {
                            Some(T::seed(entry.get().expect("read").value()))
                        }
                        diskmap_concurrent::MapEntry::Vacant(_) => None,
                    };
                    entry.insert_entry(&T::value(new)).expect("inserted");
                    Act::Insert(at, new, seen)
                }
            },
        }
    }

    fn state(&self) -> State {
        [self.get(0), self.get(1), self.get(2)]
    }
}

/// Other keys come and go until `done`.
fn churn<T: Kind, BS: ByteStore>(map: &Map<T, BS>, seed: u64, done: &AtomicBool) {
    let mut rng = Rng::with_seed(seed);
    while !done.load(Ordering::Relaxed) {
        let key = T::key(KEYS as u64 + rng.u64(..400));
        match rng.u32(..300) {
            0 => drop(map.snapshot()),
            1 => map.shrink_to_fit().expect("shrunk"),
            2 if rng.u32(..10) == 0 => drop(map.compact().expect("compacted")),
            n if n % 2 == 0 => drop(map.remove(&key).expect("removed")),
            _ => drop(map.insert(&key, &T::value(rng.u64(..))).expect("inserted")),
        }
    }
}

fn histories<T: Kind, BS: ByteStore>(map: &Map<T, BS>, threads: usize, count: u32, whole: bool) {
    let seed = seed(&format!("histories of {threads} threads, {}", T::NAME));
    let histories = Histories::<T, BS> { map, clock: AtomicU64::new(0), values: AtomicU64::new(1), whole };
    let (start, end, done) = (Barrier::new(threads + 1), Barrier::new(threads + 1), AtomicBool::new(false));
    let ready = AtomicU64::new(0);
    let events = std::sync::Mutex::new(Vec::new());
    let rounds = count * patience();
    std::thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let (histories, start, end, events, ready) = (&histories, &start, &end, &events, &ready);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed ^ thread << 32);
                let mut known = [0; KEYS];
                for round in 0..u64::from(rounds) {
                    start.wait();
                    // The last that wakes up is not to find the others done.
                    ready.fetch_add(1, Ordering::SeqCst);
                    while ready.load(Ordering::SeqCst) < (round + 1) * threads as u64 {
                        std::thread::yield_now();
                    }
                    let mut own = Vec::with_capacity(ACTS);
                    for _ in 0..ACTS {
                        let begin = histories.tick();
                        let act = histories.act(&mut rng, 1 + round % KEYS as u64, &mut known);
                        own.push(Event { thread, begin, end: histories.tick(), act });
                    }
                    events.lock().expect("events").append(&mut own);
                    end.wait();
                }
            });
        }
        let changes = scope.spawn(|| churn::<T, BS>(map, seed, &done));
        let mut before = histories.state();
        let mut failure = None;
        for _ in 0..rounds {
            start.wait();
            end.wait();
            let all = std::mem::take(&mut *events.lock().expect("events"));
            // With `whole`, other threads are done now, so that this is a state between two histories.
            let after = histories.state();
            if failure.is_none() && !explains(before, &all, after) {
                failure = Some((before, all, after));
            }
            before = after;
        }
        done.store(true, Ordering::Relaxed);
        changes.join().expect("no failure in the thread that changes other keys");
        if let Some((before, all, after)) = failure {
            let lines: Vec<String> = all.iter().map(|event| format!("{event:?}")).collect();
            panic!("no order explains, from {before:?} to {after:?}:\n{}", lines.join("\n"));
        }
    });
    assert!(map.verify().expect("verified").is_sound());
}

#[test]
fn histories_of_numbers_have_an_order() {
    for (threads, whole) in [(2, false), (4, false), (3, true)] {
        histories::<Numbers, _>(&Mem::<Numbers>::new().expect("a map"), threads, 1_200, whole);
    }
}

#[test]
fn histories_of_values_that_move_have_an_order() {
    for (threads, whole) in [(2, false), (4, false), (3, true)] {
        histories::<Wide, _>(&Mem::<Wide>::new().expect("a map"), threads, 1_200, whole);
    }
}

#[test]
fn histories_of_notes_have_an_order() {
    histories::<Notes, _>(&Mem::<Notes>::new().expect("a map"), 3, 2_000, true);
}

#[test]
fn histories_of_texts_have_an_order() {
    for (threads, whole) in [(2, false), (4, false), (3, true)] {
        histories::<Texts, _>(&Mem::<Texts>::new().expect("a map"), threads, 1_200, whole);
    }
}

#[test]
fn histories_of_texts_on_disk_have_an_order() {
    let dir = tempfile::tempdir().expect("a directory");
    histories::<Texts, _>(&Disk::<Texts>::new_in(dir.path()).expect("a map"), 3, 1_000, true);
}
