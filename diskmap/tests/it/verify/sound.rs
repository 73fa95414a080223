//! Sound maps: no findings, and counts that are right.

use super::*;

/// Inserts, overwrites, removes and checkpoints at random; verifies now and then.
fn churn<K, V, BS, S>(
    map: &mut DiskHashMap<K, V, BS, S>,
    rng: &mut Rng,
    keys: u64,
    key: fn(u64) -> K,
    value: fn(u64) -> V,
) where
    K: DiskKey + Encode<K>,
    V: DiskValue + Encode<V>,
    BS: ByteStore,
    S: StableHasher,
{
    for round in 0..4 {
        for _ in 0..keys {
            let number = rng.u64(..keys);
            match rng.u32(..10) {
                0..6 => drop(map.insert(&key(number), &value(rng.u64(..1000))).expect("inserted")),
                6..9 => drop(map.remove(&key(number)).expect("removed")),
                _ => drop(map.update(&key(number), |_| value(number)).expect("updated")),
            }
        }
        assert_clean(&map.verify().expect("verified"), map.len());
        match round {
            0 => map.checkpoint().expect("a checkpoint"),
            1 => map.retain(|_, _| rng.u32(..4) > 0).expect("retained"),
            2 if BS::GROWS => map.shrink_to_fit().expect("shrunk"),
            _ => {}
        }
        assert_clean(&map.verify().expect("verified"), map.len());
    }
}

/// A map on disk: killed and opened again, closed and opened again, for reading only, and empty.
fn on_disk<K, V, S>(hasher: S, keys: u64, key: fn(u64) -> K, value: fn(u64) -> V)
where
    K: DiskKey + Encode<K>,
    V: DiskValue + Encode<V>,
    S: StableHasher + Copy + Send + Sync + 'static,
{
    let dir = memory_dir();
    let mut rng = Rng::with_seed(seed("verify::sound"));
    let open = || options().create(true).hasher(hasher).open::<K, V>(dir.path()).expect("opened");
    let mut map = open();
    assert_clean(&map.verify().expect("verified"), 0);
    churn(&mut map, &mut rng, keys, key, value);
    let len = map.len();
    drop(map);

    let mut map = open();
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    assert_clean(&map.verify().expect("verified"), len);
    churn(&mut map, &mut rng, keys, key, value);
    let len = map.len();
    map.close().expect("closed");

    let map = options().hasher(hasher).read_only(true).open::<K, V>(dir.path()).expect("opened");
    assert_clean(&map.verify().expect("verified"), len);
    drop(map);
    let mut map = open();
    assert_clean(&map.verify().expect("verified"), len);
    map.clear().expect("cleared");
    assert_clean(&map.verify().expect("verified"), 0);
}

#[test]
fn numbers() {
    for keys in [9, 300, 20_000] {
        on_disk(FxBuildHasher, keys, |n| n, |n| n << 7);
    }
}

#[test]
fn names() {
    on_disk(FxBuildHasher, 20_000, name, |n| n);
}

#[test]
fn texts() {
    on_disk(FxBuildHasher, 12_000, |n| n, name);
}

#[test]
fn large_values() {
    on_disk(FxBuildHasher, 1_200, name, bytes);
}

#[test]
fn keys_that_hash_alike() {
    on_disk(Constant, 1_500, |n| n, seven);
}

#[test]
fn in_memory() {
    let mut rng = Rng::with_seed(seed("verify::in_memory"));
    let mut map: MemHashMap<String, Vec<u8>> = MemHashMap::new();
    churn(&mut map, &mut rng, 1_200, name, bytes);

    let mut memory = vec![0xAA; 4 << 20];
    let mut map: Bytes<SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).expect("a map");
    churn(&mut map, &mut rng, 300, name, |n| vec![n as u8; n as usize]);
    let len = map.len();
    drop(map);
    let map: Bytes<SliceStore<'_>> = DiskHashMap::load_from_slice(&mut memory).expect("a map");
    assert_clean(&map.verify().expect("verified"), len);
}

#[test]
fn counts_and_progress() {
    let dir = memory_dir();
    let mut map: Bytes = options().create(true).open(dir.path()).expect("a new map");
    for number in 0..1_000 {
        map.insert(&name(number), &bytes(number)).expect("inserted");
    }
    let mut calls = Vec::new();
    let report = map.verify_with(|progress| calls.push((progress.done, progress.total))).expect("verified");
    assert_clean(&report, 1_000);
    assert_eq!((report.records, report.segments), (1_000, map.stats().segments));
    // 20 of them lie in two blocks of 64 KiB each.
    assert!(report.heap_bytes > 20 * (128 << 10) && report.heap_bytes <= map.stats().heap_bytes);
    assert!(report.index_bytes > 0 && report.index_bytes <= map.stats().index_bytes);
    assert_eq!(calls, [(256, 1000), (512, 1000), (768, 1000), (1000, 1000)]);
    assert!(report.to_string().starts_with("the map is sound\nentries: 1000, in segments: 1"), "{report}");
}
