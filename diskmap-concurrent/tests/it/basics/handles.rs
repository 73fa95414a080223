//! Handles: how many there are, how a map is closed, shards, hashers, opening to read only.

use diskmap::{Error, OpenOptions, SipBuildHasher, StableHasher};
use diskmap_concurrent::{DiskDashMap, MemDashMap, U32Hasher, U64Hasher};

use super::*;

#[test]
fn clones_are_handles_to_the_same_map() {
    let map = Mem::<Texts>::new().expect("a map");
    let others: Vec<_> = (0..10).map(|_| map.clone()).collect();
    std::thread::scope(|scope| {
        for (number, other) in (0..).zip(&others) {
            scope.spawn(move || drop(other.insert(&Texts::key(number), &Texts::value(number)).expect("inserted")));
        }
    });
    let expected: HashMap<u64, u64> = (0..10).map(|number| (number, number)).collect();
    assert_eq!(seeds::<Texts, _>(&map), expected);
    let map = map.into_inner().expect_err("there are others");
    drop(others);
    let mut single = map.into_inner().expect("the only handle");
    assert_eq!(single.len(), 10);
    single.insert("more", "words").expect("inserted");
    let map = Mem::<Texts>::try_from(single).expect("shared again");
    assert_eq!(map.get("more").expect("read").as_deref(), Some("words"));
}

#[test]
fn a_map_is_closed_with_its_last_handle() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Disk::<Notes>::open(dir.path());
    let map = open().expect("a map");
    let other = map.clone();
    map.insert(&1, "one").expect("inserted");
    map.close().expect("a checkpoint");
    assert!(matches!(open(), Err(Error::Locked { .. })), "another handle keeps it open");
    other.insert(&2, "two").expect("inserted");
    other.close().expect("closed");
    let map = open().expect("the map");
    assert_eq!(map.stats().recovery, diskmap::Recovery::Closed);
    let single = map.into_inner().expect("the only handle");
    assert!(matches!(open(), Err(Error::Locked { .. })));
    assert_eq!((single.len(), single.get(&2).expect("read")), (2, Some("two")));
    single.close().expect("closed");
    let snapshot = {
        let map = open().expect("the map");
        let snapshot = map.snapshot();
        map.insert(&2, "zwei").expect("inserted");
        snapshot
    };
    assert!(matches!(open(), Err(Error::Locked { .. })), "a snapshot keeps it open");
    assert_eq!(snapshot.get(&2).expect("read"), Some("two"));
    drop(snapshot);
    let map = open().expect("the map");
    assert_eq!(map.get(&2).expect("read").as_deref(), Some("zwei"));
}

#[test]
fn the_number_of_shards_is_the_handles_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut number = 0;
    for (shards, expected) in [(1, 1), (2, 2), (3, 4), (32, 32), (1_000, 1_024), (usize::MAX, 1_024), (1, 1), (8, 8)] {
        let map = Disk::<Wide>::with_shards_in(dir.path(), shards).expect("a map");
        assert_eq!(map.shards(), expected);
        for _ in 0..500 {
            map.insert(&Wide::key(number), &Wide::value(number)).expect("inserted");
            number += 1;
        }
        map.retain(|key, _| !Wide::number(key).is_multiple_of(10)).expect("retained");
        let expected: HashMap<u64, u64> = (0..number).filter(|n| n % 10 != 0).map(|n| (n, n)).collect();
        assert_eq!(seeds::<Wide, _>(&map), expected);
        assert!(map.verify().expect("verified").is_sound());
        map.compact().expect("compacted");
    }
    assert!(matches!(Disk::<Wide>::with_shards_in(dir.path(), 0), Err(Error::InvalidInput { .. })));
    let map = Disk::<Wide>::open(dir.path()).expect("the map");
    assert!(map.shards() >= 4);
    map.clear().expect("cleared");
    assert_eq!((map.len(), map.iter().count()), (0, 0));
}

fn hashed<S: StableHasher + Clone + Send + Sync + 'static>(hasher: S) {
    let dir = tempfile::tempdir().expect("a directory");
    let map: DiskDashMap<u64, u64, _, S> = DiskDashMap::new_in_with_hasher(dir.path(), hasher.clone()).expect("a map");
    let memory = MemDashMap::<u64, u64, S>::new_with_hasher(hasher.clone()).expect("a map");
    for number in 0..20_000 {
        assert!(map.insert(&(number << 32), &number).expect("inserted").is_none());
        assert!(memory.insert(&number, &number).expect("inserted").is_none());
    }
    assert!(memory.iter().all(|entry| entry.is_ok_and(|entry| entry.key() == entry.value())));
    map.close().expect("closed");
    let map = DiskDashMap::<u64, u64, _, S>::load_from_with_hasher(dir.path(), hasher.clone()).expect("the map");
    for number in 0..20_000 {
        assert_eq!(map.get_copied(&(number << 32)).expect("read"), Some(number));
        assert_eq!(memory.get_copied(&number).expect("read"), Some(number));
    }
    drop(map);
    let other = DiskDashMap::<u64, u64>::load_from(dir.path());
    assert!(matches!(other, Err(Error::HasherMismatch { .. })));
    let map = DiskDashMap::<u64, u64, _, S>::open_with_hasher(dir.path(), hasher).expect("the map");
    assert_eq!(map.len(), 20_000);
}

#[test]
fn maps_with_other_hashers() {
    hashed(U64Hasher);
    hashed(SipBuildHasher::default());
    let ids = MemDashMap::<u32, u64, U32Hasher>::new_with_hasher(U32Hasher).expect("a map");
    for id in 0..10_000u32 {
        ids.insert(&id, &u64::from(id)).expect("inserted");
    }
    assert!((0..10_000u32).all(|id| ids.get_copied(&id).expect("read") == Some(u64::from(id))));
}

#[test]
fn a_map_that_is_opened_to_read_is_not_written_to() {
    let dir = tempfile::tempdir().expect("a directory");
    let map = Disk::<Notes>::with_capacity(dir.path(), 1_000, 0, 10_000).expect("a map");
    for number in 0..1_000 {
        map.insert(&number, &Notes::value(number)).expect("inserted");
    }
    let read_only = || Disk::<Notes>::open_with(dir.path(), OpenOptions::new().read_only(true));
    assert!(matches!(read_only(), Err(Error::Locked { .. })));
    map.close().expect("closed");
    let maps = [read_only().expect("the map"), read_only().expect("the map")];
    for map in &maps {
        read::<Notes, _>(map, &(0..1_000).map(|number| (number, number)).collect());
        assert!(map.verify().expect("verified").is_sound());
        let refused = |result: diskmap::Result<()>| assert!(matches!(result, Err(Error::ReadOnly)), "{result:?}");
        refused(map.insert(&1, "x").map(drop));
        refused(map.insert(&5_000, "x").map(drop));
        refused(map.try_insert(&5_000, "x").map(drop));
        refused(map.remove(&1).map(drop));
        refused(map.remove_if(&1, |_| true).map(drop));
        refused(map.update(&1, |_| "x".to_string()).map(drop));
        refused(map.get_or_insert_with(&5_000, || "x".to_string()).map(drop));
        refused(map.entry(&1).expect("an entry").insert_entry("x").map(drop));
        refused(map.entry(&5_000).expect("an entry").or_insert("x").map(drop));
        refused(map.retain(|_, _| false));
        refused(map.alter_all(|_, _| "x".to_string()));
        refused(map.clear());
        refused(map.reserve(1_000_000));
        refused(map.compact().map(drop));
        refused(map.shrink_to_fit());
        assert_eq!((map.len(), map.get(&1).expect("read").map(|one| Notes::seed(&one))), (1_000, Some(1)));
        map.backup_to(dir.path().join(format!("backup{}", map.len()))).unwrap_or_else(|error| {
            assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        });
    }
    let backup = Disk::<Notes>::load_from(dir.path().join("backup1000")).expect("the backup");
    read::<Notes, _>(&backup, &(0..1_000).map(|number| (number, number)).collect());
}

#[test]
fn maps_and_what_they_return_are_shown_as_what_they_hold() {
    let map = Mem::<Notes>::new().expect("a map");
    assert_eq!(format!("{map:?}"), "{}");
    map.insert(&1, "one").expect("inserted");
    assert_eq!(format!("{map:?}"), r#"{1: "one"}"#);
    let (one, same) = (map.get(&1).expect("read").expect("there"), map.get(&1).expect("read").expect("there"));
    assert_eq!((format!("{one:?} {one}"), one == same), (r#""one" one"#.to_string(), true));
    map.insert(&1, "uno").expect("inserted");
    assert_ne!(one, map.get(&1).expect("read").expect("there"));
    let entry = map.iter().next().expect("an entry").expect("an entry");
    assert_eq!(format!("{entry:?}"), r#"(1, "uno")"#);
    let (key, value) = (map.keys().next().expect("a key"), map.values().next().expect("a value"));
    assert_eq!(format!("{:?} {:?}", key.expect("a key"), value.as_deref().expect("a value")), r#"1 "uno""#);
}

/// Shared again, with more or fewer shards, and in between made as small as it can be.
#[test]
fn a_map_that_is_shared_again_has_the_shards_it_was_asked_for() {
    let mut single = diskmap::MemHashMap::<u64, u64>::new();
    for shards in [4, 64, 2, 128, 1] {
        let map = MemDashMap::with_shards(single, shards).expect("a map");
        assert_eq!(map.shards(), shards);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for number in (thread..20_000).step_by(4) {
                        assert!(map.insert(&number, &number).expect("inserted").is_none());
                    }
                });
            }
        });
        assert_eq!((map.len(), map.iter().count()), (20_000, 20_000));
        assert!(map.verify().expect("verified").is_sound());
        single = map.into_inner().expect("the only handle");
        single.clear().expect("cleared");
    }
}
