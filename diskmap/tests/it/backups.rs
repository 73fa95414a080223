//! Backups: what another directory holds afterwards, and what it does not hold before.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use diskmap::{ByteStore, DiskHashMap, Error, MMapFile, OpenOptions, Progress, Recovery, SipBuildHasher, SliceStore};

use crate::full_disk::Disk;

type Texts<BS = MMapFile> = DiskHashMap<u64, String, BS>;

fn text(key: u64, round: u64) -> String {
    let len = (key * 11 + round * 17) % 300 + if key.is_multiple_of(301) { 90_000 } else { 0 };
    format!("{key} {round} {}", "y".repeat(len as usize))
}

fn round(keys: u64, round: u64) -> BTreeMap<u64, String> {
    (0..keys).map(|key| (key, text(key, round))).collect()
}

fn fill<BS: ByteStore>(map: &mut Texts<BS>, keys: u64, n: u64) {
    for (key, value) in round(keys, n) {
        map.insert(&key, &value).unwrap();
    }
}

fn contents(dir: &Path) -> BTreeMap<u64, String> {
    let map: Texts = OpenOptions::new().read_only(true).open(dir).unwrap();
    assert_eq!(map.stats().recovery, Recovery::Closed);
    assert!(map.verify().unwrap().is_sound());
    map.iter().map(|entry| entry.map(|(key, value)| (key, value.to_owned()))).collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_backup_holds_its_moment_while_the_map_goes_on() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    for n in 0..3 {
        fill(&mut map, 5000, n);
        map.remove(&n).unwrap();
        let snapshot = map.snapshot();
        let target = other.path().join(n.to_string());
        std::thread::scope(|scope| {
            let backup = scope.spawn(|| snapshot.backup_to(&target));
            fill(&mut map, 6000, n + 10);
            map.retain(|key, _| key % 3 > 0).unwrap();
            backup.join().unwrap().unwrap();
        });
        let mut expected = round(if n == 0 { 5000 } else { 6000 }, n);
        if n > 0 {
            expected.extend((5000..6000).filter(|key| key % 3 > 0).map(|key| (key, text(key, n + 9))));
            expected.retain(|key, _| *key < 5000 || key % 3 > 0);
        }
        expected.remove(&n);
        assert_eq!(contents(&target), expected, "round {n}");
    }
    let target = other.path().join("2");
    let mut copy: Texts = DiskHashMap::load_from(&target).unwrap();
    fill(&mut copy, 7000, 50);
    copy.close().unwrap();
    assert_eq!(contents(&target), round(7000, 50));
    assert!(map.verify().unwrap().is_sound());
}

#[test]
fn memory_is_backed_up_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut memory = vec![0; Texts::<SliceStore<'_>>::required_bytes(400, 0, 2_000_000)];
    let mut map: Texts<SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
    fill(&mut map, 400, 1);
    map.backup_to(dir.path().join("slice")).unwrap();
    assert_eq!(contents(&dir.path().join("slice")), round(400, 1));

    let mut grown: Texts = DiskHashMap::load_from(dir.path().join("slice")).unwrap();
    fill(&mut grown, 9000, 2);
    drop(grown);
    assert_eq!(contents(&dir.path().join("slice")), round(9000, 2));

    let empty = DiskHashMap::<u64, String, diskmap::VecStore>::new();
    empty.backup_to(dir.path().join("empty")).unwrap();
    assert_eq!(contents(&dir.path().join("empty")), BTreeMap::new());
}

#[test]
fn a_keyed_hasher_takes_its_key_along() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: DiskHashMap<str, u64, MMapFile, SipBuildHasher> =
        DiskHashMap::new_in_with_hasher(dir.path(), SipBuildHasher::new()).unwrap();
    for n in 0..3000u64 {
        map.insert(&n.to_string(), &n).unwrap();
    }
    map.backup_to(other.path()).unwrap();
    let copy: DiskHashMap<str, u64, MMapFile, SipBuildHasher> =
        DiskHashMap::load_from_with_hasher(other.path(), SipBuildHasher::new()).unwrap();
    assert_eq!((copy.len(), copy.get("2999").unwrap()), (3000, Some(2999)));
}

#[test]
fn until_it_is_done_there_is_no_map() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    fill(&mut map, 3000, 0);
    let (mut steps, mut last) = (0, 0);
    map.snapshot()
        .backup_with(other.path(), |Progress { done, total, .. }| {
            assert!(matches!(Texts::<MMapFile>::load_from(other.path()), Err(Error::NotFound { .. })));
            assert!(done >= last && done <= total, "{done} after {last} of {total}");
            (steps, last) = (steps + 1, done);
        })
        .unwrap();
    assert_eq!(contents(other.path()), round(3000, 0));

    // Whatever is left where one ended in the middle, the next begins anew.
    let target = other.path().join("again");
    for stop in [1, steps / 2, steps - 1] {
        let mut step = 0;
        let ended = catch_unwind(AssertUnwindSafe(|| {
            map.snapshot().backup_with(&target, |_| {
                step += 1;
                assert!(step < stop, "the process ends here");
            })
        }));
        assert!(ended.is_err());
        assert!(matches!(Texts::<MMapFile>::load_from(&target), Err(Error::NotFound { .. })));
    }
    map.backup_to(&target).unwrap();
    assert_eq!(contents(&target), round(3000, 0));
}

#[test]
fn a_directory_with_a_map_is_left_alone() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    fill(&mut map, 10, 0);
    map.backup_to(other.path()).unwrap();
    fill(&mut map, 20, 1);
    assert!(matches!(map.backup_to(other.path()), Err(Error::AlreadyExists { .. })));
    assert!(matches!(map.backup_to(dir.path()), Err(Error::Locked { .. } | Error::AlreadyExists { .. })));
    assert_eq!(contents(other.path()), round(10, 0));
    assert_eq!(map.len(), 20);
}

#[test]
fn damage_is_not_copied_in_silence() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    fill(&mut map, 2000, 0);
    map.close().unwrap();
    for file in ["index", "heap"] {
        let copy = tempfile::tempdir().unwrap();
        for name in ["MAP", "index", "segments", "heap", "blocks", "checkpoint"] {
            fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let mut bytes = fs::read(copy.path().join(file)).unwrap();
        // The middle of a large record; a control word in use.
        let at = if file == "heap" { bytes.windows(64).position(|part| part == [b'y'; 64]).unwrap() } else { 8 };
        bytes[at] ^= 0x40;
        fs::write(copy.path().join(file), bytes).unwrap();
        let map: Texts = DiskHashMap::load_from(copy.path()).unwrap();
        let target = other.path().join(file);
        let error = map.backup_to(&target).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { file: found, .. } if *found == file), "{error}");
        assert!(matches!(Texts::<MMapFile>::load_from(&target), Err(Error::NotFound { .. })));
        assert!(!target.join("index").exists());
    }
}

#[test]
fn a_full_disk_leaves_no_map() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: Texts = DiskHashMap::new_in(dir.path()).unwrap();
    fill(&mut map, 3000, 0);
    let needed = map.file_size() / 1024;
    for kib in [needed / 16, needed / 5, needed / 3] {
        let Some(disk) = Disk::new(kib) else { return };
        let error = map.backup_to(disk.map()).unwrap_err();
        assert!(matches!(error, Error::OutOfSpace { .. }), "{error}");
        assert!(!disk.map().join("MAP").exists() && !disk.map().join("heap").exists());
    }
    assert_eq!(map.len(), 3000);
}

#[test]
fn checksums_that_a_backup_computed_are_not_used_for_what_changed_since() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let boot = |boot| OpenOptions::new().create(true).auto_checkpoint(None).boot_id([boot; 16]);
    let mut map: Texts = boot(1).open(dir.path()).unwrap();
    fill(&mut map, 500, 0);
    map.backup_to(other.path()).unwrap();
    fill(&mut map, 500, 1);
    map.checkpoint().unwrap();
    drop(map);
    let map: Texts = boot(2).open(dir.path()).unwrap();
    assert!(map.verify().unwrap().is_sound());
    assert_eq!(map.get(&301).unwrap(), Some(text(301, 1).as_str()));
}
