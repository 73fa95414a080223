//! From nothing to 300,000 entries, and keys and values from nothing to 100 MB.

use std::fmt::Debug;

use diskmap::{
    Bytes, DiskHashMap, DiskKey, DiskValue, Encode, Error, IntoOwned, MMapFile, MemHashMap, Result, SliceStore, Str,
};

use crate::model::scratch;

/// Lengths of keys and values. The third is the largest that the predecessor could store.
const LENGTHS: [usize; 6] = [0, 1, 24_569, 65_536, 1_000_000, 100_000_000];

#[test]
fn every_number_of_entries() {
    for count in [0u64, 1, 2, 7, 8, 63, 64, 65, 1_000, 3_500, 10_000, 65_536, 300_000] {
        let dir = scratch();
        let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path()).unwrap();
        for n in 0..count {
            assert_eq!(map.insert(&n, &n.to_string()).unwrap(), None);
        }
        drop(map);
        let map: DiskHashMap<u64, String> = DiskHashMap::load_from(dir.path()).unwrap();
        assert_eq!((map.len(), map.is_empty()), (count, count == 0));
        for n in 0..count {
            assert_eq!(map.get(&n).unwrap(), Some(n.to_string().as_str()), "{n} of {count}");
        }
        assert_eq!(map.get(&count).unwrap(), None);
        let sum: u64 = map.iter().map(|entry| entry.unwrap().0).sum();
        assert_eq!(sum, (0..count).sum::<u64>());
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn every_length_of_values() {
    let dir = scratch();
    let mut map: DiskHashMap<u64, Bytes> = DiskHashMap::new_in(dir.path()).unwrap();
    for (n, len) in (0u64..).zip(LENGTHS) {
        map.insert(&n, &bytes(len)).unwrap();
    }
    map.close().unwrap();
    let mut map: DiskHashMap<u64, Bytes> = DiskHashMap::load_from(dir.path()).unwrap();
    for (n, len) in (0u64..).zip(LENGTHS) {
        assert!(map.get(&n).unwrap() == Some(&bytes(len)), "a value of {len} bytes");
    }
    // Each length gives way to another, without the long ones first being gone.
    for (n, len) in (0u64..).zip(LENGTHS.into_iter().rev()) {
        map.insert(&n, &bytes(len)).unwrap();
    }
    for (n, len) in (0u64..).zip(LENGTHS.into_iter().rev()) {
        assert!(map.get(&n).unwrap() == Some(&bytes(len)), "a value of {len} bytes");
    }
    map.clear().unwrap();
    map.shrink_to_fit().unwrap();
    assert!(map.file_size() < 1 << 20, "{} bytes of nothing", map.file_size());
}

#[test]
fn every_length_of_keys() {
    let dir = scratch();
    let mut map: DiskHashMap<Bytes, u64> = DiskHashMap::new_in(dir.path()).unwrap();
    for (n, len) in (0u64..).zip(LENGTHS) {
        assert_eq!(map.insert(&bytes(len), &n).unwrap(), None);
    }
    map.close().unwrap();
    let mut map: DiskHashMap<Bytes, u64> = DiskHashMap::load_from(dir.path()).unwrap();
    for (n, len) in (0u64..).zip(LENGTHS) {
        let key = bytes(len);
        assert_eq!(map.insert(&key, &(n + 10)).unwrap(), Some(n), "a key of {len} bytes");
        assert_eq!(map.get_key_value(&key).unwrap(), Some((&key[..], n + 10)));
        let mut other = key.clone();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
            assert_eq!(map.get(&other).unwrap(), None);
        }
        drop(other);
        assert_eq!(map.remove(&key).unwrap(), Some(n + 10));
        assert!(!map.contains_key(&key).unwrap());
    }
    assert!(map.is_empty());
}

#[test]
fn long_keys_and_long_values_together() {
    let mut map = MemHashMap::<str, Bytes>::new();
    for len in [0, 127, 128, 129, 65_535, 1_000_000] {
        let key = "ü".repeat(len / 2) + &"x".repeat(len % 2);
        map.insert(&key, &bytes(len)).unwrap();
        assert!(map.insert(&key, &bytes(len + 1)).unwrap() == Some(&bytes(len)));
        assert_eq!(map.get_key_value(&key).unwrap().map(|(key, value)| (key.len(), value.len())), Some((len, len + 1)));
    }
    assert_eq!(map.len(), 6);
}

/// A thousand keys of a type, in memory and on disk.
fn keys<K, Q>(key: impl Fn(u64) -> Q, count: u64)
where
    K: ?Sized + DiskKey + Encode<Q> + IntoOwned<Owned = Q>,
    Q: Debug + PartialEq,
{
    let dir = scratch();
    let mut map: DiskHashMap<K, u64> = DiskHashMap::new_in(dir.path()).unwrap();
    for n in 0..count {
        assert_eq!(map.insert(&key(n), &n).unwrap(), None);
    }
    map.close().unwrap();
    let mut map: DiskHashMap<K, u64> = DiskHashMap::load_from(dir.path()).unwrap();
    for n in 0..count {
        let (stored, value) = map.get_key_value(&key(n)).unwrap().unwrap();
        assert_eq!((K::into_owned(stored).unwrap(), value), (key(n), n));
    }
    for n in (0..count).rev() {
        assert_eq!(map.remove(&key(n)).unwrap(), Some(n));
    }
    assert!(map.is_empty());
}

#[test]
fn every_type_of_key() {
    keys::<u8, _>(|n| n as u8, 256);
    keys::<i8, _>(|n| n as i8, 256);
    keys::<bool, _>(|n| n == 1, 2);
    keys::<u16, _>(|n| n as u16, 65_536);
    keys::<u32, _>(|n| !(n as u32), 5_000);
    keys::<i64, _>(|n| -(n as i64), 5_000);
    keys::<u128, _>(|n| u128::from(n) << 64 | 7, 5_000);
    keys::<char, _>(|n| char::from_u32(n as u32 + 0x100).unwrap(), 5_000);
    keys::<[u64; 3], _>(|n| [7, n, 7], 5_000);
    keys::<[u8; 7], _>(|n| [n as u8, (n >> 8) as u8, 0, 0, 0, 0, 1], 5_000);
    keys::<[u64; 20], _>(|n| [n; 20], 5_000);
    keys::<(u8, u32), _>(|n| (n as u8, n as u32), 5_000);
    keys::<(u32, String), _>(|n| (n as u32 / 3, format!("{}", n % 3)), 5_000);
    keys::<(String, String), _>(|n| ("a".repeat(n as usize % 9), n.to_string()), 5_000);
    keys::<Option<u64>, _>(|n| n.checked_sub(1), 5_000);
    keys::<Vec<u32>, _>(|n| vec![n as u32; n as usize % 50 + 1], 5_000);
    keys::<Str, _>(|n| n.to_string(), 5_000);
    keys::<(), _>(|_| (), 1);
}

/// Announces any number of bytes, and would write them.
struct Announced(usize);

impl Encode<Announced> for Bytes {
    fn encoded_len(q: &Announced) -> Result<usize> {
        Ok(q.0)
    }

    fn encode_into(_: &Announced, _: &mut [u8]) -> Result<usize> {
        panic!("nothing of this size is ever allocated");
    }
}

#[test]
fn too_large_is_said_before_anything_is_allocated() {
    fn check<BS: diskmap::ByteStore>(map: &mut DiskHashMap<Bytes, Bytes, BS>) {
        map.insert(b"k", b"v").unwrap();
        let before = map.file_size();
        for len in [u32::MAX as usize + 1, 1 << 40, usize::MAX - 15, usize::MAX] {
            let value = map.insert(b"k", &Announced(len));
            assert!(matches!(value, Err(Error::TooLarge { side: "value", .. })), "{len}");
            let value = map.insert(b"new", &Announced(len));
            assert!(matches!(value, Err(Error::TooLarge { side: "value", len: said, .. }) if said == len as u64));
            let key = map.insert(&Announced(len), b"v");
            assert!(matches!(key, Err(Error::TooLarge { side: "key", .. })), "{len}");
            assert!(map.get(&Announced(len)).is_err());
        }
        assert_eq!((map.len(), map.file_size()), (1, before));
        assert_eq!(map.get(b"k").unwrap(), Some(&b"v"[..]));
        assert_eq!(map.get(b"new").unwrap(), None);
    }
    check::<MMapFile>(&mut DiskHashMap::new_in(scratch().path()).unwrap());
    check(&mut MemHashMap::new());
    check(&mut DiskHashMap::new_in_slice(&mut vec![0; 32 << 10]).unwrap());
}

#[test]
fn more_than_the_memory_has_is_full() {
    let mut memory = vec![0; 32 << 10];
    let mut map: DiskHashMap<Bytes, Bytes, SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
    map.insert(b"k", b"v").unwrap();
    assert!(matches!(map.insert(b"k", &bytes(1 << 20)), Err(Error::Full { .. })));
    assert!(matches!(map.insert(&bytes(1 << 20), b"v"), Err(Error::Full { .. })));
    assert_eq!(map.get(b"k").unwrap(), Some(&b"v"[..]));
    assert_eq!(map.len(), 1);
}

#[test]
fn a_hundred_small_entries_in_16_kib() {
    fn fill<K, V, QK, QV>(key: impl Fn(u64) -> QK, value: impl Fn(u64) -> QV, bytes: (u64, u64))
    where
        K: ?Sized + DiskKey + Encode<QK>,
        V: ?Sized + DiskValue + Encode<QV>,
    {
        let len = DiskHashMap::<K, V, SliceStore<'_>>::required_bytes(100, bytes.0, bytes.1);
        assert!(len <= 16 << 10, "{len}");
        let mut memory = vec![0; len];
        let mut map: DiskHashMap<K, V, SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
        for n in 0..100 {
            assert!(map.try_insert(&key(n), &value(n)).unwrap());
        }
        assert_eq!(map.len(), 100);
    }
    fill::<u64, u64, _, _>(|n| n, |n| n, (0, 0));
    fill::<u128, [u64; 3], _, _>(u128::from, |n| [n; 3], (0, 0));
    fill::<str, u64, _, _>(|n| format!("key {n:05}"), |n| n, (900, 0));
    fill::<u64, str, _, _>(|n| n, |n| format!("value {n:05}"), (0, 1_100));
    fill::<str, str, _, _>(|n| format!("key {n:05}"), |n| format!("value {n:05}"), (900, 1_100));
}

#[test]
fn scattered_free_cells_are_used_where_there_is_nothing_else() {
    let mut memory = vec![0; DiskHashMap::<u64, [u8], SliceStore<'_>>::required_bytes(2000, 0, 200_000)];
    let mut map: DiskHashMap<u64, [u8], SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
    let value = [7; 100];
    let count = (0..).find(|key| match map.insert(key, &value) {
        Ok(old) => old.is_some(),
        Err(Error::Full { .. }) => true,
        Err(error) => panic!("{error}"),
    });
    let count = count.expect("the memory ends");
    assert!(count >= 2000, "{count}");
    let scattered = || (0..count).step_by(20);
    for key in scattered() {
        assert!(map.remove(&key).unwrap().is_some());
    }
    for key in scattered() {
        assert_eq!(map.insert(&key, &value).unwrap(), None);
    }
    for key in 0..count {
        assert_eq!(map.get(&key).unwrap(), Some(&value[..]));
    }
}

#[test]
fn overwriting_at_random_adds_a_quarter_at_most() {
    const KEYS: u64 = 20_000;
    let mut map: MemHashMap<u64, [u8]> = MemHashMap::new();
    let mut random = fastrand::Rng::with_seed(3);
    for key in 0..KEYS {
        map.insert(&key, &[1; 100]).unwrap();
    }
    let full = map.file_size();
    for _ in 0..10 * KEYS {
        assert!(map.insert(&random.u64(..KEYS), &[2; 100]).unwrap().is_some());
    }
    assert!(map.file_size() <= full + full / 4, "{full} bytes have become {}", map.file_size());
    assert!(map.verify().unwrap().is_sound());
}
