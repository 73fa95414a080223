//! The map as a user meets it first.

use diskmap::{DiskHashMap, MemHashMap, Native, Str};

#[test]
fn numbers_in_memory() {
    let mut map = MemHashMap::<u64, u64>::new();
    for n in 0..300_000u64 {
        assert_eq!(map.insert(&n, &(n * 2)).unwrap(), None);
    }
    assert_eq!(map.len(), 300_000);
    for n in 0..300_000u64 {
        assert_eq!(map.get(&n).unwrap(), Some(n * 2), "{n}");
    }
    assert_eq!(map.get(&300_000).unwrap(), None);
    for n in 0..300_000u64 {
        assert_eq!(map.remove(&n).unwrap(), Some(n * 2), "{n}");
    }
    assert!(map.is_empty());
}

#[test]
fn text_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::new_in(dir.path()).unwrap();
    for n in 0..100_000u64 {
        map.insert(&n, &format!("value {n}")).unwrap();
    }
    map.close().unwrap();
    let mut map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::load_from(dir.path()).unwrap();
    assert_eq!(map.len(), 100_000);
    for n in 0..100_000u64 {
        assert_eq!(map.get(&n).unwrap(), Some(&*format!("value {n}")));
        map.insert(&n, &format!("other {n}")).unwrap();
    }
    drop(map);
    let map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::load_from(dir.path()).unwrap();
    for n in 0..100_000u64 {
        assert_eq!(map.get(&n).unwrap(), Some(&*format!("other {n}")));
    }
}
