//! `repair`: all that is undamaged comes into the new map, whatever else of the old one is gone.

use std::collections::BTreeMap;

use diskmap::{Error, Salvage, repair};

use super::*;

type Truth = BTreeMap<String, Vec<u8>>;

/// Values of different lengths, long ones among them.
fn payload(number: u64) -> Vec<u8> {
    let len = if number.is_multiple_of(97) { 70_000 } else { number % 40 };
    vec![number as u8; len as usize]
}

/// A closed map, or one that was killed after some changes since its last checkpoint; and what it holds.
fn made(dir: &Path, entries: u64, closed: bool) -> Truth {
    let mut map: Bytes = options().create(true).open(dir).expect("a new map");
    for number in 0..entries {
        map.insert(&name(number), &payload(number)).expect("inserted");
    }
    map.checkpoint().expect("a checkpoint");
    for number in (0..entries).step_by(3) {
        map.insert(&name(number), &payload(number + 1)).expect("inserted");
    }
    let truth = truth(&map);
    if closed {
        map.close().expect("closed");
    }
    truth
}

fn truth(map: &Bytes) -> Truth {
    map.iter().map(|entry| entry.map(|(key, value)| (key.to_owned(), value.to_vec())).expect("read")).collect()
}

/// Repairs a map, and reads the new one.
fn repaired(root: &Path) -> (Salvage, Truth) {
    let to = root.join("new");
    let salvage = repair::<String, Vec<u8>>(root.join("old"), &to).expect("repaired");
    let map: Bytes = options().open(&to).expect("a new map");
    assert_clean(&map.verify().expect("verified"), salvage.taken);
    (salvage, truth(&map))
}

#[test]
fn sound_maps() {
    for (entries, closed) in [(0, true), (20, true), (20, false), (9_000, true), (9_000, false)] {
        let root = memory_dir();
        let truth = made(&root.path().join("old"), entries, closed);
        let (salvage, found) = repaired(root.path());
        assert!(found == truth && !salvage.guessed && salvage.faults() == 0, "{salvage}");
        assert_eq!((salvage.taken, salvage.repeated, salvage.expected), (truth.len() as u64, 0, Some(entries)));
        let again = repair::<String, Vec<u8>>(root.path().join("old"), root.path().join("new"));
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    }
}

/// Each of the files that say what is where may be gone, or all of them.
#[test]
fn without_some_files() {
    let lists: [&[&str]; 5] =
        [&["checkpoint"], &["segments"], &["blocks"], &["segments", "blocks"], &["checkpoint", "segments", "blocks"]];
    for (entries, lost) in [20, 9_000].into_iter().flat_map(|entries| lists.map(|lost| (entries, lost))) {
        for how in 0..3 {
            let root = memory_dir();
            let truth = made(&root.path().join("old"), entries, true);
            for name in lost {
                let path = root.path().join("old").join(name);
                let len = fs::metadata(&path).expect("a file").len() as usize;
                match how {
                    0 => fs::remove_file(path).expect("removed"),
                    1 => fs::write(path, vec![0; len]).expect("written"),
                    _ => fs::write(path, vec![0xA5; len]).expect("written"),
                }
            }
            let (salvage, found) = repaired(root.path());
            let same = truth.iter().filter(|&(key, value)| found.get(key) == Some(value)).count();
            if lost.len() < 3 {
                assert!(found == truth && !salvage.guessed, "{lost:?} {how}: {salvage}");
            } else {
                // Values that were replaced may be back.
                assert!(salvage.guessed && found.keys().eq(truth.keys()), "{lost:?} {how}: {salvage}");
                assert!(same as u64 >= entries - entries.div_ceil(3), "{same} of {entries}: {salvage}");
            }
        }
    }
}

#[test]
fn damaged_entries_are_left_out() {
    let root = memory_dir();
    let dir = root.path().join("old");
    let truth = made(&dir, 9_000, true);
    // One byte in each of some places of the heap, and bits of control words.
    let mut rng = Rng::with_seed(seed("verify::repair"));
    for (name, count) in [("heap", 300), ("index", 100)] {
        let (bytes, file) = (fs::read(dir.join(name)).expect("a file"), file(&dir, name));
        for _ in 0..count {
            let at = rng.usize(..bytes.len());
            file.write_all_at(&[bytes[at] ^ 1 << rng.u32(..8)], at as u64).expect("written");
        }
    }
    let (salvage, found) = repaired(root.path());
    assert!(found.iter().all(|(key, value)| truth.get(key) == Some(value)), "{salvage}");
    assert!(found.len() >= truth.len() - 400 && found.len() < truth.len() && salvage.faults() > 0, "{salvage}");
    assert!(salvage.findings().iter().any(|finding| finding.what.starts_with("an entry is lost: a record")));
    assert!(salvage.to_string().starts_with(&format!("entries taken: {}, ", found.len())), "{salvage}");
}

#[test]
fn numbers_and_chains() {
    let root = memory_dir();
    let old = root.path().join("old");
    let mut map: DiskHashMap<u64, u64> = options().create(true).open(&old).expect("a new map");
    for number in 0..20_000 {
        map.insert(&number, &(number << 9)).expect("inserted");
    }
    map.close().expect("closed");
    fs::remove_file(old.join("checkpoint")).expect("removed");
    file(&old, "segments").write_all_at(&[0xEE; 300], 4096).expect("written");
    let salvage = repair::<u64, u64>(&old, root.path().join("new")).expect("repaired");
    let map: DiskHashMap<u64, u64> = options().open(root.path().join("new")).expect("a new map");
    assert!(salvage.guessed && salvage.taken == 20_000 && map.len() == 20_000, "{salvage}");
    assert!((0..20_000).all(|number| map.get(&number).expect("read") == Some(number << 9)), "{salvage}");

    let (old, new) = (root.path().join("chained"), root.path().join("unchained"));
    let mut map: Chained = options().create(true).hasher(Constant).open(&old).expect("a new map");
    for number in 0..1_500 {
        map.insert(&number, &seven(number)).expect("inserted");
    }
    drop(map);
    let salvage = options().hasher(Constant).repair::<u64, [u64; 7]>(&old, &new).expect("repaired");
    assert_eq!((salvage.taken, salvage.faults(), salvage.guessed), (1_500, 0, false), "{salvage}");
    let map: Chained = options().hasher(Constant).open(&new).expect("a new map");
    assert_clean(&map.verify().expect("verified"), 1_500);
}

#[test]
fn what_cannot_be_repaired() {
    let root = memory_dir();
    let old = root.path().join("old");
    made(&old, 20, true);
    let fails = |to: &str| repair::<String, Vec<u8>>(&old, root.path().join(to)).expect_err("no repair");
    let wrong = repair::<String, u64>(&old, root.path().join("new"));
    assert!(matches!(wrong, Err(Error::SchemaMismatch { .. })));
    for name in ["index", "heap"] {
        let bytes = fs::read(old.join(name)).expect("a file");
        fs::remove_file(old.join(name)).expect("removed");
        assert!(matches!(fails("new"), Error::Corrupt { file, .. } if file == name));
        fs::write(old.join(name), bytes).expect("written");
    }
    fs::write(old.join("MAP"), "x").expect("written");
    assert!(matches!(fails("new"), Error::Corrupt { file: "MAP", .. }));
    assert!(!root.path().join("new").exists());
    fs::remove_file(old.join("MAP")).expect("removed");
    assert!(matches!(fails("new"), Error::NotFound { .. }));
}

/// Any garbage in any file but `MAP`: no panic and no hang, and what is taken is of the right types.
#[test]
fn garbage() {
    isolated("verify::repair::garbage", Duration::from_secs(150), |cases| {
        let root = memory_dir();
        let old = root.path().join("old");
        made(&old, 45, false);
        let names = ["index", "segments", "heap", "blocks", "checkpoint"];
        let files: Vec<_> = names.iter().map(|name| (name, fs::read(old.join(name)).expect("a file"))).collect();
        let mut rng = Rng::with_seed(seed("verify::repair::garbage"));
        for number in 0..400 {
            let (name, bytes) = &files[rng.usize(..files.len())];
            let at = rng.usize(..bytes.len().min(12_000));
            let len = [1, 8, 64, 4096][rng.usize(..4)].min(bytes.len() - at);
            let mut new = vec![rng.u8(..); len];
            if rng.bool() {
                rng.fill(&mut new);
            }
            let new_dir = root.path().join("new");
            cases.run(
                || format!("garbage {number}: {len} bytes at {at} of {name}"),
                || {
                    file(&old, name).write_all_at(&new, at as u64).expect("written");
                    let salvage = repair::<String, Vec<u8>>(&old, &new_dir).expect("repaired");
                    assert!(salvage.taken <= 2 * 45, "{salvage}");
                },
            );
            file(&old, name).write_all_at(bytes, 0).expect("written");
            let _ = fs::remove_dir_all(&new_dir);
        }
    });
}
