//! How much room a map takes, and gives back.

use super::*;

fn random(n: u64) -> u64 {
    fastrand::Rng::with_seed(n).u64(..)
}

#[test]
fn a_capacity_is_enough() -> Fallible {
    for count in [1, 10, 64, 100, 1_000, 4_000, 30_000, 200_000] {
        let dir = scratch();
        let mut map: DiskHashMap<u64, u64> = DiskHashMap::with_capacity(dir.path(), count, 0, 0)?;
        assert!(map.capacity() >= count);
        let (segments, slots, bytes) = (map.stats().segments, map.stats().slots, map.file_size());
        for n in 0..count {
            map.insert(&random(n), &n)?;
        }
        let stats = map.stats();
        assert_eq!((stats.segments, stats.slots, map.file_size()), (segments, slots, bytes), "{count} entries");
        // And not much more than enough.
        assert!(count < 64 || map.load_factor() > 0.3, "{count}: {}", map.load_factor());
    }
    Ok(())
}

#[test]
fn a_capacity_for_text_is_enough() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<str, str> = DiskHashMap::with_capacity(dir.path(), 50_000, 50_000 * 8, 50_000 * 20)?;
    let (segments, bytes) = (map.stats().segments, map.file_size());
    for n in 0..50_000 {
        map.insert(&format!("{n:08}"), &format!("{n:020}"))?;
    }
    assert_eq!((map.stats().segments, map.file_size()), (segments, bytes));
    Ok(())
}

#[test]
fn reserve_makes_room_for_more() -> Fallible {
    let mut map = MemHashMap::<u64, [u8; 20]>::new();
    map.try_extend((0..1_000).map(|n| (random(n), [1; 20])))?;
    map.reserve(20_000)?;
    assert!(map.capacity() >= 21_000);
    let before = map.stats();
    map.reserve(0)?;
    map.reserve(20_000)?;
    map.try_extend((1_000..21_000).map(|n| (random(n), [1; 20])))?;
    assert_eq!((map.stats().segments, map.stats().slots), (before.segments, before.slots));
    assert!((0..21_000).all(|n| map.get(&random(n)).unwrap() == Some([1; 20])));
    Ok(())
}

#[test]
fn the_load_factor_is_entries_per_slot() -> Fallible {
    let mut map = MemHashMap::<u64, u64>::new();
    assert_eq!(map.load_factor(), 0.0);
    for n in 0..100_000 {
        map.insert(&n, &n)?;
        if n % 5_000 == 0 {
            assert!(map.capacity() >= map.len());
            let stats = map.stats();
            assert_eq!(map.load_factor(), stats.entries as f64 / stats.slots as f64);
        }
    }
    assert!((0.4..0.95).contains(&map.load_factor()), "{}", map.load_factor());
    Ok(())
}

#[test]
fn an_empty_map_is_small() -> Fallible {
    let dir = scratch();
    let map: DiskHashMap<str, str> = DiskHashMap::new_in(dir.path())?;
    assert!(map.capacity() > 0 && map.load_factor() == 0.0);
    map.close()?;
    assert!(bytes_on_disk(dir.path()) < 256 << 10, "{}", bytes_on_disk(dir.path()));
    Ok(())
}

/// Fills, empties and refills a map in one session.
fn refill<K, V, QK, QV>(count: u64, key: impl Fn(u64) -> QK, value: impl Fn(u64) -> QV)
where
    K: ?Sized + diskmap::DiskKey + Encode<QK>,
    V: ?Sized + Encode<QV>,
{
    let dir = scratch();
    let mut map: DiskHashMap<K, V> = DiskHashMap::new_in(dir.path()).unwrap();
    let fill = |map: &mut DiskHashMap<K, V>| {
        for n in 0..count {
            assert!(map.insert(&key(n), &value(n)).unwrap().is_none());
        }
    };
    fill(&mut map);
    let full = map.file_size();
    for _ in 0..3 {
        for n in 0..count {
            assert!(map.remove(&key(n)).unwrap().is_some());
        }
        assert!(map.is_empty());
        fill(&mut map);
        let now = map.file_size();
        assert!(now as f64 <= full as f64 * 1.05, "{count}: grew from {full} to {now} bytes");
    }
    map.retain(|_, _| false).unwrap();
    fill(&mut map);
    map.clear().unwrap();
    fill(&mut map);
    // Clearing puts one new segment beside those that are there.
    let now = map.file_size();
    assert!(now as f64 <= full as f64 * 1.05 + 160_000.0, "{count}: grew from {full} to {now} bytes");

    map.retain(|_, _| false).unwrap();
    map.shrink_to_fit().unwrap();
    assert!(map.file_size() < 1 << 20);
    map.close().unwrap();
    assert!(bytes_on_disk(dir.path()) < 1 << 20, "{} bytes of nothing", bytes_on_disk(dir.path()));
    let map = DiskHashMap::<K, V>::load_from(dir.path()).unwrap();
    assert!(map.is_empty() && map.file_size() < 1 << 20);
}

#[test]
fn emptied_and_filled_again_it_does_not_grow() {
    for count in [10, 1_000, 20_000, 100_000] {
        refill::<u64, u64, _, _>(count, |n| n, |n| n);
        refill::<str, u64, _, _>(count, |n| format!("key {n}"), |n| n);
        refill::<u64, str, _, _>(count, |n| n, |n| "v".repeat(n as usize * 31 % 257));
    }
    refill::<u64, [u64; 4], _, _>(50_000, |n| n, |n| [n; 4]);
}

/// Records of all lengths come and go: what is freed is used again.
#[test]
fn overwriting_does_not_grow() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, Bytes> = DiskHashMap::new_in(dir.path())?;
    let mut rng = fastrand::Rng::with_seed(1);
    let value = [7; 600];
    let mut settled = 0;
    for round in 0..300_000 {
        map.insert(&rng.u64(..1_000), &value[..rng.usize(1..600)])?;
        if round == 100_000 {
            settled = map.file_size();
        }
    }
    assert!(map.file_size() <= settled * 11 / 10, "{settled} to {}", map.file_size());
    assert!(map.file_size() < 16 << 20, "{}", map.file_size());
    Ok(())
}

#[test]
fn overwriting_under_checkpoints_stays_bounded() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, Bytes> = OpenOptions::new().create(true).auto_checkpoint(None).open(dir.path())?;
    let mut rng = fastrand::Rng::with_seed(2);
    let value = [7; 600];
    for _ in 0..60 {
        for _ in 0..1_000 {
            map.insert(&rng.u64(..1_000), &value[..rng.usize(1..600)])?;
        }
        map.checkpoint()?;
    }
    // The map, and what the last checkpoint kept of it.
    assert!(map.file_size() < 8 << 20, "{}", map.file_size());
    let stats = map.stats();
    assert!(stats.heap_bytes < 4 << 20, "{stats:?}");
    Ok(())
}

/// Shrinking keeps what is there, wherever it lies.
#[test]
fn shrinking_keeps_the_rest() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    map.try_extend((0..200_000u64).map(|n| (n, n.to_string())))?;
    let full = map.file_size();
    map.retain(|key, _| key.is_multiple_of(1_000))?;
    map.shrink_to_fit()?;
    assert!(map.stats().segments == 1 && map.file_size() < full, "{:?}", map.stats());
    let check = |map: &DiskHashMap<u64, String>| {
        assert_eq!(map.len(), 200);
        assert!((0..200_000u64).step_by(500).all(|n| {
            let there = n.is_multiple_of(1_000).then(|| n.to_string());
            map.get(&n).unwrap() == there.as_deref()
        }));
    };
    check(&map);
    map.close()?;
    check(&DiskHashMap::load_from(dir.path())?);
    Ok(())
}
