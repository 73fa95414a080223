//! Every byte flipped once: no panic, no hang, and no map that is called sound and holds something else.

use super::*;

const FILES: [&str; 4] = ["index", "segments", "heap", "blocks"];

type Entries = Vec<(String, Vec<u8>)>;

/// What a map holds, by iteration; `None` if it cannot all be read.
fn entries(map: &Bytes) -> Option<Entries> {
    let mut all: Entries = map
        .iter()
        .map(|entry| entry.map(|(key, value)| (key.to_owned(), value.to_vec())))
        .collect::<Result<_, _>>()
        .ok()?;
    all.sort();
    Some(all)
}

/// Whether a map holds these entries, and each can be looked up.
fn is_same(map: &Bytes, truth: &Entries) -> bool {
    entries(map).as_ref() == Some(truth)
        && truth.iter().all(|(key, value)| matches!(map.get(key), Ok(Some(found)) if found == &value[..]))
}

/// A map of some entries: written before a checkpoint, and after it where `changed`.
fn small_map(dir: &Path, changed: bool) -> Bytes {
    let mut map: Bytes = options().create(true).open(dir).expect("a new map");
    for number in 0..45 {
        map.insert(&name(number), &vec![number as u8; number as usize % 20]).expect("inserted");
    }
    map.remove(&name(3)).expect("removed");
    map.checkpoint().expect("a checkpoint");
    if changed {
        for number in 0..20 {
            map.insert(&name(number), &vec![0xEE; number as usize % 9]).expect("inserted");
        }
    }
    map
}

/// The bytes of a file that are in use, and some of those that are not.
fn places(bytes: &[u8], step: usize) -> impl Iterator<Item = usize> {
    let used = |at: &usize| bytes[at & !7..].iter().take(8).any(|&byte| byte != 0);
    (0..bytes.len()).filter(move |at| used(at) && at % step == 0 || at % 487 == 0)
}

#[test]
fn in_an_open_map() {
    isolated("verify::flips::in_an_open_map", Duration::from_secs(150), |cases| {
        for changed in [false, true] {
            let dir = memory_dir();
            let map = small_map(dir.path(), changed);
            let truth = entries(&map).expect("read");
            for name in FILES {
                let (bytes, file) = (fs::read(dir.path().join(name)).expect("a file"), file(dir.path(), name));
                for at in places(&bytes, 1) {
                    let byte = bytes[at];
                    cases.run(
                        || format!("changed {changed}: byte {at} of {name} flipped"),
                        || {
                            file.write_all_at(&[if at % 2 == 0 { !byte } else { byte ^ 1 << (at / 2 % 8) }], at as u64)
                                .expect("written");
                            let report = map.verify().expect("verified");
                            // Descriptors are read with care when a map is opened, and no more after that.
                            let found = !report.is_sound() || name == "segments" || is_same(&map, &truth);
                            file.write_all_at(&[byte], at as u64).expect("written");
                            assert!(found, "{report}");
                        },
                    );
                }
            }
            assert_clean(&map.verify().expect("verified"), truth.len() as u64);
        }
    });
}

/// As they were left, and opened once more.
fn reopened(name: &'static str, left: fn(Bytes, &Path) -> PathBuf, changed: bool) {
    isolated(name, Duration::from_secs(150), |cases| {
        let root = memory_dir();
        let map = small_map(&root.path().join("map"), changed);
        let truth = entries(&map).expect("read");
        let dir = left(map, root.path());
        let open = || options().read_only(true).open::<String, Vec<u8>>(&dir);
        let recovery = open().expect("opened").stats().recovery;
        for name in FILES {
            let (bytes, file) = (fs::read(dir.join(name)).expect("a file"), file(&dir, name));
            for at in places(&bytes, if name == "heap" { 3 } else { 1 }) {
                cases.run(
                    || format!("byte {at} of {name} flipped"),
                    || {
                        file.write_all_at(&[bytes[at] ^ 1 << (at % 8)], at as u64).expect("written");
                        let found = match open() {
                            Ok(map) => {
                                let report = map.verify().expect("verified");
                                // One that fell back to its checkpoint says so, and a lost entry leaves its cell.
                                let told = map.stats().recovery != recovery || report.leaked_cells > 0;
                                !report.is_sound() || told || is_same(&map, &truth)
                            }
                            Err(_) => true,
                        };
                        file.write_all_at(&bytes[at..=at], at as u64).expect("written");
                        assert!(found, "the map is called sound");
                    },
                );
            }
        }
    });
}

#[test]
fn in_a_closed_map() {
    let closed = |map: Bytes, root: &Path| {
        map.close().expect("closed");
        root.join("map")
    };
    reopened("verify::flips::in_a_closed_map", closed, true);
}

#[test]
fn in_a_killed_map() {
    let killed = |map: Bytes, root: &Path| {
        drop(map);
        root.join("map")
    };
    reopened("verify::flips::in_a_killed_map", killed, true);
}
