//! Snapshots: a map as it was, while it goes on. (The model test holds some through every operation.)

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use diskmap::{DiskHashMap, Error, MMapFile, MemHashMap, OpenOptions, SliceStore, Snapshot};

type Texts<BS = MMapFile> = DiskHashMap<u64, String, BS>;

fn text(key: u64, round: u64) -> String {
    let len = (key * 7 + round * 31) % 400 + if key.is_multiple_of(97) { 70_000 } else { 0 };
    format!("{key} {round} {}", "x".repeat(len as usize))
}

fn contents<BS: diskmap::ByteStore>(snapshot: &Snapshot<u64, String, BS>) -> BTreeMap<u64, String> {
    snapshot.iter().map(|entry| entry.map(|(key, value)| (key, value.to_owned()))).collect::<Result<_, _>>().unwrap()
}

fn round(keys: u64, round: u64) -> BTreeMap<u64, String> {
    (0..keys).map(|key| (key, text(key, round))).collect()
}

#[test]
fn each_shows_its_own_moment() {
    let dir = tempfile::tempdir().unwrap();
    let options = || OpenOptions::new().create(true).auto_checkpoint(None);
    let mut map: Texts = options().open(dir.path()).unwrap();
    let mut held = Vec::new();
    for n in 0..6 {
        for (key, value) in round(1000, n) {
            map.insert(&key, &value).unwrap();
        }
        if n.is_multiple_of(2) {
            map.checkpoint().unwrap();
        }
        held.push((n, map.snapshot()));
    }
    map.retain(|key, _| key.is_multiple_of(5)).unwrap();
    map.shrink_to_fit().unwrap();
    for n in [3, 0, 5] {
        let (moment, snapshot) = &held[n];
        assert_eq!(contents(snapshot), round(1000, *moment));
    }
    map.clear().unwrap();
    map.checkpoint().unwrap();
    map.checkpoint().unwrap();
    for (moment, snapshot) in held {
        assert_eq!(contents(&snapshot), round(1000, moment));
        assert_eq!(snapshot.get(&97).unwrap(), Some(text(97, moment).as_str()));
        assert_eq!(snapshot.get_owned(&1000).unwrap(), None);
    }
    assert!(map.is_empty() && map.verify().unwrap().is_sound());
    // Now nothing keeps anything but the checkpoint, which is of an empty map.
    map.shrink_to_fit().unwrap();
    let stats = map.stats();
    assert_eq!((stats.snapshot_bytes, stats.heap_bytes), (0, 0));
    assert!(stats.file_bytes < 200_000, "{stats:?}");
}

#[test]
fn what_a_snapshot_keeps_is_accounted_for_and_comes_back() {
    let mut map = MemHashMap::<u64, String>::new();
    for (key, value) in round(2000, 0) {
        map.insert(&key, &value).unwrap();
    }
    assert_eq!(map.stats().snapshot_bytes, 0);
    let live = map.stats().heap_bytes;
    let snapshot = map.snapshot();
    assert_eq!(map.stats().snapshot_bytes, 0, "nothing has changed yet");
    for n in 1..4 {
        for (key, value) in round(2000, n) {
            map.insert(&key, &value).unwrap();
        }
    }
    let kept = map.stats().snapshot_bytes;
    assert!(kept > live / 2 && kept < live * 3 / 2, "{kept} of {live}");
    assert_eq!(contents(&snapshot), round(2000, 0));
    let full = map.file_size();
    drop(snapshot);
    assert_eq!(map.stats().snapshot_bytes, 0);
    for n in 4..9 {
        for (key, value) in round(2000, n) {
            map.insert(&key, &value).unwrap();
        }
    }
    assert!(map.file_size() <= full + full / 8, "{} after {full}: the space was not used again", map.file_size());
}

#[test]
fn another_thread_reads_it_while_the_map_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = OpenOptions::new().create(true).open(dir.path()).unwrap();
    for (key, value) in round(3000, 0) {
        map.insert(&key, &value).unwrap();
    }
    for n in 1..4 {
        let (snapshot, stop) = (map.snapshot(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut passes = 0;
                while passes == 0 || !stop.load(Ordering::Relaxed) {
                    assert_eq!(contents(&snapshot), round(3000, n - 1));
                    passes += 1;
                }
                passes
            });
            for (key, value) in round(3000, n) {
                map.insert(&key, &value).unwrap();
            }
            map.checkpoint().unwrap();
            stop.store(true, Ordering::Relaxed);
            assert!(reader.join().unwrap() > 0);
        });
    }
}

#[test]
fn another_thread_lets_go_of_it_whatever_the_map_does() {
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts =
        OpenOptions::new().create(true).auto_checkpoint(Some(Duration::from_millis(1))).open(dir.path()).unwrap();
    let (send, receive) = std::sync::mpsc::sync_channel::<(u64, Snapshot<u64, String>)>(1);
    let other = std::thread::spawn(move || {
        let mut held = Vec::new();
        for (n, snapshot) in receive {
            held.push((n, snapshot));
            if held.len() == 3 {
                let (n, snapshot) = held.swap_remove(n as usize % 3);
                assert_eq!(contents(&snapshot), round(700, n));
            }
        }
        held.iter().for_each(|(n, snapshot)| assert_eq!(contents(snapshot), round(700, *n)));
    });
    for n in 0..24 {
        if n % 5 == 4 {
            map.clear().unwrap();
        }
        for (key, value) in round(700, n) {
            map.insert(&key, &value).unwrap();
        }
        send.send((n, map.snapshot())).unwrap();
        match n % 4 {
            0 => assert!(map.compact().unwrap().finished),
            1 => map.checkpoint().unwrap(),
            2 => map.shrink_to_fit().unwrap(),
            _ => map.retain(|key, _| key % 2 == 0).unwrap(),
        }
    }
    drop(send);
    map.close().unwrap();
    other.join().unwrap();
    let mut map: Texts = DiskHashMap::load_from(dir.path()).unwrap();
    let report = map.verify().unwrap();
    assert!(report.is_sound() && report.leaked_bytes == 0 && map.len() == 350, "{report}");
    map.compact().unwrap();
    // Nothing is held any more: not much more than a new map of the same entries.
    let mut fresh: Texts = DiskHashMap::new_in(other_dir.path()).unwrap();
    for (key, value) in round(700, 23).into_iter().filter(|(key, _)| key % 2 == 0) {
        fresh.insert(&key, &value).unwrap();
    }
    fresh.compact().unwrap();
    let (size, best) = (map.file_size(), fresh.file_size());
    assert!(size <= best + best / 8, "{size} bytes, {best} would do");
}

#[test]
fn it_outlives_the_map_and_keeps_its_directory_locked() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    for (key, value) in round(500, 0) {
        map.insert(&key, &value).unwrap();
    }
    let snapshot = map.snapshot();
    map.clear().unwrap();
    map.insert(&1, "after").unwrap();
    map.close().unwrap();
    assert_eq!(contents(&snapshot), round(500, 0));
    assert!(matches!(Texts::<MMapFile>::load_from(dir.path()), Err(Error::Locked { .. })));
    drop(snapshot);
    let map: Texts = DiskHashMap::load_from(dir.path()).unwrap();
    assert_eq!((map.len(), map.get(&1).unwrap()), (1, Some("after")));
    assert!(map.verify().unwrap().is_sound());
    drop(map);

    let reader: Texts = OpenOptions::new().read_only(true).open(dir.path()).unwrap();
    let snapshot = reader.snapshot();
    drop(reader);
    assert_eq!((snapshot.len(), snapshot.get(&1).unwrap()), (1, Some("after")));
    assert!(matches!(Texts::<MMapFile>::load_from(dir.path()), Err(Error::Locked { .. })));
}

#[test]
fn after_a_kill_the_space_of_snapshots_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let options = || OpenOptions::new().create(true).auto_checkpoint(None).sync_on_drop(false);
    let mut sizes = Vec::new();
    for n in 0..6 {
        let mut map: Texts = options().open(dir.path()).unwrap();
        let snapshot = map.snapshot();
        for (key, value) in round(500, n) {
            map.insert(&key, &value).unwrap();
        }
        assert_eq!(contents(&snapshot).len(), if n == 0 { 0 } else { 500 });
        sizes.push(map.file_size());
    }
    let map: Texts = options().open(dir.path()).unwrap();
    let report = map.verify().unwrap();
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    assert!(sizes[5] <= sizes[2], "{sizes:?}");
}

#[test]
fn memory_that_does_not_grow_is_full_sooner_and_stays_whole() {
    let mut memory = vec![0; Texts::<SliceStore<'_>>::required_bytes(300, 0, 300 * 40)];
    let mut map: Texts<SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
    for key in 0..300 {
        map.insert(&key, "before").unwrap();
    }
    let snapshot = map.snapshot();
    let mut changed = 0;
    while changed < 300 {
        match map.insert(&changed, &text(changed, 1)) {
            Ok(_) => changed += 1,
            Err(Error::Full { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(changed < 300);
    for key in 0..300 {
        assert_eq!(snapshot.get(&key).unwrap(), Some("before"));
        let now = if key < changed { text(key, 1) } else { "before".to_owned() };
        assert_eq!(map.get(&key).unwrap(), Some(now.as_str()));
    }
    drop(snapshot);
    for key in (1..97).filter(|&key| key >= changed) {
        map.insert(&key, "after").unwrap();
    }
}

#[test]
fn a_snapshot_keeps_records_in_blocks_that_were_cut_off_before_a_clear() {
    let mut map = MemHashMap::<u64, String>::new();
    let text = |key: u64, letter: &str| letter.repeat([10, 100, 1_000, 5_000][key as usize]);
    for key in 0..4 {
        map.insert(&key, &text(key, "a")).unwrap();
    }
    map.remove(&2).unwrap();
    map.remove(&3).unwrap();
    assert!(map.compact().unwrap().finished);
    map.clear().unwrap();
    for key in 0..4 {
        map.insert(&key, &text(key, "b")).unwrap();
    }
    let snapshot = map.snapshot();
    map.clear().unwrap();
    for key in 0..4 {
        map.insert(&key, &text(key, "c")).unwrap();
    }
    for key in 0..4 {
        assert_eq!(snapshot.get(&key).unwrap(), Some(&*text(key, "b")), "{key}");
    }
}
