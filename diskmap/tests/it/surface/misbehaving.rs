//! Codecs and closures that do not keep their promises.

use super::*;

fn is_encode<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Encode { .. }))
}

fn panics<T>(work: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

/// Claims that cannot be true of a side of eight bytes.
fn wrong() -> Vec<Odd> {
    let good = Odd::good(1);
    [0, 1, 7, 9, 16, 127, 128, 129, 1 << 20, u32::MAX as usize, usize::MAX]
        .into_iter()
        .map(|claims| Odd { claims, ..good })
        .chain([Odd { fails: true, ..good }, Odd { announces: 16, claims: 16, ..good }])
        .collect()
}

#[test]
fn wrong_lengths_of_fixed_values() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, (i32, i32)> = DiskHashMap::new_in(dir.path())?;
    map.insert(&1, &(10, 10))?;
    for odd in wrong() {
        assert!(is_encode(&map.insert(&1, &odd)), "{}", odd.claims);
        assert!(is_encode(&map.insert(&2, &odd)));
        assert!(is_encode(&map.try_insert(&2, &odd)));
        assert!(is_encode(&map.update(&1, |_| odd)));
        assert!(is_encode(&map.entry(&2)?.or_insert(&odd)));
        assert!(is_encode(&map.entry(&2)?.or_insert_with(|| odd)));
        assert!(is_encode(&map.entry(&1)?.and_modify(|_| odd).map(|_| ())));
        assert!(is_encode(&map.try_extend([(1, odd)])));
    }
    assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(1, (10, 10))]);
    let mut map = MemHashMap::<u64, [i32; 8]>::new();
    map.insert(&1, &[10; 8])?;
    for odd in wrong() {
        assert!(is_encode(&map.insert(&1, &odd)), "{}", odd.claims);
        assert!(is_encode(&map.insert(&2, &odd)));
    }
    assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(1, [10; 8])]);
    Ok(())
}

#[test]
fn wrong_lengths_of_fixed_keys() -> Fallible {
    let mut map = MemHashMap::<(i32, i32), u64>::new();
    map.insert(&(1, 0), &10)?;
    for odd in wrong() {
        assert!(is_encode(&map.insert(&odd, &1)), "{}", odd.claims);
        assert!(is_encode(&map.get(&odd)));
        assert!(is_encode(&map.contains_key(&odd)));
        assert!(is_encode(&map.remove(&odd)));
        assert!(is_encode(&map.entry(&odd).map(|_| ())));
        assert!(is_encode(&map.try_extend([(odd, 1)])));
    }
    assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [((1, 0), 10)]);
    Ok(())
}

#[test]
fn wrong_lengths_of_records() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<Bytes, Bytes> = DiskHashMap::new_in(dir.path())?;
    map.insert(b"a", b"1")?;
    let good = Odd::good(1);
    for claims in [9, 16, 1 << 20, usize::MAX] {
        let odd = Odd { claims, ..good };
        assert!(is_encode(&map.insert(b"a", &odd)), "{claims}");
        assert!(is_encode(&map.insert(b"b", &odd)));
        assert!(is_encode(&map.insert(&odd, b"1")));
        assert!(is_encode(&map.get(&odd)));
        assert!(is_encode(&map.entry(b"a")?.and_modify(|_| odd).map(|_| ())));
    }
    assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(&b"a"[..], &b"1"[..])]);
    // Less than announced is allowed.
    map.insert(b"b", &Odd { announces: 1_000, ..good })?;
    map.insert(&Odd { announces: 1_000, claims: 3, ..good }, b"2")?;
    assert_eq!(map.get(b"b")?, Some(&1u64.to_le_bytes()[..]));
    assert_eq!(map.get(b"\x01\0\0")?, Some(&b"2"[..]));
    map.close()?;
    let map: DiskHashMap<Bytes, Bytes> = DiskHashMap::load_from(dir.path())?;
    assert_eq!((map.len(), map.get(b"\x01\0\0")?), (3, Some(&b"2"[..])));
    Ok(())
}

/// Text that is none can be stored by a wrong `Encode`, but never comes back as a `&str`.
#[test]
fn what_is_not_text_is_never_read_as_text() -> Fallible {
    let mut map = MemHashMap::<u64, Str>::new();
    map.insert(&1, "one")?;
    let _ = map.insert(&2, &Odd::good(u64::MAX));
    assert!(matches!(map.get(&2), Err(Error::Corrupt { .. }) | Ok(None)));
    let readable: Vec<_> = map.iter().flatten().collect();
    assert_eq!(readable, [(1, "one")]);
    assert_eq!(map.get(&1)?, Some("one"));
    // It can be got rid of.
    map.clear()?;
    assert!(map.is_empty());
    Ok(())
}

/// Nothing a failed call allocated stays allocated.
#[test]
fn failing_again_and_again_leaks_nothing() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<Bytes, Bytes> = DiskHashMap::new_in(dir.path())?;
    map.insert(b"a", &[1; 1000])?;
    let (size, heap) = (map.file_size(), map.stats().heap_bytes);
    let odd = Odd { announces: 30_000, fails: true, ..Odd::good(1) };
    for _ in 0..2_000 {
        assert!(is_encode(&map.insert(b"a", &odd)));
        assert!(is_encode(&map.insert(b"b", &odd)));
    }
    for _ in 0..100 {
        assert!(panics(|| map.insert(b"a", &Odd { panics: true, ..odd }).map(|_| ())));
    }
    assert!(map.file_size() <= size + (1 << 20), "{size} to {}", map.file_size());
    assert!(map.stats().heap_bytes <= heap + (128 << 10));
    assert_eq!(map.get(b"a")?, Some(&[1; 1000][..]));
    Ok(())
}

fn panic_everywhere<BS: ByteStore>(map: &mut DiskHashMap<Bytes, Bytes, BS>) -> Result<()> {
    for n in 0..1_000u64 {
        map.insert(&n.to_le_bytes(), &n.to_be_bytes())?;
    }
    let odd = Odd { panics: true, ..Odd::good(5) };
    let key = &5u64.to_le_bytes();
    assert!(panics(|| map.insert(key, &odd).map(|_| ())));
    assert!(panics(|| map.insert(b"new", &odd).map(|_| ())));
    assert!(panics(|| map.insert(&odd, b"value").map(|_| ())));
    assert!(panics(|| map.try_insert(b"new", &odd)));
    assert!(panics(|| map.get(&odd).map(|_| ())));
    assert!(panics(|| map.remove(&odd).map(|_| ())));
    assert!(panics(|| map.update(key, |_| -> Vec<u8> { panic!("told to") })));
    assert!(panics(|| map.update(key, |_| odd)));
    assert!(panics(|| map.get_or_insert_with(b"new", || -> Vec<u8> { panic!("told to") }).map(|_| ())));
    assert!(panics(|| map.entry(b"new").unwrap().or_insert_with(|| odd).map(|_| ())));
    assert!(panics(|| map.entry(key).unwrap().and_modify(|_| -> Vec<u8> { panic!("told to") }).map(|_| ())));
    assert!(panics(|| map.entry(key).unwrap().insert_entry(&odd).map(|_| ())));
    assert!(panics(|| map.get_many(&[odd]).count()));
    assert_eq!(map.len(), 1_000);
    for n in 0..1_000u64 {
        assert_eq!(map.get(&n.to_le_bytes())?, Some(&n.to_be_bytes()[..]));
    }

    // These remove or insert what came before the panic.
    let mut left = 10;
    let mut stop = || {
        left -= 1;
        assert!(left > 0, "told to");
    };
    assert!(panics(|| map.retain(|_, _| {
        stop();
        false
    })));
    assert_eq!(map.len(), 991);
    left = 10;
    let mut stop = || {
        left -= 1;
        assert!(left > 0, "told to");
    };
    assert!(panics(|| map
        .extract_if(|_, _| {
            stop();
            true
        })
        .for_each(|entry| drop(entry.unwrap()))));
    assert_eq!(map.len(), 982);
    let entries = (0..100u32).map(|n| {
        assert!(n < 50, "told to");
        (n.to_le_bytes(), n.to_le_bytes())
    });
    assert!(panics(|| map.try_extend(entries)));
    let added = map.len() - 982;
    assert!(added <= 50);
    let unique = map.keys().map(Result::unwrap).collect::<std::collections::HashSet<_>>().len();
    assert_eq!(unique as u64, map.len());
    map.checkpoint()?;
    assert!(panics(|| {
        let mut drain = map.drain();
        drain.next();
        panic!("told to");
    }));
    assert!(map.is_empty());
    map.insert(b"usable", b"yes")?;
    assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(&b"usable"[..], &b"yes"[..])]);
    Ok(())
}

#[test]
fn panics_leave_the_map_usable() -> Fallible {
    panic_everywhere(&mut MemHashMap::new())?;
    panic_everywhere(&mut DiskHashMap::new_in_slice(&mut vec![0; 1 << 20])?)?;
    let dir = scratch();
    let mut map = BytesMap::new_in(dir.path())?;
    panic_everywhere(&mut map)?;
    map.close()?;
    let map: BytesMap = BytesMap::load_from(dir.path())?;
    assert_eq!((map.len(), map.get(b"usable")?), (1, Some(&b"yes"[..])));
    Ok(())
}
