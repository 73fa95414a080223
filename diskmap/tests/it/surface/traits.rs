//! What traits the map and its parts implement.

use super::*;

#[test]
fn debug_shows_entries() -> Fallible {
    let mut map = MemHashMap::<u64, str>::default();
    assert_eq!(format!("{map:?}"), "{}");
    map.insert(&1, "one")?;
    assert_eq!(format!("{map:?}"), r#"{1: "one"}"#);
    map.insert(&2, "two")?;
    let shown = format!("{map:?}");
    assert!(shown == r#"{1: "one", 2: "two"}"# || shown == r#"{2: "two", 1: "one"}"#, "{shown}");
    let dir = scratch();
    let mut map: DiskHashMap<(u8, bool), Option<char>> = DiskHashMap::new_in(dir.path())?;
    map.insert(&(1, true), &Some('x'))?;
    assert_eq!(format!("{map:?}"), "{(1, true): Some('x')}");
    Ok(())
}

#[test]
fn collect_extend_clone_compare() -> Fallible {
    let mut map: MemHashMap<str, u64> = ["a", "b"].into_iter().zip(1..).collect();
    let empty = MemHashMap::<str, u64>::default();
    assert!(empty.is_empty() && empty != map);
    map.extend([("c", 3), ("a", 9)]);
    assert_eq!(map.iter().collect::<Result<BTreeMap<_, _>>>()?, BTreeMap::from([("a", 9), ("b", 2), ("c", 3)]));
    let mut copy = map.clone();
    assert_eq!(copy, map);
    copy.insert("b", &7)?;
    assert_ne!(copy, map);
    assert_eq!((map.get("b")?, copy.get("b")?), (Some(2), Some(7)));
    copy.insert("b", &2)?;
    assert_eq!(copy, map);
    copy.remove("a")?;
    assert!(copy != map);
    assert!(map != copy);
    Ok(())
}

#[test]
fn a_clone_keeps_the_hasher() -> Fallible {
    let mut map = MemHashMap::<u64, u64, _>::new_with_hasher(SipBuildHasher::with_key([7; 16]))?;
    (0..1_000).try_for_each(|n| map.insert(&n, &n).map(|_| ()))?;
    let copy = map.clone();
    assert_eq!(map.keys().collect::<Result<Vec<_>>>()?, copy.keys().collect::<Result<Vec<_>>>()?);
    Ok(())
}

#[test]
fn copies_between_all_stores() -> Fallible {
    let dir = scratch();
    let mut memory: MemHashMap<u64, String> = (0..10_000u64).map(|n| (n, n.to_string())).collect();
    let mut disk: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    disk.insert(&1, "overwritten")?;
    disk.insert(&10_000, "kept")?;
    disk.copy_from(&memory)?;
    assert_eq!((disk.len(), disk.get(&1)?, disk.get(&10_000)?), (10_001, Some("1"), Some("kept")));
    let bytes = DiskHashMap::<u64, String, SliceStore<'_>>::required_bytes(10_001, 0, 100_000);
    let mut slice = vec![0; bytes];
    let mut slice: DiskHashMap<u64, String, _> = DiskHashMap::new_in_slice(&mut slice)?;
    slice.copy_from(&disk)?;
    memory.insert(&10_000, "kept")?;
    let mut back = MemHashMap::<u64, String>::new();
    back.copy_from(&slice)?;
    assert_eq!(back, memory);
    let mut other = MemHashMap::<u64, String, _>::new_with_hasher(SipBuildHasher::new())?;
    other.copy_from(&slice)?;
    assert_eq!(other.len(), 10_001);
    assert!((0..10_000u64).all(|n| other.get(&n).unwrap() == Some(n.to_string().as_str())));
    Ok(())
}

#[test]
fn what_is_send_and_sync() {
    fn both<T: Send + Sync>() {}
    both::<DiskHashMap<u64, String>>();
    both::<DiskHashMap<Str, Bytes, MMapFile, SipBuildHasher>>();
    both::<MemHashMap<str, [u8]>>();
    both::<DiskHashMap<u64, u64, SliceStore<'_>>>();
    both::<Iter<'_, u64, String, MMapFile, FxBuildHasher>>();
    both::<Drain<'_, u64, String, MMapFile, FxBuildHasher>>();
    both::<ExtractIf<'_, u64, String, fn(u64, &str) -> bool, MMapFile, FxBuildHasher>>();
    both::<MapEntry<'_, '_, u64, String, u64>>();
    both::<GetMany<'_, '_, u64, String, u64, MMapFile, FxBuildHasher>>();
    both::<OpenOptions>();
    both::<Error>();
}

#[test]
fn many_threads_read_and_another_one_writes_on() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    map.try_extend((0..10_000u64).map(|n| (n, n.to_string())))?;
    std::thread::scope(|scope| {
        for part in 0..4 {
            let map = &map;
            scope.spawn(move || {
                for n in (part..10_000).step_by(4) {
                    assert_eq!(map.get(&n).unwrap(), Some(n.to_string().as_str()));
                }
            });
        }
    });
    let map = std::thread::spawn(move || map.insert(&0, "zero").map(|_| ()).map(|()| map)).join().unwrap()?;
    assert_eq!(map.get(&0)?, Some("zero"));
    Ok(())
}

#[test]
fn errors_become_io_errors() {
    let dir = scratch();
    let error = DiskHashMap::<u64, u64>::load_from(dir.path()).err().unwrap();
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
}
