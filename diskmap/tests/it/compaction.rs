//! Compaction: everything stays, space goes. (The model test compacts between any operations.)

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use diskmap::{ByteStore, DiskHashMap, Error, MMapFile, MemHashMap, OpenOptions, Result};

use crate::isolated::copy_dir;

type Texts<BS = MMapFile> = DiskHashMap<u64, String, BS>;

/// One in 300 takes whole blocks.
fn text(key: u64) -> String {
    let len = (key * 7919) % 700 + if key.is_multiple_of(300) { 150_000 } else { 0 };
    format!("{key} {}", "z".repeat(len as usize))
}

fn fill<BS: ByteStore>(map: &mut Texts<BS>, keys: impl IntoIterator<Item = u64>) {
    for key in keys {
        map.insert(&key, &text(key)).unwrap();
    }
}

fn check<BS: ByteStore>(map: &Texts<BS>, keys: impl IntoIterator<Item = u64>) {
    let found: BTreeMap<u64, String> =
        map.iter().map(|entry| entry.map(|(key, value)| (key, value.to_owned()))).collect::<Result<_>>().unwrap();
    assert_eq!(found, keys.into_iter().map(|key| (key, text(key))).collect());
    let report = map.verify().unwrap();
    assert!(report.is_sound() && report.leaked_bytes == 0, "{report}");
}

fn options() -> OpenOptions {
    OpenOptions::new().create(true).auto_checkpoint(None)
}

fn kept() -> impl Iterator<Item = u64> {
    (0..20_000).filter(|key| key % 20 == 3 || key % 900 == 0)
}

#[test]
fn little_is_left_of_a_map_that_lost_most_entries() {
    let (dir, small) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts = options().open(dir.path()).unwrap();
    fill(&mut map, 0..20_000);
    map.retain(|key, _| key % 20 == 3 || key % 900 == 0).unwrap();
    let done = map.compact().unwrap();
    assert!(done.finished && done.records_moved > 0 && done.leaked_cells == 0, "{done:?}");
    assert_eq!(done.bytes_after, map.file_size());
    check(&map, kept());

    // Not much more than a new map of the same entries.
    let mut fresh: Texts = options().open(small.path()).unwrap();
    fill(&mut fresh, kept());
    fresh.shrink_to_fit().unwrap();
    let (size, best) = (map.file_size(), fresh.file_size());
    assert!(size <= best + best / 10, "{size} bytes, {best} would do, {} before", done.bytes_before);

    let again = map.compact().unwrap();
    assert_eq!((again.records_moved, again.bytes_after), (0, done.bytes_after));
    fill(&mut map, 5_000..9_000);
    map.close().unwrap();
    let map: Texts = options().open(dir.path()).unwrap();
    check(&map, kept().chain(5_000..9_000).collect::<std::collections::BTreeSet<_>>());
}

#[test]
fn memory_shrinks_too() {
    let mut map = MemHashMap::<u64, String>::new();
    fill(&mut map, 0..20_000);
    map.retain(|key, _| key % 20 == 3 || key % 900 == 0).unwrap();
    let done = map.compact().unwrap();
    assert!(done.bytes_after * 4 < done.bytes_before, "{done:?}");
    check(&map, kept());
}

#[test]
fn it_ends_early_when_told_to_also_by_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = options().open(dir.path()).unwrap();
    fill(&mut map, 0..20_000);
    map.retain(|key, _| key % 20 == 3 || key % 900 == 0).unwrap();
    let mut calls = 0;
    for stop in [1, 2, 5, 7] {
        calls = 0;
        let done = map.compact_with(|progress| {
            calls += 1;
            assert!(progress.done <= progress.total);
            if calls == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(!done.unwrap().finished);
        check(&map, kept());
    }
    assert_eq!(calls, 7);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        map.compact_with(|_| {
            calls += 1;
            assert!(calls < 13, "the callback panics");
            ControlFlow::Continue(())
        })
    }));
    assert!(ended.is_err());
    // Nothing of the evacuation is left: the map grows as ever.
    fill(&mut map, 0..20_000);
    check(&map, 0..20_000);
    assert!(map.compact().unwrap().finished);
    check(&map, 0..20_000);
}

#[test]
fn what_a_snapshot_holds_stays_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = options().open(dir.path()).unwrap();
    fill(&mut map, 0..6_000);
    let snapshot = map.snapshot();
    map.retain(|key, _| key % 20 == 3).unwrap();
    map.compact().unwrap();
    check(&map, (0..6_000).filter(|key| key % 20 == 3));
    for key in 0..6_000 {
        assert_eq!(snapshot.get(&key).unwrap(), Some(text(key).as_str()));
    }
    let held = map.file_size();
    drop(snapshot);
    map.compact().unwrap();
    assert!(map.file_size() * 4 < held, "{} of {held}", map.file_size());
    check(&map, (0..6_000).filter(|key| key % 20 == 3));
}

/// Every state a kill or a power cut could leave, at each call of the progress callback.
#[test]
fn an_end_at_any_moment_leaves_every_entry() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = options().boot_id([1; 16]).open(dir.path()).unwrap();
    fill(&mut map, 0..8_000);
    map.retain(|key, _| key % 5 == 3).unwrap();
    let expected = || (0..8_000).filter(|key| key % 5 == 3);
    let mut copies = 0;
    map.compact_with(|_| {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        // The copy is another directory, so it opens as after a power cut: the last checkpoint has all entries.
        let mut map: Texts = options().boot_id([2; 16]).open(copy.path()).unwrap();
        check(&map, expected());
        map.compact().unwrap();
        check(&map, expected());
        copies += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(copies > 10, "{copies}");
    check(&map, expected());
}

#[test]
fn leaked_cells_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = options().sync_on_drop(false).open(dir.path()).unwrap();
    fill(&mut map, 0..1_000);
    drop(map);
    // As a process killed between the live bit and the reference leaves it: bits of free cells set.
    let blocks = dir.path().join("blocks");
    let mut bytes = fs::read(&blocks).unwrap();
    let (entry, mut leaked) = (64 + 512, 0);
    for block in bytes.chunks_exact_mut(entry).filter(|block| (1..59).contains(&block[0])) {
        // The first free cell of each block that has one among its first 32.
        let live = u32::from_le_bytes(block[64..68].try_into().unwrap());
        if live != u32::MAX && live != 0 && block[0] < 40 {
            block[64..68].copy_from_slice(&(live | 1 << live.trailing_ones()).to_le_bytes());
            leaked += 1;
        }
    }
    assert!(leaked > 3);
    fs::write(&blocks, bytes).unwrap();
    let mut map: Texts = options().open(dir.path()).unwrap();
    assert_eq!(map.verify().unwrap().leaked_cells, leaked);
    let done = map.compact().unwrap();
    assert_eq!(done.leaked_cells, leaked);
    check(&map, 0..1_000);
}

#[test]
fn damage_stops_it_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = options().sync_on_drop(false).open(dir.path()).unwrap();
    fill(&mut map, 0..1_000);
    drop(map);
    let blocks = dir.path().join("blocks");
    let mut bytes = fs::read(&blocks).unwrap();
    // A live bit cleared: an entry refers to a cell that is free.
    let block =
        bytes.chunks_exact_mut(64 + 512).find(|block| (1..40).contains(&block[0]) && block[64] & 1 == 1).unwrap();
    block[64] &= !1;
    fs::write(&blocks, bytes).unwrap();
    let mut map: Texts = options().open(dir.path()).unwrap();
    assert!(matches!(map.compact(), Err(Error::Corrupt { .. })));
    for key in 0..1_000 {
        assert_eq!(map.get(&key).unwrap(), Some(text(key).as_str()));
    }
}
