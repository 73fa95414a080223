//! The files: those of the single-threaded map, whatever the shards; what a snapshot, a backup, and a checkpoint have of
//! several threads' writes.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use diskmap::{ByteStore, DiskHashMap, Error, OpenOptions, Recovery};
use diskmap_concurrent::DiskDashMap;

use crate::kinds::{Disk, Kind, Names, Notes, Numbers, Texts, Wide, patience};

fn options(close: bool) -> OpenOptions {
    OpenOptions::new().create(true).sync_on_drop(close)
}

fn written_by_either<T: Kind>() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut keys = 0;
    for (round, shards) in [1, 16, 2, 32, 4].into_iter().enumerate() {
        let close = round % 2 == 0;
        let mut single: DiskHashMap<T::K, T::V> = options(close).open(dir.path()).expect("the map of one thread");
        assert_eq!(single.len(), keys);
        for number in 0..keys {
            assert_eq!(single.get(&T::key(number)).expect("read").map(T::seed), Some(number + round as u64 - 1));
        }
        for _ in 0..700 {
            single.insert(&T::key(keys), &T::value(0)).expect("inserted");
            keys += 1;
        }
        assert!(single.verify().expect("verified").is_sound());
        drop(single);
        let single = options(!close).open(dir.path()).expect("the map of one thread");
        let map = Disk::<T>::with_shards(single, shards).expect("the map of many threads");
        assert_eq!(map.stats().recovery, if close { Recovery::Closed } else { Recovery::Resumed });
        std::thread::scope(|scope| {
            for first in 0..2 {
                let map = &map;
                scope.spawn(move || {
                    for number in (first..keys).step_by(2) {
                        map.insert(&T::key(number), &T::value(number + round as u64)).expect("inserted");
                    }
                });
            }
        });
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    }
}

#[test]
fn a_map_outgrows_its_reserve_while_others_read() {
    const KEYS: u64 = 60_000;
    let dir = tempfile::tempdir().expect("a directory");
    let single = options(true).reserve(1 << 16).open(dir.path()).expect("the map of one thread");
    let map = Disk::<Notes>::with_shards(single, 4).expect("the map of many threads");
    let stored = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..KEYS {
                map.insert(&Notes::key(number), &Notes::value(number)).expect("inserted");
                stored.store(number + 1, Ordering::Release);
            }
        });
        scope.spawn(|| {
            let mut random = fastrand::Rng::with_seed(1);
            loop {
                let stored = stored.load(Ordering::Acquire);
                if stored > 0 {
                    let number = random.u64(..stored);
                    let value = map.get(&Notes::key(number)).expect("read").expect("it was stored");
                    assert_eq!(Notes::seed(value.value()), number);
                }
                if stored == KEYS {
                    break;
                }
            }
        });
    });
    assert!(map.verify().expect("verified").is_sound());
}

#[test]
fn numbers_are_written_by_either_map() {
    written_by_either::<Numbers>();
}

#[test]
fn values_that_move_are_written_by_either_map() {
    written_by_either::<Wide>();
}

#[test]
fn names_are_written_by_either_map() {
    written_by_either::<Names>();
}

#[test]
fn notes_are_written_by_either_map() {
    written_by_either::<Notes>();
}

#[test]
fn texts_are_written_by_either_map() {
    written_by_either::<Texts>();
}

#[cfg(feature = "derive")]
#[test]
fn derived_types_are_written_by_either_map() {
    written_by_either::<crate::kinds::Orders>();
}

#[test]
fn what_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = Disk::<Numbers>::load_from(dir.path().join("none"));
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    let map = Disk::<Notes>::new_in(dir.path()).expect("a map");
    map.insert(&1, "one").expect("inserted");
    let locked = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Locked { .. })), "{result:?}");
    locked(Disk::<Notes>::load_from(dir.path()).map(drop));
    locked(DiskHashMap::<u64, str>::load_from(dir.path()).map(drop));
    locked(Disk::<Notes>::open_with(dir.path(), OpenOptions::new().read_only(true)).map(drop));
    drop(map);
    let existing = Disk::<Notes>::new_in(dir.path());
    assert!(matches!(existing, Err(Error::AlreadyExists { .. })));
    let mismatch =
        |result: Result<(), Error>| assert!(matches!(result, Err(Error::SchemaMismatch { .. })), "{result:?}");
    mismatch(Disk::<Numbers>::load_from(dir.path()).map(drop));
    mismatch(Disk::<Texts>::load_from(dir.path()).map(drop));
    let strings: DiskDashMap<u64, String> = DiskDashMap::load_from(dir.path()).expect("text is text");
    assert_eq!(strings.get_owned(&1).expect("read"), Some("one".to_string()));
}

/// The pairs of keys that a thread writes one after the other.
const PAIRS: u64 = 40;

/// Two threads write each number to one key, then to another one, until `done`.
fn ordered_writes<T: Kind, BS: ByteStore>(map: &DiskDashMap<T::K, T::V, BS>, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let done = &done;
            scope.spawn(move || {
                let mut count = 0;
                while !done.load(Ordering::Relaxed) {
                    let pair = count % PAIRS * 2 + thread;
                    for key in [pair * 2, pair * 2 + 1] {
                        map.insert(&T::key(key), &T::value(count)).expect("inserted");
                    }
                    count += 1;
                }
            });
        }
        work();
        done.store(true, Ordering::Relaxed);
    });
}

/// One moment's state: of each pair the second is the first's, or the one before. Of all pairs of a thread at most one is
/// between its writes.
fn is_one_moment(get: impl Fn(u64) -> Option<u64>) {
    for thread in 0..2 {
        let (mut between, mut newest, mut oldest) = (0, 0, u64::MAX);
        for pair in (0..PAIRS).map(|i| i * 2 + thread) {
            let (first, second) = (get(pair * 2), get(pair * 2 + 1));
            if first != second {
                let before = first.and_then(|first| first.checked_sub(PAIRS));
                assert_eq!(second, before, "the second has a write that the first has not, or lacks an old one");
                between += 1;
            }
            newest = newest.max(first.map_or(0, |first| first + 1));
            oldest = oldest.min(first.map_or(0, |first| first + 1));
        }
        assert!(between <= 1, "{between} pairs are between their writes");
        assert!(newest < oldest.max(1) + PAIRS + 1, "a write to one key is there, and older ones to others are not");
    }
}

fn moments<T: Kind>() {
    let dir = crate::isolated::memory_dir();
    let path = |name: &str| dir.path().join(name);
    let map = Disk::<T>::with_shards(options(false).auto_checkpoint(None).open(path("map")).expect("a map"), 8);
    let map = map.expect("a map");
    ordered_writes::<T, _>(&map, || {
        for _ in 0..300 * patience() {
            let snapshot = map.snapshot();
            is_one_moment(|key| snapshot.get(&T::key(key)).expect("read").map(T::seed));
        }
        for i in 0..5 {
            map.backup_to(path(&format!("backup{i}"))).expect("a backup");
            let backup = Disk::<T>::load_from(path(&format!("backup{i}"))).expect("the backup");
            is_one_moment(|key| backup.get(&T::key(key)).expect("read").map(|value| T::seed(value.value())));
        }
    });
    drop(map);
    for boot in 1..10 {
        after_a_power_cut::<T>(&path("map"), boot);
    }
}

/// The machine's next boot finds the last checkpoint, and all shards as they were at one moment.
fn after_a_power_cut<T: Kind>(dir: &Path, boot: u8) {
    let options = options(false).auto_checkpoint(None).boot_id([boot; 16]);
    let map = Disk::<T>::with_shards(options.open(dir).expect("the map"), 1 << (boot % 6)).expect("the map");
    if boot > 1 {
        assert_eq!(map.stats().recovery, Recovery::RolledBack);
        assert!(!map.is_empty(), "there were checkpoints");
    }
    is_one_moment(|key| map.get(&T::key(key)).expect("read").map(|value| T::seed(value.value())));
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    map.clear().expect("cleared");
    ordered_writes::<T, _>(&map, || {
        for _ in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            map.checkpoint().expect("a checkpoint");
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    });
}

#[test]
fn snapshots_backups_and_checkpoints_of_numbers_are_of_one_moment() {
    moments::<Numbers>();
}

#[test]
fn snapshots_backups_and_checkpoints_of_texts_are_of_one_moment() {
    moments::<Texts>();
}
