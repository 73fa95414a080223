//! Many keys at once.

use diskmap::{DiskKey, DiskValue};

use super::*;

#[test]
fn get_many_knows_its_length() -> Fallible {
    let mut map = MemHashMap::<u64, u64>::new();
    map.try_extend((0..100).map(|n| (n, n * n)))?;
    for count in [0, 1, 23, 24, 25, 31, 32, 33, 100, 200] {
        let keys: Vec<u64> = (0..count).collect();
        let mut values = map.get_many(&keys);
        for left in (0..count).rev() {
            assert_eq!(values.len() as u64, left + 1);
            let n = count - left - 1;
            assert_eq!(values.next().unwrap()?, (n < 100).then_some(n * n));
        }
        assert_eq!(values.size_hint(), (0, Some(0)));
        assert!(values.next().is_none() && values.next().is_none());
    }
    // Views outlive the iterator and the keys.
    let mut map = MemHashMap::<str, str>::new();
    map.insert("a", "b")?;
    let view = {
        let keys = [String::from("a")];
        map.get_many(&keys).next().unwrap()?
    };
    assert_eq!(view, Some("b"));
    Ok(())
}

/// As many keys as fit in the blocks under way, one less and one more, of a map with full segments, whatever lies inline.
#[test]
fn get_many_is_get() -> Fallible {
    fn check<K, V, QK, QV>(key: impl Fn(u64) -> QK, value: impl Fn(u64) -> QV) -> Fallible
    where
        K: ?Sized + DiskKey + Encode<QK>,
        V: ?Sized + DiskValue + Encode<QV>,
        for<'a> V::View<'a>: PartialEq + std::fmt::Debug,
    {
        const ENTRIES: u64 = 30_000;
        let dir = tempfile::tempdir()?;
        let mut map = DiskHashMap::<K, V>::new_in(dir.path())?;
        map.try_extend((0..ENTRIES).map(|n| (key(2 * n), value(n))))?;
        for reopened in [false, true] {
            let mut first = 0;
            for count in (0..100).chain([1_000, 2 * ENTRIES]) {
                let keys: Vec<QK> = (first..first + count).map(|n| key(n % (2 * ENTRIES))).collect();
                let mut found = 0;
                for (key, value) in keys.iter().zip(map.get_many(&keys)) {
                    let value = value?;
                    found += u64::from(value.is_some());
                    assert_eq!(value, map.get(key)?);
                }
                assert_eq!(found, (first + count).div_ceil(2) - first.div_ceil(2));
                first += count;
            }
            if !reopened {
                map.close()?;
                map = DiskHashMap::open(dir.path())?;
            }
        }
        Ok(())
    }
    check::<u64, u64, _, _>(|n| n << 20, |n| n)?;
    check::<u64, str, _, _>(|n| n, |n| n.to_string())?;
    check::<str, u64, _, _>(|n| format!("key {n}"), |n| n)?;
    check::<str, str, _, _>(|n| format!("key {n}"), |n| n.to_string())?;
    check::<[u8; 23], [u64; 7], _, _>(|n| std::array::from_fn(|i| (n >> (i % 8 * 8)) as u8), |n| [n; 7])
}

#[test]
fn a_key_that_cannot_be_encoded_fails_alone() -> Fallible {
    let mut map = MemHashMap::<(i32, i32), u64>::new();
    map.insert(&(1, 0), &10)?;
    let keys = [Odd::good(1), Odd { claims: 7, ..Odd::good(1) }, Odd { fails: true, ..Odd::good(1) }, Odd::good(1)];
    let values: Vec<_> = map.get_many(&keys).collect();
    assert!(matches!(values[..], [Ok(Some(10)), Err(Error::Encode { .. }), Err(Error::Encode { .. }), Ok(Some(10))]));
    Ok(())
}

#[test]
fn later_entries_win() -> Fallible {
    let mut map = MemHashMap::<u64, u64>::new();
    map.try_extend((0..1_000).map(|n| (n % 7, n)))?;
    assert_eq!(map.len(), 7);
    assert!((0..7).all(|n| map.get(&n).unwrap() == Some((0..1_000).rfind(|i| i % 7 == n).unwrap())));
    map.try_extend(std::iter::empty::<(u64, u64)>())?;
    assert_eq!(map.len(), 7);
    Ok(())
}
