//! Values whose encoding uses the map that they are stored in, or panics: it runs in the middle of a change.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diskmap::{Encode, Error, Result};

use super::*;

/// Text that does something first, whenever it is encoded.
struct Busy<'a>(&'a str, &'a dyn Fn());

impl Encode<Busy<'_>> for str {
    fn encoded_len(busy: &Busy<'_>) -> Result<usize> {
        (busy.1)();
        <str as Encode<str>>::encoded_len(busy.0)
    }

    fn encode_into(busy: &Busy<'_>, out: &mut [u8]) -> Result<usize> {
        (busy.1)();
        <str as Encode<str>>::encode_into(busy.0, out)
    }
}

const KEYS: u64 = 300;

/// Stores a value in every way there is.
fn store<BS: ByteStore>(map: &Map<Notes, BS>, value: &Busy<'_>) {
    let again = |_: &str| Busy(value.0, value.1);
    map.insert(&1, value).expect("inserted");
    map.insert(&KEYS, value).expect("inserted");
    map.remove(&KEYS).expect("removed");
    assert!(map.try_insert(&KEYS, value).expect("inserted"));
    map.entry(&2).expect("an entry").insert_entry(value).expect("inserted");
    map.remove(&KEYS).expect("removed");
    map.entry(&KEYS).expect("an entry").or_insert(value).expect("inserted");
    map.entry(&3).expect("an entry").and_modify(again).expect("modified");
    assert!(map.update(&4, again).expect("updated"));
    map.alter_all(|_, old| Busy(if old.is_empty() { "" } else { value.0 }, value.1)).expect("altered");
    assert!(map.values().all(|found| &*found.expect("a value") == value.0));
    assert_eq!(map.len(), KEYS + 1);
    map.remove(&KEYS).expect("removed");
}

fn refused<R>(result: Result<R>) {
    assert!(matches!(result, Err(Error::Reentrant)), "{:?}", result.map(drop));
}

fn used_in_the_middle<BS: ByteStore>(map: &Map<Notes, BS>) {
    for key in 0..KEYS {
        map.insert(&key, "one").expect("inserted");
    }
    let calls = std::cell::Cell::new(0u64);
    let uses = || {
        calls.set(calls.get() + 1);
        refused(map.checkpoint());
        refused(map.backup_to("/nowhere"));
        refused(map.clone().close());
        refused(map.insert(&1, "two"));
        refused(map.clear());
        refused(map.compact());
        refused(map.verify());
        assert!(map.get(&5).expect("read").is_some());
        assert!(map.len() >= KEYS && map.stats().entries >= KEYS);
        if calls.get().is_multiple_of(16) {
            assert!(map.iter().count() as u64 >= KEYS);
            catch_unwind(AssertUnwindSafe(|| drop(map.snapshot()))).expect_err("a snapshot cannot be made now");
        }
    };
    store(map, &Busy("two", &uses));
    assert!(calls.get() > KEYS);
    // Other threads wait until the change is over, and this one may go on after it.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| map.checkpoint().expect("a checkpoint"));
        store(map, &Busy("three", &|| ()));
        thread.join().expect("no panic");
    });
    assert_eq!(map.snapshot().len(), KEYS);
    map.checkpoint().expect("a checkpoint");
    assert!(map.verify().expect("verified").is_sound());
}

#[test]
fn an_encoding_may_read_its_map_and_nothing_else() {
    used_in_the_middle(&Mem::<Notes>::new().expect("a map"));
    let dir = tempfile::tempdir().expect("a directory");
    used_in_the_middle(&Disk::<Notes>::with_shards_in(dir.path(), 64).expect("a map"));
}

#[test]
fn an_encoding_that_panics_leaves_the_map_as_it_was() {
    let map = Mem::<Notes>::with_shards(diskmap::MemHashMap::new(), 1).expect("a map");
    for key in 0..KEYS {
        map.insert(&key, "one").expect("inserted");
    }
    for at in 0..12 {
        // Lengths are asked for first, so that the second call is in the middle of a record.
        let calls = std::cell::Cell::new(0);
        let panics = || {
            calls.set(calls.get() + 1);
            assert!(calls.get() != at, "on purpose");
        };
        let _ = catch_unwind(AssertUnwindSafe(|| store(&map, &Busy("one", &panics))));
        let _ = map.remove(&KEYS).expect("removed");
        assert_eq!(count_of_ones(&map), KEYS);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(map.insert(&1, "one").expect("inserted")));
            scope.spawn(|| drop(map.snapshot()));
        });
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    }
}

fn count_of_ones<BS: ByteStore>(map: &Map<Notes, BS>) -> u64 {
    map.iter().map(|entry| assert_eq!(entry.expect("an entry").value(), "one")).count() as u64
}
