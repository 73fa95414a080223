//! Hashers from bad to hopeless, and keys that are hard on the default one.

use std::{
    fmt::Debug,
    hash::{BuildHasher, Hasher},
    path::Path,
};

use diskmap::{
    DiskHashMap, DiskKey, DiskValue, Encode, Error, IntoOwned, MMapFile, MemHashMap, SipBuildHasher, StableHasher,
};
use rustc_hash::FxBuildHasher;

use crate::model::scratch;

/// A hasher of which only the lowest `BITS` bits of the last word written are used: none for the hopeless one.
#[derive(Clone, Copy, Default)]
struct Low<const BITS: u32>;

struct LowState<const BITS: u32>(u64);

impl<const BITS: u32> BuildHasher for Low<BITS> {
    type Hasher = LowState<BITS>;

    fn build_hasher(&self) -> LowState<BITS> {
        LowState(0)
    }
}

impl<const BITS: u32> Hasher for LowState<BITS> {
    fn finish(&self) -> u64 {
        if BITS == 64 { self.0 } else { self.0 & ((1 << BITS) - 1) }
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl StableHasher for Low<0> {
    const ID: &'static str = "constant";
}

impl StableHasher for Low<4> {
    const ID: &'static str = "sixteen";
}

impl StableHasher for Low<64> {
    const ID: &'static str = "identity";
}

/// Inserts, finds, updates, removes, shrinks and reopens maps with `count` keys.
fn life<K, V, S, QK, QV>(dir: &Path, count: u64, key: impl Fn(u64) -> QK, value: impl Fn(u64) -> QV)
where
    K: ?Sized + DiskKey + Encode<QK> + IntoOwned<Owned = QK>,
    V: ?Sized + DiskValue + Encode<QV> + IntoOwned<Owned = QV>,
    S: StableHasher + Default + Send + Sync + 'static,
    QV: PartialEq + Debug,
    QK: Ord + Debug,
{
    let load = || DiskHashMap::<K, V, MMapFile, S>::load_from_with_hasher(dir, S::default()).unwrap();
    let mut map = DiskHashMap::<K, V, _, S>::new_in_with_hasher(dir, S::default()).unwrap();
    for n in 0..count {
        assert!(map.insert(&key(n), &value(n)).unwrap().is_none());
    }
    assert_eq!(map.len(), count);
    for n in (0..count).step_by(5) {
        assert_eq!(map.get_owned(&key(n)).unwrap(), Some(value(n)));
    }
    assert!(!map.contains_key(&key(count)).unwrap());
    map.close().unwrap();

    let mut map = load();
    assert_eq!(map.len(), count);
    for n in (0..count).step_by(3) {
        let old = map.insert(&key(n), &value(n + 1)).unwrap().map(|old| V::into_owned(old).unwrap());
        assert_eq!(old, Some(value(n)));
    }
    for n in (0..count).step_by(2) {
        assert!(map.remove(&key(n)).unwrap().is_some());
    }
    map.shrink_to_fit().unwrap();
    let expected = |n: u64| (!n.is_multiple_of(2)).then(|| if n.is_multiple_of(3) { value(n + 1) } else { value(n) });
    let check = |map: &DiskHashMap<K, V, _, S>| {
        assert_eq!(map.len(), count / 2);
        for n in (0..count).step_by(7) {
            assert_eq!(map.get_owned(&key(n)).unwrap(), expected(n), "{n}");
        }
        let mut keys: Vec<_> = map.keys().map(|key| K::into_owned(key.unwrap()).unwrap()).collect();
        keys.sort_unstable();
        let mut wanted: Vec<_> = (0..count).filter(|n| n % 2 == 1).map(&key).collect();
        wanted.sort_unstable();
        assert!(keys == wanted);
    };
    check(&map);
    map.close().unwrap();

    let mut map = load();
    check(&map);
    map.retain(|_, _| false).unwrap();
    assert!(map.is_empty() && map.iter().next().is_none());
    for n in 0..count / 4 {
        map.insert(&key(n), &value(n)).unwrap();
    }
    map.close().unwrap();
    let mut map = load();
    assert_eq!(map.keys().count() as u64, count / 4);
    assert_eq!(map.drain().map(Result::unwrap).count() as u64, count / 4);
    map.shrink_to_fit().unwrap();
    assert!(map.file_size() < 64 << 10, "{} bytes", map.file_size());
    map.close().unwrap();
}

/// Every key is compared with every other: the number the map must stand, once.
#[test]
fn one_value_for_20_000_numbers() {
    let mut map = MemHashMap::<u64, u64, Low<0>>::new_with_hasher(Low).unwrap();
    for n in 0..20_000 {
        assert_eq!(map.insert(&n, &(n * 2)).unwrap(), None);
    }
    assert_eq!(map.len(), 20_000);
    let mut keys: Vec<_> = map.keys().map(Result::unwrap).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..20_000));
    for n in (0..20_000).step_by(9) {
        assert_eq!(map.get(&n).unwrap(), Some(n * 2));
        assert_eq!(map.insert(&n, &1).unwrap(), Some(n * 2));
        assert_eq!(map.remove(&n).unwrap(), Some(1));
        assert_eq!(map.get(&n).unwrap(), None);
    }
}

#[test]
fn one_value_for_all() {
    life::<u64, u64, Low<0>, _, _>(scratch().path(), 9_000, |n| n, |n| n * 2);
    life::<String, u64, Low<0>, _, _>(scratch().path(), 9_000, |n| format!("key {n}"), |n| n * 2);
    life::<u64, [u64; 4], Low<0>, _, _>(scratch().path(), 9_000, |n| n, |n| [n; 4]);
}

#[test]
fn sixteen_values() {
    life::<u64, u64, Low<4>, _, _>(scratch().path(), 20_000, |n| n, |n| n * 2);
    life::<String, u64, Low<4>, _, _>(scratch().path(), 20_000, |n| format!("key {n}"), |n| n * 2);
}

#[test]
fn the_key_itself() {
    life::<u64, u64, Low<64>, _, _>(scratch().path(), 50_000, |n| n, |n| n * 2);
    life::<u64, String, Low<64>, _, _>(scratch().path(), 50_000, |n| n << 40, |n| n.to_string());
}

#[test]
fn a_keyed_hasher_gets_its_key_back() {
    let dir = scratch();
    life::<String, u64, SipBuildHasher, _, _>(dir.path(), 20_000, |n| format!("key {n}"), |n| n);
    // Another key was drawn for this handle; the map's counts.
    let map = DiskHashMap::<str, u64, MMapFile, _>::load_from_with_hasher(dir.path(), SipBuildHasher::new()).unwrap();
    assert_eq!(map.get("key 1").unwrap(), None);
    drop(map);
    let other = DiskHashMap::<str, u64, MMapFile, _>::load_from_with_hasher(dir.path(), FxBuildHasher);
    assert!(matches!(other, Err(Error::HasherMismatch { .. })));
}

#[test]
fn two_maps_with_different_keys_hash_differently() {
    let of = |seed| {
        let mut map = MemHashMap::<u64, (), _>::new_with_hasher(SipBuildHasher::with_key([seed; 16])).unwrap();
        (0..1_000u64).for_each(|n| assert!(map.try_insert(&n, &()).unwrap()));
        map.keys().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

/// All keys are there, and the index is not sparser than one of random keys would be.
fn strided<S: StableHasher>(hasher: S, count: u64, key: impl Fn(u64) -> u64, what: &str) {
    let mut map = MemHashMap::<u64, u64, S>::new_with_hasher(hasher).unwrap();
    for n in 0..count {
        assert_eq!(map.insert(&key(n), &n).unwrap(), None, "{what}");
    }
    for n in 0..count {
        assert_eq!(map.get(&key(n)).unwrap(), Some(n), "{what}");
    }
    assert_eq!(map.get(&key(count)).unwrap(), None, "{what}");
    assert!(map.load_factor() > 0.4, "{what}: {:?}", map.stats());
}

#[test]
fn shifted_keys() {
    for shift in 0..=48 {
        let what = format!("shift {shift}");
        strided(FxBuildHasher, 20_000, |n| n << shift, &what);
        strided(Low::<64>, 20_000, |n| n << shift, &what);
    }
}

#[test]
fn page_aligned_keys() {
    strided(FxBuildHasher, 300_000, |n| n * 4096, "multiples of 4096");
    strided(Low::<64>, 300_000, |n| n * 4096, "multiples of 4096");
    strided(FxBuildHasher, 100_000, |n| n.reverse_bits(), "reversed bits");
}

/// Keys in the order in which a map hands them out fill one end of another map first.
#[test]
fn keys_in_the_order_of_their_hashes() {
    let from: MemHashMap<u64, u64> = (0..100_000u64).map(|n| (n, n)).collect();
    let mut to = MemHashMap::<u64, u64>::new();
    for entry in &from {
        let (key, value) = entry.unwrap();
        to.insert(&key, &value).unwrap();
    }
    assert!(from == to);
    assert!(to.load_factor() > 0.4, "{:?}", to.stats());
}
