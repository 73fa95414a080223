//! Memory that the caller provides: it cannot grow, whatever is asked of it.

use diskmap::{DiskHashMap, Error, SliceStore};
use diskmap_concurrent::DiskDashMap;

type Single<'a> = DiskHashMap<u64, str, SliceStore<'a>>;
type Shared<'a> = DiskDashMap<u64, str, SliceStore<'a>>;

/// Two threads fill the map; how many entries there are then.
fn fill(map: &Shared<'_>) -> u64 {
    std::thread::scope(|scope| {
        for thread in 0..2 {
            scope.spawn(move || {
                for number in (thread..).step_by(2) {
                    match map.insert(&number, &number.to_string()) {
                        Ok(old) => assert!(old.is_none()),
                        Err(error) => {
                            assert!(matches!(error, Error::Full { .. }), "{error}");
                            break;
                        }
                    }
                    assert_eq!(map.get(&number).expect("read").as_deref(), Some(&*number.to_string()));
                }
            });
        }
    });
    assert_eq!(map.len(), map.iter().filter(|entry| entry.is_ok()).count() as u64);
    assert!(map.verify().expect("verified").is_sound());
    map.len()
}

#[test]
fn memory_of_the_callers_is_shared() {
    let mut memory = vec![0; Single::required_bytes(30_000, 0, 300_000)];
    let map = Shared::with_shards(Single::new_in_slice(&mut memory).expect("a map"), 4).expect("shared");
    let held = map.insert(&1, "one").expect("inserted").is_none().then(|| map.get(&1).expect("read").expect("there"));
    map.clear().expect("cleared");
    assert_eq!(held.as_deref(), Some("one"));
    drop(held);
    let filled = fill(&map);
    assert!(filled > 10_000, "{filled}");
    for _ in 0..3 {
        map.clear().expect("a full map is cleared");
        assert!(map.is_empty() && map.iter().next().is_none());
        let again = fill(&map);
        assert!(again > filled / 2, "{again} of {filled}");
    }
    let len = map.len();
    drop(map);
    let single = Single::load_from_slice(&mut memory).expect("the map");
    assert_eq!(single.len(), len);
}

#[test]
fn too_little_memory_for_the_shards_is_refused_and_keeps_its_entries() {
    let mut memory = vec![0; Single::required_bytes(100, 0, 1_000)];
    let mut single = Single::new_in_slice(&mut memory).expect("a map");
    for number in 0..100 {
        single.insert(&number, "x").expect("inserted");
    }
    assert!(matches!(Shared::with_shards(single, 64), Err(Error::Full { .. })));
    let single = Single::load_from_slice(&mut memory).expect("the map");
    assert_eq!((single.len(), single.iter().count()), (100, 100));
    let map = Shared::with_shards(single, 1).expect("one shard needs nothing");
    assert_eq!(map.get(&7).expect("read").as_deref(), Some("x"));
    map.clear().expect("cleared");
    assert!(map.is_empty());
}
