//! What users of the predecessor wrote: the documentation of its concurrent map with only the names of the crates changed,
//! and that `value()` returns the value itself.

use std::{sync::Arc, thread};

use diskmap::{Native, Result, Str};
use diskmap_concurrent::DiskDashMap;
use tempfile::tempdir;

#[test]
fn quick_start() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let dir = tempdir()?;

    let map: Arc<DiskDashMap<Str, Str, _, _>> = Arc::new(DiskDashMap::new_in(dir.path())?);
    let handles: Vec<_> = (0..4)
        .map(|i| {
            let map = Arc::clone(&map);
            thread::spawn(move || -> Result<()> {
                for j in 0..100 {
                    let key = format!("key_{}_{}", i, j);
                    let value = format!("value_{}_{}", i, j);
                    map.insert(&key, &value)?;
                }
                Ok(())
            })
        })
        .collect();
    for handle in handles {
        handle.join().unwrap()?;
    }
    assert_eq!(map.get("key_0_0")?.unwrap().value(), "value_0_0");
    assert_eq!(map.len(), 400);

    drop(map);
    let map: DiskDashMap<Str, Str, _, _> = DiskDashMap::load_from(dir.path())?;
    assert_eq!(map.get("key_0_0")?.unwrap().value(), "value_0_0");
    assert_eq!(map.len(), 400);
    Ok(())
}

#[test]
fn shard_management() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let dir = tempdir()?;
    let map: DiskDashMap<Str, Str, _, _> = DiskDashMap::with_shards_in(dir.path(), 16)?;
    assert_eq!(map.shards(), 16);
    Ok(())
}

/// There `remove` and `clear` did nothing, and an insert in the thread that held a value of the same shard never returned.
#[test]
fn what_did_not_work() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let dir = tempdir()?;
    let map: DiskDashMap<Str, Native<u64>, _, _> = DiskDashMap::with_shards_in(dir.path(), 1)?;
    map.insert("a", &1)?;
    map.insert("b", &2)?;
    let held = map.get("a")?.unwrap();
    map.insert("a", &3)?;
    assert_eq!(map.remove("a")?.map(|old| old.value()), Some(3));
    assert!(!map.contains_key("a")?);
    map.clear()?;
    assert!(map.is_empty());
    assert_eq!(held.value(), 1);
    let long = "x".repeat(100_000);
    map.insert(&long, &4)?;
    drop(held);
    drop(map);
    let map: DiskDashMap<Str, Native<u64>, _, _> = DiskDashMap::load_from(dir.path())?;
    assert_eq!(map.get(&long)?.map(|value| value.value()), Some(4));
    assert_eq!(map.len(), 1);
    Ok(())
}
