//! A full disk: an error that says so, no signal, nothing lost, and the map goes on when there is room again.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, Error, OpenOptions, Recovery, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::isolated::{Cases, isolated};

const LIMIT: Duration = Duration::from_secs(120);
/// How many operations may fail before the test goes on to the next thing.
const FAILURES: u32 = 300;

/// A small file system in memory, gone when this is dropped.
pub(crate) struct Disk {
    dir: TempDir,
}

impl Disk {
    /// `None`, with the reason printed, where mounting is not allowed.
    pub(crate) fn new(kib: u64) -> Option<Disk> {
        let dir = tempfile::tempdir().expect("a directory");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "diskmap-test"])
            .arg(dir.path())
            .output();
        match output {
            Ok(output) if output.status.success() => Some(Disk { dir }),
            Ok(output) => {
                eprintln!("skipped, no mount: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped, no mount: {error}");
                None
            }
        }
    }

    pub(crate) fn map(&self) -> PathBuf {
        self.dir.path().join("map")
    }

    /// Takes all the room there is but `kib`.
    pub(crate) fn fill(&self, kib: u64) -> PathBuf {
        let stat = rustix::fs::statvfs(self.dir.path()).expect("the room left");
        let room = (stat.f_bavail * stat.f_frsize).saturating_sub(kib << 10);
        let path = self.dir.path().join("ballast");
        let file = File::create(&path).expect("ballast");
        if room > 0 {
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, room).expect("the room taken");
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}

/// A pair of types whose entries are made from small numbers.
trait Sample: 'static {
    const NAME: &'static str;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value: PartialEq + std::fmt::Debug;

    fn key(number: u64) -> Self::Key;
    fn value(number: u64, version: u64) -> Self::Value;
    fn is(view: <Self::V as DiskValue>::View<'_>, value: &Self::Value) -> bool;
}

struct Numbers;
struct Wide;
struct Texts;

impl Sample for Numbers {
    const NAME: &'static str = "numbers";
    type K = u64;
    type V = u64;
    type Key = u64;
    type Value = u64;

    fn key(number: u64) -> u64 {
        number
    }

    fn value(number: u64, version: u64) -> u64 {
        number * 1_000 + version
    }

    fn is(view: u64, value: &u64) -> bool {
        view == *value
    }
}

impl Sample for Wide {
    const NAME: &'static str = "wide";
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];

    fn key(number: u64) -> u64 {
        number
    }

    fn value(number: u64, version: u64) -> [u64; 4] {
        [number, version, !number, !version]
    }

    fn is(view: [u64; 4], value: &[u64; 4]) -> bool {
        view == *value
    }
}

impl Sample for Texts {
    const NAME: &'static str = "texts";
    type K = String;
    type V = String;
    type Key = String;
    type Value = String;

    fn key(number: u64) -> String {
        format!("the key of {number}")
    }

    fn value(number: u64, version: u64) -> String {
        let len = if number.is_multiple_of(40) { 40_000 } else { number % 13 * 50 };
        format!("{version} {}", "x".repeat(len as usize))
    }

    fn is(view: &str, value: &String) -> bool {
        view == value
    }
}

type Map<T> = DiskHashMap<<T as Sample>::K, <T as Sample>::V>;
/// The version of each number's value.
type Truth = HashMap<u64, u64>;

fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false)
}

fn check<T: Sample>(map: &Map<T>, truth: &Truth) {
    assert_eq!(map.len(), truth.len() as u64, "the length");
    let count = map.iter().inspect(|entry| assert!(entry.is_ok(), "an entry is readable")).count();
    assert_eq!(count, truth.len(), "the entries that an iteration meets");
    for (&number, &version) in truth {
        let found = map.get(&T::key(number)).expect("readable");
        assert!(found.is_some_and(|view| T::is(view, &T::value(number, version))), "key {number}");
    }
    assert!(map.get(&T::key(u64::MAX >> 20)).expect("readable").is_none());
}

/// Whether it was done; any failure but a full disk is one of the test.
fn done<R>(result: Result<R>, what: &str) -> bool {
    match result {
        Ok(_) => true,
        Err(Error::OutOfSpace { .. }) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Inserts until the disk is full; the numbers that are there then.
fn fill_up<T: Sample>(map: &mut Map<T>, truth: &mut Truth, from: u64, most: u64) -> u64 {
    for number in from..from + most {
        let len = map.len();
        if !done(map.insert(&T::key(number), &T::value(number, 0)), "insert") {
            assert_eq!(map.len(), len, "a failed insert leaves the length");
            assert!(map.get(&T::key(number)).expect("readable").is_none(), "a failed insert leaves no entry");
            return number;
        }
        truth.insert(number, 0);
    }
    panic!("{most} entries did not fill the disk");
}

/// What a map does on a disk that is full in its `n`-th growth.
fn on_full_disk<T: Sample>(disk: &Disk, checkpoint: bool) {
    let dir = disk.map();
    let map = options().create(true).open::<T::K, T::V>(&dir);
    let mut map: Map<T> = match map {
        Ok(map) => map,
        Err(Error::OutOfSpace { .. }) => {
            // Too small even for an empty map; later there is room, and then it can be made.
            let again = options().open::<T::K, T::V>(&dir);
            assert!(matches!(again, Err(Error::NotFound { .. })), "what could not be created is no map");
            return;
        }
        Err(error) => panic!("create: {error}"),
    };
    let mut truth = Truth::new();
    let mut end = fill_up::<T>(&mut map, &mut truth, 0, 200_000);
    check::<T>(&map, &truth);
    // The same failure again, and updates and removes of what is there.
    for number in end..end + 20 {
        if done(map.insert(&T::key(number), &T::value(number, 0)), "insert") {
            truth.insert(number, 0);
        }
    }
    end += 20;
    let mut failed = 0;
    for number in (0..end).step_by(3) {
        let was_there = truth.contains_key(&number);
        let result = map.update(&T::key(number), |_| T::value(number, 1));
        if let Ok(updated) = &result {
            assert_eq!(*updated, was_there);
        }
        if !done(result, "update") {
            failed += 1;
        } else if was_there {
            truth.insert(number, 1);
        }
        // A failure takes long: the file system tries.
        if failed > FAILURES {
            break;
        }
    }
    check::<T>(&map, &truth);
    if checkpoint {
        // A full disk may have no room for the manifest. That is an error and nothing else.
        done(map.checkpoint(), "checkpoint");
        check::<T>(&map, &truth);
    }
    let mut removed = 0;
    for number in (0..end).step_by(2) {
        let was_there = truth.contains_key(&number);
        if !done(map.remove(&T::key(number)).map(|found| assert_eq!(found.is_some(), was_there)), "remove") {
            failed += 1;
        } else if was_there {
            truth.remove(&number);
            removed += 1;
        }
        if failed > 2 * FAILURES {
            break;
        }
    }
    assert!(
        checkpoint || removed > 0 || truth.is_empty(),
        "without a checkpoint to keep anything, removing needs no room"
    );
    check::<T>(&map, &truth);
    if !checkpoint {
        // Removing made room for as many.
        let mut inserted = 0;
        for number in (0..end).step_by(2).filter(|number| !number.is_multiple_of(40)) {
            if truth.contains_key(&number) {
                continue;
            }
            if done(map.insert(&T::key(number), &T::value(number, 2)), "insert") {
                truth.insert(number, 2);
                inserted += 1;
            } else {
                failed += 1;
            }
            if failed > 4 * FAILURES {
                break;
            }
        }
        assert!(inserted * 4 >= removed * 3, "{removed} were removed, and only {inserted} fit again");
        check::<T>(&map, &truth);
    }
    // As after a kill: all is there, without any room to recover in.
    let ballast = disk.fill(0);
    drop(map);
    let map: Map<T> = options().open(&dir).expect("opened on a full disk");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    check::<T>(&map, &truth);
    // Closing may fail for want of room, and loses nothing then.
    let closed = done(map.close(), "close");
    let map: Map<T> = options().open(&dir).expect("opened on a full disk");
    check::<T>(&map, &truth);
    assert_eq!(map.stats().recovery, if closed { Recovery::Closed } else { Recovery::Resumed });
    drop(map);
    let map: Map<T> = options().read_only(true).open(&dir).expect("read-only on a full disk");
    check::<T>(&map, &truth);
    drop(map);
    // There is room again.
    let mut map: Map<T> = options().open(&dir).expect("opened");
    fs::remove_file(ballast).expect("removed");
    let _ = done(map.checkpoint(), "checkpoint");
    let _ = done(map.clear(), "clear").then(|| truth.clear());
    check::<T>(&map, &truth);
    if truth.is_empty() {
        done(map.checkpoint(), "checkpoint");
        for number in 0..20 {
            if done(map.insert(&T::key(number), &T::value(number, 3)), "insert") {
                truth.insert(number, 3);
            }
        }
        check::<T>(&map, &truth);
    }
}

/// With room that comes back, everything goes on: nothing stays refused.
fn goes_on<T: Sample>(kib: u64) {
    let Some(disk) = Disk::new(8 << 10) else { return };
    let mut map: Map<T> = options().create(true).open(disk.map()).expect("created");
    let ballast = disk.fill(kib);
    let mut truth = Truth::new();
    let end = fill_up::<T>(&mut map, &mut truth, 0, 200_000);
    done(map.checkpoint(), "checkpoint");
    fs::remove_file(ballast).expect("removed");
    for number in end..end + 200 {
        map.insert(&T::key(number), &T::value(number, 0)).expect("room again");
        truth.insert(number, 0);
    }
    map.checkpoint().expect("room for a checkpoint");
    check::<T>(&map, &truth);
    map.close().expect("closed");
    let map: Map<T> = options().open(disk.map()).expect("opened");
    assert_eq!(map.stats().recovery, Recovery::Closed);
    check::<T>(&map, &truth);
}

fn sizes<T: Sample>(cases: &mut Cases, from: u64, to: u64, step: usize) {
    for kib in (from..to).step_by(step) {
        for checkpoint in [false, true] {
            cases.run(
                || format!("{} on {kib} KiB, checkpoint {checkpoint}", T::NAME),
                || Disk::new(kib).map(|disk| on_full_disk::<T>(&disk, checkpoint)),
            );
        }
    }
    for kib in [0, 40, 300, 900, 2_000] {
        cases.run(|| format!("{} goes on after {kib} KiB", T::NAME), || goes_on::<T>(kib));
    }
}

#[test]
fn numbers_on_a_full_disk() {
    isolated("full_disk::numbers_on_a_full_disk", LIMIT, |cases| {
        sizes::<Numbers>(cases, 4, 700, 28);
        sizes::<Numbers>(cases, 1_000, 4_000, 404);
    });
}

#[test]
fn wide_values_on_a_full_disk() {
    isolated("full_disk::wide_values_on_a_full_disk", LIMIT, |cases| {
        sizes::<Wide>(cases, 4, 700, 36);
        sizes::<Wide>(cases, 1_000, 4_000, 508);
    });
}

#[test]
fn texts_on_a_full_disk() {
    isolated("full_disk::texts_on_a_full_disk", LIMIT, |cases| {
        sizes::<Texts>(cases, 4, 1_200, 44);
        sizes::<Texts>(cases, 1_500, 6_000, 708);
    });
}

/// A checkpoint thread that finds the disk full does not harm the map.
#[test]
fn automatic_checkpoints_on_a_full_disk() {
    isolated("full_disk::automatic_checkpoints_on_a_full_disk", LIMIT, |cases| {
        for kib in [200, 700, 2_500] {
            cases.run(
                || format!("{kib} KiB"),
                || {
                    let Some(disk) = Disk::new(kib) else { return };
                    let options = || options().auto_checkpoint(Some(Duration::from_millis(2)));
                    let mut map: Map<Texts> = options().create(true).open(disk.map()).expect("created");
                    let mut truth = Truth::new();
                    let end = fill_up::<Texts>(&mut map, &mut truth, 0, 200_000);
                    let ballast = disk.fill(0);
                    for round in 0..4 {
                        for number in (0..end).filter(|number| (number + round).is_multiple_of(4)) {
                            if done(map.insert(&Texts::key(number), &Texts::value(number, round)), "overwrite") {
                                truth.insert(number, round);
                            }
                        }
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    check::<Texts>(&map, &truth);
                    drop(map);
                    let mut map: Map<Texts> = options().open(disk.map()).expect("opened");
                    check::<Texts>(&map, &truth);
                    fs::remove_file(ballast).expect("removed");
                    done(map.checkpoint(), "checkpoint");
                    check::<Texts>(&map, &truth);
                },
            );
        }
    });
}

/// `ulimit -f`: growing past it would not only fail but kill the process by SIGXFSZ.
fn under_file_limit<T: Sample>(cases: &mut Cases, root: &Path) {
    let before = getrlimit(Resource::Fsize);
    let limits = [0, 1, 71, 72, 100, 4_096, 5_000, 8_192, 65_536, 70_000, 150_000, 300_000, 2 << 20];
    for (number, bytes) in limits.into_iter().enumerate() {
        let dir = root.join(format!("{}{number}", T::NAME));
        cases.run(
            || format!("{} with files of at most {bytes} bytes", T::NAME),
            || {
                setrlimit(Resource::Fsize, Rlimit { current: Some(bytes), maximum: before.maximum }).expect("a limit");
                let mut truth = Truth::new();
                if let Some(mut map) = created::<T>(&dir) {
                    let end = fill_up::<T>(&mut map, &mut truth, 0, 200_000);
                    for number in (0..end).step_by(2) {
                        map.remove(&T::key(number)).expect("removed");
                        truth.remove(&number);
                    }
                    done(map.checkpoint(), "checkpoint");
                    check::<T>(&map, &truth);
                    done(map.close(), "close");
                    let map: Map<T> = options().open(&dir).expect("opened");
                    check::<T>(&map, &truth);
                }
                setrlimit(Resource::Fsize, before).expect("no limit");
                let mut map: Map<T> = options().create(true).open(&dir).expect("opened without a limit");
                check::<T>(&map, &truth);
                for number in 0..5_000 {
                    map.insert(&T::key(number), &T::value(number, 4)).expect("inserted without a limit");
                }
            },
        );
        setrlimit(Resource::Fsize, before).expect("no limit");
    }
}

fn created<T: Sample>(dir: &Path) -> Option<Map<T>> {
    let map = options().create(true).open::<T::K, T::V>(dir);
    if let Err(error) = &map {
        assert!(matches!(error, Error::OutOfSpace { .. }), "create: {error}");
    }
    map.ok()
}

#[test]
fn limited_file_size() {
    isolated("full_disk::limited_file_size", LIMIT, |cases| {
        let root = crate::isolated::memory_dir();
        under_file_limit::<Numbers>(cases, root.path());
        under_file_limit::<Texts>(cases, root.path());
    });
}
