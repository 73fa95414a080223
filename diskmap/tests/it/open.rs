//! Opening: every refusal has its own error and leaves the map unharmed; locks; recovery; what a rollback keeps; space and
//! time.

use std::{
    fs,
    hash::{BuildHasher, Hasher},
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use diskmap::{DiskHashMap, Error, OnRollback, OpenOptions, Recovery, SipBuildHasher, StableHasher, U64U64Map};
use fastrand::Rng;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;

use crate::isolated::{argument, contents, copy_dir, isolated, memory_dir, respawn};

type Names = DiskHashMap<u64, String>;

fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false)
}

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A closed map of 100 entries.
fn closed(dir: &Path) {
    let mut map: Names = options().create_new(true).open(dir).expect("created");
    fill(&mut map, 0..100);
    map.close().expect("closed");
}

fn fill(map: &mut Names, numbers: std::ops::Range<u64>) {
    for number in numbers {
        map.insert(&number, &format!("value {number}")).expect("inserted");
    }
}

fn check(map: &Names, entries: u64) {
    assert_eq!((map.len(), map.iter().count() as u64), (entries, entries));
    for number in 0..entries {
        assert_eq!(map.get(&number).expect("read"), Some(format!("value {number}").as_str()));
    }
    assert_eq!(map.get(&entries).expect("read"), None);
}

fn unharmed(dir: &Path, before: &[(String, u64, u64)]) {
    assert_eq!(contents(dir), before, "a refusal changes nothing");
    check(&options().open(dir).expect("opened"), 100);
}

#[derive(Clone, Copy, Default)]
struct Other(u64);

impl Hasher for Other {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl BuildHasher for Other {
    type Hasher = Other;

    fn build_hasher(&self) -> Other {
        *self
    }
}

impl StableHasher for Other {
    const ID: &'static str = "test-other";
}

/// Says that it is the default hasher, and is not.
#[derive(Clone, Copy, Default)]
struct Impostor;

impl BuildHasher for Impostor {
    type Hasher = Other;

    fn build_hasher(&self) -> Other {
        Other(1)
    }
}

impl StableHasher for Impostor {
    const ID: &'static str = <FxBuildHasher as StableHasher>::ID;
}

#[test]
fn wrong_types_are_refused_with_both_schemas() {
    let dir = dir();
    closed(dir.path());
    let before = contents(dir.path());
    for (error, side, stored, expected) in [
        (options().open::<u32, String>(dir.path()).err(), "key", "u64", "u32"),
        (options().open::<i64, String>(dir.path()).err(), "key", "u64", "i64"),
        (options().open::<u64, u64>(dir.path()).err(), "value", "str", "u64"),
        (options().open::<u64, Vec<u8>>(dir.path()).err(), "value", "str", ""),
        (options().read_only(true).open::<u64, (u64, u64)>(dir.path()).err(), "value", "str", "u64"),
        (options().create(true).open::<String, String>(dir.path()).err(), "key", "u64", "str"),
    ] {
        let error = error.expect("a refusal");
        let message = error.to_string();
        let Error::SchemaMismatch { side: found_side, stored: found, expected: wanted, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!((*found_side, found.as_str()), (side, stored));
        assert!(
            wanted.contains(expected) && message.contains(stored) && message.contains(wanted.as_str()),
            "{message}"
        );
    }
    unharmed(dir.path(), &before);
}

#[test]
fn a_wrong_hasher_is_refused() {
    let dir = dir();
    closed(dir.path());
    let before = contents(dir.path());
    let sip = options().hasher(SipBuildHasher::new()).open::<u64, String>(dir.path()).err();
    let other = options().hasher(Other(0)).open::<u64, String>(dir.path()).err();
    let impostor = options().hasher(Impostor).open::<u64, String>(dir.path()).err();
    for error in [sip, other, impostor] {
        let error = error.expect("a refusal");
        assert!(matches!(&error, Error::HasherMismatch { stored, .. } if stored == FxBuildHasher::ID), "{error}");
    }
    unharmed(dir.path(), &before);
}

#[test]
fn creating_over_a_map_and_opening_none() {
    let dir = dir();
    closed(dir.path());
    let before = contents(dir.path());
    assert!(matches!(Names::new_in(dir.path()), Err(Error::AlreadyExists { .. })));
    assert!(matches!(Names::with_capacity(dir.path(), 10, 0, 100), Err(Error::AlreadyExists { .. })));
    assert!(matches!(options().create_new(true).open::<u32, u32>(dir.path()), Err(Error::AlreadyExists { .. })));
    unharmed(dir.path(), &before);

    let empty = self::dir();
    for path in [empty.path().to_path_buf(), empty.path().join("missing")] {
        assert!(matches!(Names::load_from(&path), Err(Error::NotFound { .. })));
        assert!(matches!(options().read_only(true).open::<u64, String>(&path), Err(Error::NotFound { .. })));
    }
    assert!(!empty.path().join("missing").exists(), "looking makes no directory");
    assert!(matches!(
        options().read_only(true).create(true).open::<u64, u64>(empty.path()),
        Err(Error::InvalidInput { .. })
    ));
}

/// A creation that was killed before its end leaves files without `MAP`.
#[test]
fn leftovers_without_a_map_file_are_no_map() {
    let dir = dir();
    closed(dir.path());
    fs::remove_file(dir.path().join("MAP")).expect("removed");
    fs::write(dir.path().join("MAP.tmp"), "diskmap form").expect("written");
    assert!(matches!(Names::load_from(dir.path()), Err(Error::NotFound { .. })));
    let mut map: Names = options().create(true).open(dir.path()).expect("created");
    assert_eq!((map.len(), map.stats().recovery), (0, Recovery::Created));
    fill(&mut map, 0..50);
    map.close().expect("closed");
    check(&options().open(dir.path()).expect("opened"), 50);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = dir();
    closed(dir.path());
    let path = dir.path().join("MAP");
    let text = fs::read_to_string(&path).expect("text");
    for (version, found) in [("2", 2), ("77", 77), ("4294967295", u32::MAX)] {
        fs::write(&path, text.replacen("format 1", &format!("format {version}"), 1)).expect("written");
        let before = contents(dir.path());
        let error = options().open::<u64, String>(dir.path()).map(|map| map.len()).expect_err("a refusal");
        assert!(matches!(error, Error::UnsupportedFormat { found: f, supported: 1 } if f == found), "{error}");
        assert_eq!(contents(dir.path()), before, "a refusal changes nothing");
    }
    fs::write(&path, "something else").expect("written");
    assert!(matches!(Names::load_from(dir.path()), Err(Error::Corrupt { file: "MAP", .. })));
    fs::write(&path, text).expect("written");
    check(&options().open(dir.path()).expect("opened"), 100);
}

/// The child of the lock test: opens the map named by its argument, and says how that went by its exit code.
#[test]
fn child() {
    let Some(argument) = argument() else { return };
    let (way, dir) = argument.split_once(' ').expect("arguments of the child");
    let options = match way {
        "read" => options().read_only(true),
        "create" => options().create(true),
        _ => options(),
    };
    std::process::exit(match options.open::<u64, String>(dir) {
        Ok(map) if map.len() == 100 => 10,
        Ok(_) => 11,
        Err(Error::Locked { .. }) => 12,
        Err(_) => 13,
    });
}

fn elsewhere(way: &str, dir: &Path) -> i32 {
    let argument = format!("{way} {}", dir.display());
    respawn("open::child", &argument).status().expect("a child").code().expect("an exit code")
}

#[test]
fn one_writer_or_many_readers() {
    if argument().is_some() {
        return;
    }
    let dir = dir();
    closed(dir.path());
    let locked = |options: OpenOptions| matches!(options.open::<u64, String>(dir.path()), Err(Error::Locked { .. }));

    let writer: Names = options().open(dir.path()).expect("a writer");
    assert!(locked(options()) && locked(options().read_only(true)) && locked(options().create(true)));
    assert!(matches!(Names::new_in(dir.path()), Err(Error::AlreadyExists { .. })));
    for way in ["write", "read", "create"] {
        assert_eq!(elsewhere(way, dir.path()), 12, "{way} while it is written");
    }
    check(&writer, 100);
    drop(writer);

    let readers: [Names; 2] = [(); 2].map(|()| options().read_only(true).open(dir.path()).expect("a reader"));
    assert!(locked(options()));
    for (way, code) in [("write", 12), ("read", 10)] {
        assert_eq!(elsewhere(way, dir.path()), code, "{way} while it is read");
    }
    readers.iter().for_each(|reader| check(reader, 100));
    drop(readers);
    assert_eq!(elsewhere("write", dir.path()), 10);
    check(&options().open(dir.path()).expect("opened"), 100);
}

#[test]
fn read_only_refuses_writes_and_changes_nothing() {
    for killed in [false, true] {
        let dir = dir();
        closed(dir.path());
        if killed {
            let mut map: Names = options().open(dir.path()).expect("opened");
            fill(&mut map, 100..3_000);
            for number in 200..3_000 {
                map.remove(&number).expect("removed");
            }
        }
        let entries = if killed { 200 } else { 100 };
        let before = contents(dir.path());
        let mut map: Names = options().read_only(true).open(dir.path()).expect("read-only");
        assert_eq!(map.stats().recovery, if killed { Recovery::Resumed } else { Recovery::Closed });
        check(&map, entries);
        let mut refused = vec![
            map.insert(&1, "x").map(|_| ()),
            map.insert(&9_999, "x").map(|_| ()),
            map.try_insert(&9_999, "x").map(|_| ()),
            map.update(&1, |_| "x").map(|_| ()),
            map.remove(&1).map(|_| ()),
            map.clear(),
            map.reserve(1_000),
            map.checkpoint(),
            map.retain(|_, _| false),
            map.shrink_to_fit(),
        ];
        refused.push(map.entry(&9_999).expect("looked up").or_insert("x").map(|_| ()));
        for (number, result) in refused.into_iter().enumerate() {
            assert!(matches!(result, Err(Error::ReadOnly)), "write {number}: {result:?}");
        }
        check(&map, entries);
        map.close().expect("closed");
        assert_eq!(contents(dir.path()), before, "reading changes nothing");
        check(&options().open(dir.path()).expect("opened"), entries);
    }
}

#[test]
fn a_copy_of_a_closed_map_is_closed() {
    let dir = dir();
    let (made, copy) = (dir.path().join("made"), dir.path().join("copy"));
    closed(&made);
    copy_dir(&made, &copy);
    let map: Names = options().on_rollback(OnRollback::Refuse).open(&copy).expect("a copy");
    assert_eq!(map.stats().recovery, Recovery::Closed);
    check(&map, 100);
    drop(map);
    // And the original has not noticed.
    let map: Names = options().open(&made).expect("the original");
    assert_eq!(map.stats().recovery, Recovery::Closed);
}

#[test]
fn another_boot_goes_back_to_the_last_checkpoint() {
    let dir = dir();
    closed(dir.path());
    let boot = |id: u8| options().boot_id([id; 16]);
    let mut map: Names = boot(1).open(dir.path()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::Closed);
    fill(&mut map, 100..5_000);
    map.checkpoint().expect("a checkpoint");
    fill(&mut map, 5_000..9_000);
    map.update(&7, |_| "changed").expect("updated");
    map.remove(&8).expect("removed");
    drop(map);

    let mut map: Names = boot(1).open(dir.path()).expect("the same boot");
    assert_eq!((map.len(), map.stats().recovery), (8_999, Recovery::Resumed));
    assert_eq!(map.get(&7).expect("read"), Some("changed"));
    map.remove(&0).expect("removed");
    drop(map);

    let before = contents(dir.path());
    let refused = boot(2).on_rollback(OnRollback::Refuse).open::<u64, String>(dir.path());
    assert!(matches!(refused, Err(Error::RolledBack { .. })));
    let map: Names = boot(2).read_only(true).open(dir.path()).expect("read-only");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 5_000);
    drop(map);
    assert_eq!(contents(dir.path()), before, "neither changes anything");

    let mut map: Names = boot(2).open(dir.path()).expect("another boot");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 5_000);
    fill(&mut map, 5_000..6_000);
    check(&map, 6_000);
    drop(map);
    let map: Names = boot(2).open(dir.path()).expect("the same boot again");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    check(&map, 6_000);
    drop(map);
    let map: Names = boot(3).open(dir.path()).expect("a third boot");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 5_000);
    map.close().expect("closed");
    let map: Names = boot(4).on_rollback(OnRollback::Refuse).open(dir.path()).expect("closed before the boot");
    assert_eq!(map.stats().recovery, Recovery::Closed);
}

#[test]
fn before_its_first_checkpoint_a_map_goes_back_to_nothing() {
    let dir = dir();
    let mut map: Names = options().boot_id([1; 16]).create(true).open(dir.path()).expect("created");
    fill(&mut map, 0..1_000);
    drop(map);
    let mut map: Names = options().boot_id([2; 16]).open(dir.path()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 0);
    fill(&mut map, 0..10);
    map.close().expect("closed");
    check(&options().boot_id([3; 16]).open(dir.path()).expect("opened"), 10);
}

/// A kill right after opening a closed map must not hide that what comes later was not closed.
#[test]
fn a_map_that_was_reopened_and_killed_is_not_closed() {
    let dir = dir();
    closed(dir.path());
    let boot = |id: u8| options().boot_id([id; 16]);
    drop(boot(1).open::<u64, String>(dir.path()).expect("opened"));
    let mut map: Names = boot(1).open(dir.path()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    fill(&mut map, 100..110);
    drop(map);
    let refused = boot(2).on_rollback(OnRollback::Refuse).open::<u64, String>(dir.path());
    assert!(matches!(refused, Err(Error::RolledBack { .. })), "changes are given up without a word");
    let map: Names = boot(2).open(dir.path()).expect("another boot");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 100);
}

/// Space that a rollback gives up can be used again.
#[test]
fn a_rollback_leaks_no_space() {
    let dir = memory_dir();
    let mut map: Names = options().boot_id([1; 16]).create(true).open(dir.path()).expect("created");
    fill(&mut map, 0..1_000);
    map.checkpoint().expect("a checkpoint");
    let mut sizes = Vec::new();
    for boot in 2..8 {
        fill(&mut map, 1_000..60_000);
        sizes.push(map.file_size());
        drop(map);
        map = options().boot_id([boot; 16]).open(dir.path()).expect("opened");
        assert_eq!(map.stats().recovery, Recovery::RolledBack);
        check(&map, 1_000);
    }
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    assert!(last <= first + first / 10, "the same entries take more space after each rollback: {sizes:?}");
}

#[test]
fn checkpoints_are_made_by_the_clock() {
    let dir = memory_dir();
    let boot = |id: u8| options().boot_id([id; 16]).auto_checkpoint(Some(Duration::from_millis(20)));
    let mut map: Names = boot(1).create(true).open(dir.path()).expect("created");
    for (boot_number, entries) in [(2, 500), (3, 3_000)] {
        let stamp = || fs::metadata(dir.path().join("checkpoint")).expect("a checkpoint").ino();
        let before = stamp();
        let from = map.len();
        fill(&mut map, from..entries);
        let start = Instant::now();
        while stamp() == before && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_ne!(stamp(), before, "no checkpoint was made");
        // The first may have come in the midst of the inserts.
        std::thread::sleep(Duration::from_millis(300));
        drop(map);
        map = boot(boot_number).open(dir.path()).expect("opened");
        assert_eq!(map.stats().recovery, Recovery::RolledBack);
        check(&map, entries);
    }
    // Without a change there is none.
    let stamp = fs::metadata(dir.path().join("checkpoint")).expect("a checkpoint").ino();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(fs::metadata(dir.path().join("checkpoint")).expect("a checkpoint").ino(), stamp);
}

#[test]
fn a_drop_is_a_close_unless_told_otherwise() {
    let dir = dir();
    let mut map: Names = OpenOptions::new().create(true).open(dir.path()).expect("created");
    fill(&mut map, 0..100);
    drop(map);
    let map: Names = options().boot_id([9; 16]).on_rollback(OnRollback::Refuse).open(dir.path()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::Closed);
    check(&map, 100);
    drop(map);
    let map: Names = options().boot_id([9; 16]).open(dir.path()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
}

fn on_disk(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).expect("a directory");
    files.map(|entry| entry.expect("an entry").metadata().expect("metadata").blocks() * 512).sum()
}

#[test]
fn overwriting_does_not_fill_the_disk() {
    let dir = dir();
    let mut map = Names::new_in(dir.path()).expect("created");
    let mut rng = Rng::with_seed(3);
    let (text, start) = ("o".repeat(600), Instant::now());
    for _ in 0..3_000_000 {
        map.insert(&rng.u64(..1_000), &text[..rng.usize(1..=600)]).expect("overwritten");
    }
    let used = on_disk(dir.path());
    println!("3 million overwrites: {} MiB on disk, {:?}", used >> 20, start.elapsed());
    assert!(used < 150 << 20, "{used} bytes on disk");
    assert_eq!(map.len(), 1_000);
    map.close().expect("closed");
    let used = on_disk(dir.path());
    println!("closed: {} KiB", used >> 10);
    assert!(used < 150 << 20, "{used} bytes on disk");
    assert_eq!(Names::load_from(dir.path()).expect("opened").iter().filter(|entry| entry.is_ok()).count(), 1_000);
}

/// In a process of its own, which no other test disturbs with its memory.
#[test]
fn opening_is_fast() {
    isolated("open::opening_is_fast", Duration::from_secs(100), |_| {
        const ENTRIES: u64 = 2_000_000;
        let dir = memory_dir();
        let mut map: U64U64Map = options().create(true).open(dir.path()).expect("created");
        map.try_extend((0..ENTRIES).map(|number| (number, !number))).expect("filled");
        drop(map);
        let timed = |way: &str, most: u128| {
            // The best of three: the machine may be busy.
            let mut best = u128::MAX;
            for _ in 0..3 {
                let start = Instant::now();
                let map: U64U64Map = options().open(dir.path()).expect("opened");
                best = best.min(start.elapsed().as_micros());
                assert_eq!(map.len(), ENTRIES);
                assert_eq!(map.get(&77).expect("read"), Some(!77));
                if way == "closed" {
                    map.close().expect("closed");
                }
            }
            eprintln!("{ENTRIES} entries, {way}: {best} µs");
            assert!(best < most * 1_000, "{way}: {best} µs to open {ENTRIES} entries");
        };
        timed("killed", 500);
        let map: U64U64Map = options().open(dir.path()).expect("opened");
        map.close().expect("closed");
        timed("closed", 100);
    });
}
