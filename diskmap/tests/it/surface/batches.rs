//! Many keys at once.

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
