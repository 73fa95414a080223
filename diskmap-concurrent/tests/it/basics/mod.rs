//! Every method once, by one thread: on disk, in memory, and in a map that was opened again.

use std::{collections::HashMap, ops::ControlFlow};

use diskmap::ByteStore;

use crate::kinds::{Disk, Kind, Map, Mem, Names, Notes, Numbers, Texts, Wide};

mod encoding;
mod handles;
mod reentry;
mod slices;

fn seeds<T: Kind, BS: ByteStore>(map: &Map<T, BS>) -> HashMap<u64, u64> {
    let mut all = HashMap::new();
    for entry in map {
        let entry = entry.expect("an entry");
        let (key, value) = entry.pair();
        assert_eq!(all.insert(T::number(key), T::seed(value)), None, "met twice");
    }
    all
}

/// Reads in every way there is.
fn read<T: Kind, BS: ByteStore>(map: &Map<T, BS>, expected: &HashMap<u64, u64>) {
    assert_eq!(map.len(), expected.len() as u64);
    assert_eq!(map.is_empty(), expected.is_empty());
    assert_eq!(&seeds::<T, BS>(map), expected);
    let mut keys: Vec<u64> = map.keys().map(|key| T::number(key.expect("a key").value())).collect();
    let mut values: Vec<u64> = map.values().map(|value| T::seed(value.expect("a value").value())).collect();
    let (mut expected_keys, mut expected_values): (Vec<u64>, Vec<u64>) = expected.iter().map(|(&k, &v)| (k, v)).unzip();
    for all in [&mut keys, &mut values, &mut expected_keys, &mut expected_values] {
        all.sort_unstable();
    }
    assert_eq!((keys, values), (expected_keys, expected_values));

    let (mut cursor, mut scanned) = (Some(0), HashMap::new());
    while let Some(at) = cursor {
        let (part, next) = map.scan(at).expect("a part");
        for entry in part {
            let (key, value) = entry.expect("an entry").into_owned().expect("owned");
            let (key, value) = (T::number_of(&key), T::seed_of(&value));
            assert_eq!(scanned.insert(key, value), None, "met twice");
        }
        cursor = next;
    }
    assert_eq!(&scanned, expected);

    let numbers: Vec<u64> = expected.keys().copied().chain([1 << 40, 1 << 41]).collect();
    let keys: Vec<T::Key> = numbers.iter().map(|&number| T::key(number)).collect();
    let many = map.get_many(&keys);
    assert_eq!(many.len(), keys.len());
    for ((value, number), key) in many.zip(&numbers).zip(&keys) {
        let expected = expected.get(number).copied();
        assert_eq!(value.expect("read").map(|value| T::seed(value.value())), expected);
        assert_eq!(map.get(key).expect("read").map(|value| T::seed(value.value())), expected);
        assert_eq!(map.get_owned(key).expect("read"), expected.map(T::value));
        assert_eq!(map.view(key, |value| T::seed(value)).expect("read"), expected);
        assert_eq!(map.contains_key(key).expect("read"), expected.is_some());
    }
    let snapshot = map.snapshot();
    assert_eq!(snapshot.len(), expected.len() as u64);
    for (&number, &value) in expected {
        assert_eq!(snapshot.get(&T::key(number)).expect("read").map(T::seed), Some(value));
    }
}

/// Writes in every way there is; what is in the map then.
fn write<T: Kind, BS: ByteStore>(map: &Map<T, BS>) -> HashMap<u64, u64> {
    let (key, value) = (T::key, T::value);
    let old = |old: Option<diskmap_concurrent::Ref<'_, T::V>>| old.map(|old| T::seed(old.value()));
    for number in 0..2_000 {
        assert_eq!(old(map.insert(&key(number), &value(number)).expect("inserted")), None);
    }
    assert_eq!(old(map.insert(&key(1), &value(10)).expect("inserted")), Some(1));
    assert!(!map.try_insert(&key(1), &value(11)).expect("tried"));
    assert!(map.try_insert(&key(5_000), &value(50)).expect("tried"));
    assert_eq!(old(map.remove(&key(2)).expect("removed")), Some(2));
    assert_eq!(old(map.remove(&key(2)).expect("removed")), None);
    assert_eq!(map.take(&key(3)).expect("taken"), Some(value(3)));
    assert_eq!(map.take(&key(3)).expect("taken"), None);
    assert_eq!(old(map.remove_if(&key(4), |seen| T::seed(seen) != 4).expect("asked")), None);
    assert_eq!(old(map.remove_if(&key(4), |seen| T::seed(seen) == 4).expect("asked")), Some(4));
    assert_eq!(old(map.remove_if(&key(4), |_| unreachable!()).expect("asked")), None);
    assert!(map.update(&key(5), |seen| value(T::seed(seen) + 100)).expect("updated"));
    assert!(!map.update(&key(4), |_| -> T::Value { unreachable!() }).expect("updated"));
    assert!(map.alter(&key(6), |given, seen| value(T::number_of(given) * 1_000 + T::seed(seen))).expect("altered"));
    let found = map.get_or_insert_with(&key(7), || -> T::Value { unreachable!() }).expect("found");
    assert_eq!(T::seed(found.value()), 7);
    let found = map.get_or_insert_with(&key(6_000), || value(60)).expect("stored");
    assert_eq!(found.into_owned().expect("owned"), value(60));
    if let Some(done) = T::exchange(map, 8, 8, 80) {
        assert_eq!(done, Ok(()));
        assert_eq!(T::exchange(map, 8, 8, 81), Some(Err(Some(80))));
        assert_eq!(T::exchange(map, 2, 2, 81), Some(Err(None)));
    } else {
        map.insert(&key(8), &value(80)).expect("inserted");
    }
    entries::<T, BS>(map);
    map.retain(|key, value| T::number(key) % 3 != 0 || T::seed(value) > 5_000).expect("retained");
    map.alter_all(|key, seen| value(T::seed(seen) * 2 + T::number(key))).expect("altered");
    let mut expected: HashMap<u64, u64> = (0..2_000).map(|number| (number, number)).collect();
    expected.extend([
        (1, 10),
        (5_000, 50),
        (5, 105),
        (6, 6_006),
        (6_000, 60),
        (8, 80),
        (9, 90),
        (10, 101),
        (7_000, 70),
    ]);
    expected.extend([(7_001, 71), (7_002, 7_002), (7_003, 0), (7_004, 74)]);
    expected.retain(|&key, &mut value| ![2, 3, 4, 11].contains(&key) && (key % 3 != 0 || value > 5_000));
    expected.iter_mut().for_each(|(&key, value)| *value = *value * 2 + key);
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    expected
}

fn entries<T: Kind, BS: ByteStore>(map: &Map<T, BS>) {
    use diskmap_concurrent::MapEntry;

    let (key, value) = (T::key, T::value);
    let seed = |value: diskmap_concurrent::Ref<'_, T::V>| T::seed(value.value());
    let entry = |key| map.entry(key).expect("an entry");
    let nine = key(9);
    let MapEntry::Occupied(occupied) = entry(&nine) else { panic!("9 is there") };
    assert_eq!((occupied.key(), seed(occupied.get().expect("read"))), (&nine, 9));
    assert_eq!(seed(occupied.insert(&value(90)).expect("inserted")), 9);
    let (ten, eleven, new) = (key(10), key(11), [0, 1, 2, 3, 4].map(|i| key(7_000 + i)));
    let modified = entry(&ten).and_modify(|seen| value(T::seed(seen) + 90)).expect("modified");
    assert!(modified.is_occupied());
    assert_eq!(
        seed(modified.and_modify(|seen| value(T::seed(seen) + 1)).expect("again").or_insert(&value(0)).expect("there")),
        101
    );
    let MapEntry::Occupied(occupied) = entry(&eleven) else { panic!("11 is there") };
    assert_eq!(seed(occupied.remove().expect("removed")), 11);
    let MapEntry::Vacant(vacant) = entry(&new[0]) else { panic!("7000 is not there") };
    assert_eq!(vacant.key(), &new[0]);
    assert_eq!(seed(vacant.insert(&value(70)).expect("inserted")), 70);
    assert!(entry(&new[1]).is_vacant());
    assert_eq!(seed(entry(&new[1]).or_insert_with(|| value(71)).expect("inserted")), 71);
    assert_eq!(seed(entry(&new[2]).or_insert_with_key(|key| value(T::number_of(key))).expect("inserted")), 7_002);
    let MapEntry::Vacant(vacant) = entry(&new[3]).and_modify(|_| -> T::Value { unreachable!() }).expect("vacant")
    else {
        panic!("7003 is not there")
    };
    drop(vacant);
    assert_eq!(seed(entry(&new[3]).or_insert(&value(0)).expect("inserted")), 0);
    let four = entry(&new[4]).insert_entry(&value(73)).expect("inserted");
    assert_eq!(seed(four.get().expect("read")), 73);
    drop(four);
    let four = entry(&new[4]).insert_entry(&value(74)).expect("inserted");
    assert_eq!((four.key(), seed(four.get().expect("read"))), (&new[4], 74));
    drop(four);
    assert_eq!(entry(&new[4]).key(), &new[4]);
}

fn look_after<T: Kind, BS: ByteStore>(map: &Map<T, BS>) {
    let (keys, values) = map.schema();
    assert!(!format!("{keys:?} {values:?}").is_empty());
    map.reserve(10_000).expect("reserved");
    assert!(map.capacity().expect("capacity") >= 10_000);
    let stats = map.stats();
    assert_eq!((stats.entries, stats.file_bytes), (map.len(), map.file_size()));
    map.checkpoint().expect("a checkpoint");
    map.shrink_to_fit().expect("shrunk");
    let done = map.compact().expect("compacted");
    assert!(done.finished && done.leaked_cells == 0);
    let mut calls = 0;
    map.compact_with(|_| {
        calls += 1;
        ControlFlow::Continue(())
    })
    .expect("compacted");
    // Without records there is nothing to tell of.
    assert_eq!(calls > 0, stats.heap_bytes > 0);
    assert!(map.verify().expect("verified").is_sound());
}

fn in_memory<T: Kind>() {
    let map = Mem::<T>::new().expect("a map");
    let expected = write::<T, _>(&map);
    read::<T, _>(&map, &expected);
    look_after::<T, _>(&map);
    read::<T, _>(&map, &expected);
    assert_eq!(map.path(), None);
    map.clear().expect("cleared");
    read::<T, _>(&map, &HashMap::new());
}

fn on_disk<T: Kind>() {
    let dir = tempfile::tempdir().expect("a directory");
    let map = Disk::<T>::new_in(dir.path().join("map")).expect("a map");
    assert_eq!(map.path(), Some(dir.path().join("map").as_path()));
    let expected = write::<T, _>(&map);
    read::<T, _>(&map, &expected);
    look_after::<T, _>(&map);
    map.close().expect("closed");
    let map = Disk::<T>::load_from(dir.path().join("map")).expect("the map");
    read::<T, _>(&map, &expected);
    map.clear().expect("cleared");
    assert_eq!(write::<T, _>(&map), expected);
    read::<T, _>(&map, &expected);
    look_after::<T, _>(&map);
    map.backup_to(dir.path().join("backup")).expect("a backup");
    let backup = Disk::<T>::load_from(dir.path().join("backup")).expect("the backup");
    read::<T, _>(&backup, &expected);
}

#[test]
fn every_method_with_numbers_on_disk() {
    on_disk::<Numbers>();
}

#[test]
fn every_method_with_values_that_move_in_memory() {
    in_memory::<Wide>();
}

#[test]
fn every_method_with_names_in_memory() {
    in_memory::<Names>();
}

#[test]
fn every_method_with_notes_on_disk() {
    on_disk::<Notes>();
}

#[test]
fn every_method_with_texts_in_memory() {
    in_memory::<Texts>();
}

#[cfg(feature = "derive")]
#[test]
fn every_method_with_derived_types() {
    use crate::kinds::{Drawings, Marks, Orders};

    in_memory::<Marks>();
    on_disk::<Orders>();
    in_memory::<Drawings>();
}

#[cfg(feature = "rayon")]
#[test]
fn every_entry_is_met_once_in_parallel() {
    use rayon::prelude::*;

    let map = Mem::<Texts>::new().expect("a map");
    for entries in [0, 1, 10, 30_000] {
        while map.len() < entries {
            map.insert(&Texts::key(map.len()), &Texts::value(map.len())).expect("inserted");
        }
        let met = map.par_iter().map(|entry| {
            let entry = entry.expect("an entry");
            assert_eq!(Texts::number(entry.key()), Texts::seed(entry.value()));
            Texts::number(entry.key())
        });
        let mut met: Vec<u64> = met.collect();
        met.sort_unstable();
        assert!(met.iter().copied().eq(0..entries));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let few = Disk::<Numbers>::with_shards_in(dir.path(), 1).expect("a map");
    few.insert(&1, &2).expect("inserted");
    assert_eq!(few.par_iter().count(), 1);
}

/// Many threads ask for the same missing keys at the same time.
#[test]
fn a_missing_value_is_made_once() {
    const KEYS: u64 = 2_000;
    let map = &Mem::<Texts>::new().expect("a map");
    let made: Vec<std::sync::atomic::AtomicU64> =
        std::iter::repeat_with(Default::default).take(KEYS as usize).collect();
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (made, start) = (&made, &start);
            scope.spawn(move || {
                start.wait();
                for number in 0..KEYS {
                    let make = || {
                        made[number as usize].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Texts::value(number << 8 | thread)
                    };
                    let key = Texts::key(number);
                    let found = match thread % 2 {
                        0 => map.get_or_insert_with(&key, make),
                        _ => map.entry(&key).and_then(|entry| entry.or_insert_with(make)),
                    };
                    assert_eq!(Texts::seed(found.expect("stored").value()) >> 8, number);
                }
            });
        }
    });
    assert!(made.iter().all(|made| made.load(std::sync::atomic::Ordering::Relaxed) == 1));
}
