//! Damaged and crafted files: an error or a right answer where a checksum covers them, and never a panic, a signal, text
//! that is not UTF-8 or an endless loop anywhere.
//!
//! What is promised depends on the root. A map that is opened from its checkpoint (closed, or copied) has checksums over
//! `MAP`, the manifest and the segments, and does not read `segments` and `blocks` at all: damage there is an error or a
//! right answer, also for what is written afterwards. Records of the heap are checked by `verify` only: another payload
//! may be read. A map that is opened as it is (same boot, same files, not closed) has no checksums over `index`,
//! `segments` and `blocks`, since they change with every write: damage there may give wrong answers, lose entries or
//! refuse to open, but nothing worse.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, MMapFile, OpenOptions, Recovery, Result, StableHasher};
use fastrand::Rng;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::crash::{Cases, Constant, copy_dir, isolated, memory_dir};

const LIMIT: Duration = Duration::from_secs(150);
const FILES: [&str; 6] = ["MAP", "checkpoint", "segments", "blocks", "index", "heap"];
/// Where the descriptors start in `segments`: after the identity and 56 intent records.
const DESCRIPTORS: usize = 512 + 56 * 64;

/// Entries that a crafted manifest claims for a segment.
const COUNTS: &[u32] = &[0, 1, 17_000, u32::MAX];

/// A pair of types whose entries are made from small numbers.
trait Sample: 'static {
    const NAME: &'static str;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    type Hasher: StableHasher + Default + Send + Sync + 'static;

    fn key(number: u64) -> Self::Key;
    fn value(number: u64) -> Self::Value;
    /// A digest of a key, after a look at each of its bytes.
    fn see_key(view: <Self::K as DiskValue>::View<'_>) -> u64;
    /// A digest of a value, after a look at each of its bytes.
    fn see_value(view: <Self::V as DiskValue>::View<'_>) -> u64;
    /// The digests that the key and the value of a number have.
    fn digests(number: u64) -> (u64, u64);
}

type Map<T> = DiskHashMap<<T as Sample>::K, <T as Sample>::V, MMapFile, <T as Sample>::Hasher>;
/// Digests of values by digests of keys.
type Truth = HashMap<u64, u64>;

macro_rules! sample {
    ($name:ident, $text:literal, $key:ty, $value:ty, $hasher:ty, $make_key:expr, $make_value:expr, $see_key:expr, $see_value:expr, $digests:expr) => {
        struct $name;

        impl Sample for $name {
            const NAME: &'static str = $text;
            type K = $key;
            type V = $value;
            type Key = $key;
            type Value = $value;
            type Hasher = $hasher;

            fn key(number: u64) -> $key {
                $make_key(number)
            }

            fn value(number: u64) -> $value {
                $make_value(number)
            }

            fn see_key(view: <$key as DiskValue>::View<'_>) -> u64 {
                $see_key(view)
            }

            fn see_value(view: <$value as DiskValue>::View<'_>) -> u64 {
                $see_value(view)
            }

            fn digests(number: u64) -> (u64, u64) {
                $digests(number)
            }
        }
    };
}

fn same(number: u64) -> u64 {
    number
}

fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn wide(number: u64) -> [u64; 4] {
    [number, !number, mixed(number), number << 32]
}

fn see_wide(view: [u64; 4]) -> u64 {
    view.iter().fold(0, |all, &part| mixed(all.rotate_left(7) ^ part))
}

/// A slot of 64 bytes: a segment has 1,024 of them, of which a key that hashes like all others can reach 128.
fn seven(number: u64) -> [u64; 7] {
    [number, 1, 2, 3, 4, 5, mixed(number)]
}

fn see_seven(view: [u64; 7]) -> u64 {
    view.iter().fold(0, |all, &part| mixed(all.rotate_left(7) ^ part))
}

fn name(number: u64) -> String {
    format!("{}{number}", "näme-".repeat(number as usize % 3))
}

fn text(number: u64) -> String {
    "tëxt".repeat(number as usize % 4)
}

fn see_text(view: &str) -> u64 {
    assert!(std::str::from_utf8(view.as_bytes()).is_ok(), "a text is UTF-8");
    xxh3_64(view.as_bytes())
}

sample!(Numbers, "numbers", u64, u64, FxBuildHasher, same, mixed, same, same, |n| (n, mixed(n)));
sample!(Wide, "wide", u64, [u64; 4], FxBuildHasher, same, wide, same, see_wide, |n| (n, see_wide(wide(n))));
sample!(Names, "names", String, u64, FxBuildHasher, name, mixed, see_text, same, |n| (see_text(&name(n)), mixed(n)));
sample!(Texts, "texts", String, String, FxBuildHasher, name, text, see_text, see_text, |n| (
    see_text(&name(n)),
    see_text(&text(n))
));
sample!(Chained, "chained", u64, [u64; 7], Constant, same, seven, same, see_seven, |n| (n, see_seven(seven(n))));

fn options<T: Sample>() -> OpenOptions<T::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(T::Hasher::default())
}

fn open<T: Sample>(dir: &Path) -> Result<Map<T>> {
    options::<T>().open(dir)
}

/// How a map was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Closed, then copied.
    Closed,
    /// Killed after a checkpoint and some changes, then copied.
    Copied,
    /// Killed, and in place.
    Live,
}

/// A map's files, what they should hold, and how to get them back.
struct Original<T: Sample> {
    _root: TempDir,
    dir: PathBuf,
    files: Vec<(&'static str, Vec<u8>)>,
    truth: Truth,
    left: Left,
    kind: std::marker::PhantomData<T>,
}

impl<T: Sample> Original<T> {
    /// A map of about `entries` entries.
    fn new(left: Left, entries: u64) -> Original<T> {
        let root = memory_dir();
        let (made, copy) = (root.path().join("made"), root.path().join("copy"));
        let mut map: Map<T> = options::<T>().create_new(true).open(&made).expect("a new map");
        for number in 0..entries {
            map.insert(&T::key(number), &T::value(number + 1)).expect("inserted");
        }
        map.checkpoint().expect("a checkpoint");
        let durable = truth_of::<T>(&map);
        change::<T>(&mut map, entries);
        let truth = if left == Left::Copied { durable } else { truth_of::<T>(&map) };
        let dir = match left {
            Left::Closed => {
                map.close().expect("closed");
                copy_dir(&made, &copy);
                copy
            }
            Left::Copied => {
                drop(map);
                copy_dir(&made, &copy);
                copy
            }
            Left::Live => {
                drop(map);
                made
            }
        };
        let files: Vec<_> = FILES
            .into_iter()
            .filter(|name| dir.join(name).exists())
            .map(|name| (name, fs::read(dir.join(name)).expect("a file")))
            .collect();
        let original = Original { _root: root, dir, files, truth, left, kind: std::marker::PhantomData };
        original.check_undamaged();
        original
    }

    fn check_undamaged(&self) {
        for read_only in [true, false] {
            let map: Map<T> = options::<T>().read_only(read_only).open(&self.dir).expect("an undamaged map");
            let expected = match self.left {
                Left::Closed => Recovery::Closed,
                Left::Copied => Recovery::RolledBack,
                Left::Live => Recovery::Resumed,
            };
            assert_eq!(map.stats().recovery, expected);
            assert!(read::<T>(&map, Some(&self.truth)), "an undamaged map has no errors");
        }
        self.restore();
    }

    /// The files as they were, in the same inodes.
    fn restore(&self) {
        for entry in fs::read_dir(&self.dir).expect("a directory") {
            let entry = entry.expect("an entry");
            let known = self.files.iter().any(|(name, _)| entry.file_name() == *name) || entry.file_name() == "lock";
            if !known {
                fs::remove_file(entry.path()).expect("removed");
            }
        }
        for (name, _) in &self.files {
            self.restore_file(name);
        }
    }

    fn restore_file(&self, name: &str) {
        let (path, bytes) = (self.dir.join(name), self.bytes(name));
        if path.is_dir() {
            fs::remove_dir(&path).expect("removed");
        }
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).expect("a file");
        file.set_len(bytes.len() as u64).expect("the old length");
        // Writing costs more than comparing.
        let mut old = [0; 16 << 10];
        for (number, part) in bytes.chunks(old.len()).enumerate() {
            let at = (number * old.len()) as u64;
            file.read_exact_at(&mut old[..part.len()], at).expect("read");
            if old[..part.len()] != *part {
                file.write_all_at(part, at).expect("written");
            }
        }
    }

    fn bytes(&self, file: &str) -> &[u8] {
        self.files.iter().find(|(name, _)| *name == file).map_or(&[], |(_, bytes)| bytes)
    }

    fn write(&self, file: &str, at: usize, bytes: &[u8]) {
        let file = File::options().write(true).open(self.dir.join(file)).expect("a file");
        file.write_all_at(bytes, at as u64).expect("written");
    }

    /// What an answer must be when `file` is damaged.
    fn truth_beside(&self, file: &str) -> Option<&Truth> {
        let checked = match self.left {
            Left::Closed | Left::Copied => file != "heap",
            Left::Live => matches!(file, "MAP" | "checkpoint"),
        };
        checked.then_some(&self.truth)
    }

    /// One damage: done, looked at, and undone. `thorough`: the map is opened for writing as well, and written to.
    fn case(&self, cases: &mut Cases, name: impl Fn() -> String, file: &str, thorough: bool, damage: impl FnOnce()) {
        let name = || format!("{} {:?} {file}: {}", T::NAME, self.left, name());
        let truth = self.truth_beside(file);
        cases.run(name, || {
            damage();
            examine::<T>(&self.dir, truth, thorough);
        });
        if thorough {
            self.restore();
        } else {
            self.restore_file(file);
        }
    }
}

fn truth_of<T: Sample>(map: &Map<T>) -> Truth {
    let entries = map.iter().map(|entry| entry.map(|(key, value)| (T::see_key(key), T::see_value(value))));
    entries.collect::<Result<_>>().expect("read")
}

fn change<T: Sample>(map: &mut Map<T>, entries: u64) {
    for number in 0..entries {
        match number % 5 {
            0 => map.insert(&T::key(number), &T::value(number + 2)).map(|_| ()).expect("overwritten"),
            1 => map.remove(&T::key(number)).map(|_| ()).expect("removed"),
            _ => {}
        }
    }
    for number in entries..entries + entries / 5 {
        map.insert(&T::key(number), &T::value(number + 3)).expect("inserted");
    }
}

/// Opens a damaged map and uses it. Any `Err` is fine; a wrong answer is not if there is a truth.
fn examine<T: Sample>(dir: &Path, truth: Option<&Truth>, thorough: bool) {
    if let Ok(map) = options::<T>().read_only(true).open::<T::K, T::V>(dir) {
        read::<T>(&map, truth);
    }
    if !thorough {
        return;
    }
    let Ok(mut map) = open::<T>(dir) else { return };
    read::<T>(&map, truth);
    write::<T>(&mut map, truth.is_some());
    drop(map);
    if let Ok(mut map) = open::<T>(dir) {
        read::<T>(&map, None);
        let _ = map.shrink_to_fit();
        let _ = map.clear();
        let _ = map.insert(&T::key(1), &T::value(1));
        let _ = map.close();
    }
    if let Ok(map) = open::<T>(dir) {
        read::<T>(&map, None);
    }
}

/// Reads everything in every way; whether there was no error.
fn read<T: Sample>(map: &Map<T>, truth: Option<&Truth>) -> bool {
    let mut whole = true;
    let (mut seen, mut count) = (Truth::new(), 0u64);
    let most = map.stats().slots * 2 + 1_000_000;
    for entry in map {
        count += 1;
        assert!(count < most, "an iteration ends");
        match entry {
            Ok((key, value)) => {
                let (key, value) = (T::see_key(key), T::see_value(value));
                if let Some(truth) = truth {
                    assert_eq!(truth.get(&key), Some(&value), "an entry of the iteration");
                    assert_eq!(seen.insert(key, value), None, "an entry is met once");
                }
            }
            Err(_) => whole = false,
        }
    }
    if let (true, Some(truth)) = (whole, truth) {
        assert_eq!((seen.len(), map.len()), (truth.len(), truth.len() as u64), "an iteration without errors is whole");
    }
    let keys: Vec<T::Key> = (0..60).map(T::key).collect();
    for (number, key) in (0..60).zip(&keys) {
        match map.get_key_value(key) {
            Ok(found) => {
                let found = found.map(|(key, value)| (T::see_key(key), T::see_value(value)));
                if let Some(truth) = truth {
                    let expected = truth.get(&T::digests(number).0).copied();
                    assert_eq!(found.map(|(_, value)| value), expected, "key {number}");
                }
            }
            Err(_) => whole = false,
        }
        let _ = map.contains_key(key);
    }
    let mut cursor = Some(0);
    for _ in 0..100_000 {
        let Some(at) = cursor else { break };
        let Ok((part, next)) = map.scan(at) else { break };
        assert!(part.count() < 1_000_000, "a part of a scan ends");
        cursor = next;
    }
    assert!(map.capacity() >= map.len());
    whole
}

/// Changes everything in every way. With `strict`, what was stored must be there or not be readable.
fn write<T: Sample>(map: &mut Map<T>, strict: bool) {
    for number in 0..20 {
        let _ = map.update(&T::key(number), |_| T::value(number + 5));
    }
    for number in (0..60).chain(1_000..1_120) {
        let key = T::key(number);
        if map.insert(&key, &T::value(number + 9)).is_ok() && strict {
            let expected = T::digests(number + 9).1;
            if let Ok(found) = map.get(&key) {
                assert_eq!(found.map(T::see_value), Some(expected), "key {number} was just inserted");
            }
        }
    }
    let _ = map.checkpoint();
    for number in (0..60).step_by(2).chain(1_000..1_060) {
        let _ = map.remove(&T::key(number)).map(|found| found.map(T::see_value));
        let _ = map.try_insert(&T::key(number + 1), &T::value(number));
    }
    read::<T>(map, None);
    let mut visited = 0u64;
    let _ = map.retain(|key, value| {
        visited += 1;
        assert!(visited < 10_000_000, "retaining ends");
        T::see_key(key) ^ T::see_value(value) > u64::MAX / 2
    });
    if map.len().is_multiple_of(4) {
        let _ = map.reserve(5_000);
    }
    let _ = map.clear();
    for number in 0..70 {
        let _ = map.insert(&T::key(number), &T::value(number));
    }
    read::<T>(map, None);
}

/// Every used byte, and some of those that are 0.
fn flips<T: Sample>(cases: &mut Cases, left: Left, step: usize) {
    let original = Original::<T>::new(left, 45);
    for (file, bytes) in &original.files {
        let small = matches!(*file, "MAP" | "checkpoint");
        for (at, &byte) in bytes.iter().enumerate() {
            let used = small || byte != 0 || *file != "heap" && bytes[at & !7..].iter().take(8).any(|&byte| byte != 0);
            if !(used && at % step == 0 || at % 487 == 0) {
                continue;
            }
            let flipped = if at % 2 == 0 { !byte } else { byte ^ 1 << (at / 2 % 8) };
            let damage = || original.write(file, at, &[flipped]);
            original.case(cases, || format!("byte {at} flipped"), file, at % 5 == 0, damage);
        }
    }
}

fn truncations<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    for (file, bytes) in &original.files {
        for len in (0..bytes.len()).step_by(64) {
            // Where there is nothing but zeros, page by page.
            let near = &bytes[len.saturating_sub(64)..bytes.len().min(len + 64)];
            if near.iter().all(|&byte| byte == 0) && len % 4096 != 0 && len % 4096 != 64 {
                continue;
            }
            let path = original.dir.join(file);
            let damage = || File::options().write(true).open(path).expect("a file").set_len(len as u64).expect("cut");
            original.case(cases, || format!("cut to {len} bytes"), file, len % 256 == 0, damage);
        }
    }
}

fn garbage<T: Sample>(cases: &mut Cases, left: Left, entries: u64, count: u64) {
    let original = Original::<T>::new(left, entries);
    let seed = crate::crash::seed(T::NAME);
    let mut rng = Rng::with_seed(seed);
    for number in 0..count {
        let (file, bytes) = &original.files[rng.usize(..original.files.len())];
        let at = rng.usize(..bytes.len());
        let len = [1, 8, 64, 4096, bytes.len()][rng.usize(..5)].min(bytes.len() - at);
        let mut new = vec![0; len];
        match rng.u32(..3) {
            0 => new.fill(rng.u8(..)),
            1 => new.copy_from_slice(&bytes[rng.usize(..=bytes.len() - len)..][..len]),
            _ => rng.fill(&mut new),
        }
        let name = || format!("garbage {number} of seed {seed}: {len} bytes at {at}");
        original.case(cases, name, file, true, || original.write(file, at, &new));
    }
}

/// Files that are missing, empty, too long, of another map, or in each other's place.
fn swaps<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    let other = Original::<T>::new(left, 200);
    for (file, bytes) in &original.files {
        let path = original.dir.join(file);
        original.case(cases, || "missing".into(), file, true, || fs::remove_file(&path).expect("removed"));
        original.case(cases, || "empty".into(), file, true, || drop(File::create(&path).expect("emptied")));
        // A file that comes back has another inode; the checkpoint counts from here on, which has no checksums for `heap`.
        let directory = || {
            fs::remove_file(&path).expect("removed");
            fs::create_dir(&path).expect("a directory");
        };
        original.case(cases, || "a directory".into(), file, true, directory);
        let longer = || original.write(file, bytes.len(), &[0xAA; 5000]);
        original.case(cases, || "longer".into(), file, true, longer);
        let foreign = || fs::write(&path, other.bytes(file)).expect("written");
        original.case(cases, || "of another map".into(), file, true, foreign);
        for (second, second_bytes) in &original.files {
            let swap = || {
                fs::write(&path, second_bytes).expect("written");
                fs::write(original.dir.join(second), bytes).expect("written");
            };
            // Two files are damaged: the heap may be one of them.
            let worse = if *second == "heap" { second } else { file };
            original.case(cases, || format!("swapped with {second}"), worse, true, swap);
        }
    }
}

/// Where a map's parts lie, from what `MAP` says of its slots.
struct Layout {
    stride: usize,
    slots: usize,
    lines: usize,
    buckets: usize,
}

impl Layout {
    fn of(map: &[u8]) -> Layout {
        let text = String::from_utf8_lossy(map);
        let slot = text.lines().find(|line| line.starts_with("slot ")).expect("a slot line").to_owned();
        let words: Vec<&str> = slot.split(' ').collect();
        let number = |name| {
            let at = words.iter().position(|word| *word == name).expect("a part of the layout");
            words[at + 1].parse().expect("a number")
        };
        Layout { stride: number("stride"), slots: number("slots"), lines: number("lines"), buckets: number("buckets") }
    }

    fn control(&self) -> usize {
        if self.slots > 4 { 8 } else { 4 }
    }

    fn lines_at(&self) -> usize {
        (self.buckets * self.control()).next_multiple_of(64)
    }

    fn segment(&self) -> usize {
        (self.lines_at() + self.buckets * self.lines * 64).next_multiple_of(4096)
    }

    /// What the manifest has for a segment.
    fn checksum(&self, index: &[u8], id: usize, buckets: usize) -> u64 {
        let segment = &index[id * self.segment()..];
        let mut hash = Xxh3::new();
        hash.update(&segment[..buckets * self.control()]);
        hash.update(&segment[self.lines_at()..][..buckets * self.lines * 64]);
        hash.digest()
    }
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend(xxh3_64(&body).to_le_bytes());
    body
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// Manifests with right checksums and wrong content.
fn crafted_manifests<T: Sample>(cases: &mut Cases, left: Left, entries: u64) {
    let original = Original::<T>::new(left, entries);
    let manifest = original.bytes("checkpoint");
    let body = &manifest[..manifest.len() - 8];
    let segments = u64_at(body, 48) as usize;
    let tokens = 64 + 32 * segments;
    let mut crafted = |name: String, change: &dyn Fn(&mut Vec<u8>)| {
        let mut new = body.to_vec();
        change(&mut new);
        let new = sealed(new);
        // A manifest that is whole but not true: what it says may be believed.
        cases.run(
            || format!("{} {left:?} manifest: {name}", T::NAME),
            || {
                fs::write(original.dir.join("checkpoint"), &new).expect("written");
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    crafted("no change".into(), &|_| {});
    for (name, at) in [("generation", 32), ("entries", 40), ("segments", 48), ("blocks", 56)] {
        for value in [0, 1, u64::from(u32::MAX), u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            crafted(format!("{name} is {value}"), &|body| put(body, at, &value.to_le_bytes()));
        }
    }
    for (name, at) in [("version", 8), ("flags", 12)] {
        for value in [0u32, 1, 2, u32::MAX] {
            crafted(format!("{name} is {value}"), &|body| put(body, at, &value.to_le_bytes()));
        }
    }
    crafted("another uuid".into(), &|body| body[16] ^= 1);
    crafted("no tokens".into(), &|body| body.truncate(tokens));
    crafted("more tokens".into(), &|body| body.extend([0; 8]));
    for record in 0..segments.min(2) {
        let at = 64 + 32 * record;
        let field = |name: &str, value: u64| format!("segment record {record}: {name} is {value}");
        for id in [0, 1, 2, 1000, u32::MAX - 1, u32::MAX] {
            crafted(field("id", id.into()), &|body| put(body, at, &id.to_le_bytes()));
            crafted(field("chained", id.into()), &|body| put(body, at + 4, &id.to_le_bytes()));
        }
        for prefix in [0, 1, 1 << 63, u64::MAX] {
            crafted(field("prefix", prefix), &|body| put(body, at + 8, &prefix.to_le_bytes()));
        }
        for &count in COUNTS {
            let change = |body: &mut Vec<u8>| {
                let old = u32::from_le_bytes(body[at + 16..at + 20].try_into().expect("4 bytes"));
                let sum = u64_at(body, 40) - u64::from(old) + u64::from(count);
                put(body, at + 16, &count.to_le_bytes());
                put(body, 40, &sum.to_le_bytes());
            };
            crafted(field("entries", count.into()), &change);
        }
        for depth in [0, 1, 2, 3, 57, 58, 63, 64, 255] {
            crafted(field("depth", depth.into()), &|body| body[at + 20] = depth);
        }
        for size in [0, 1, 3, 4, 5, 9, 10, 11, 31, 32, 255] {
            crafted(field("size", size.into()), &|body| body[at + 21] = size);
        }
        crafted(field("checksum", 0), &|body| put(body, at + 24, &[0; 8]));
        crafted(format!("segment record {record} twice"), &|body| {
            let copy = body[at..at + 32].to_vec();
            body.splice(at..at, copy);
            put(body, 48, &(segments as u64 + 1).to_le_bytes());
        });
        crafted(format!("segment record {record} missing"), &|body| {
            let old = u32::from_le_bytes(body[at + 16..at + 20].try_into().expect("4 bytes"));
            let sum = u64_at(body, 40) - u64::from(old);
            body.drain(at..at + 32);
            put(body, 40, &sum.to_le_bytes());
            put(body, 48, &(segments as u64 - 1).to_le_bytes());
        });
        for other in 0..segments.min(3) {
            crafted(format!("segment record {record} overlaps {other}"), &|body| {
                let place = body[64 + 32 * other + 8..][..8].to_vec();
                put(body, at + 8, &place);
            });
            crafted(format!("segments {record} and {other} chained in a circle"), &|body| {
                let [one, two] = [at, 64 + 32 * other].map(|at| body[at..at + 4].to_vec());
                put(body, at + 4, &two);
                put(body, 64 + 32 * other + 4, &one);
            });
        }
    }
    for at in (tokens..body.len()).step_by(8).take(8) {
        for kind in 0..8 {
            crafted(format!("token at {at}: kind {kind}"), &|body| body[at] = kind);
        }
        for class in [0, 1, 57, 58, 253, 254, 255] {
            crafted(format!("token at {at}: class {class}"), &|body| body[at + 1] = class);
        }
        for n in [0u32, 1, 2, 255, 256, 257, 8192, 8193, u32::MAX] {
            crafted(format!("token at {at}: {n} of it"), &|body| put(body, at + 4, &n.to_le_bytes()));
        }
        for kind in [3, 4, 5] {
            for n in [1u32, 2, 3, u32::MAX] {
                crafted(format!("token at {at}: kind {kind}, {n} of it"), &|body| {
                    put(body, at, &[kind, 0, 0, 0]);
                    put(body, at + 4, &n.to_le_bytes());
                });
            }
        }
    }
}

/// An index with right checksums and wrong content, and a heap with impossible lengths.
fn crafted_entries<T: Sample>(cases: &mut Cases, left: Left, entries: u64) {
    let original = Original::<T>::new(left, entries);
    let layout = Layout::of(original.bytes("MAP"));
    let (index, manifest, heap) = (original.bytes("index"), original.bytes("checkpoint"), original.bytes("heap"));
    let mut crafted = |name: String, change: &dyn Fn(&mut [u8], &mut [u8])| {
        let (mut index, mut heap, mut body) = (index.to_vec(), heap.to_vec(), manifest[..manifest.len() - 8].to_vec());
        change(&mut index, &mut heap);
        for record in 0..u64_at(&body, 48) as usize {
            let at = 64 + 32 * record;
            let id = u32::from_le_bytes(body[at..at + 4].try_into().expect("4 bytes")) as usize;
            let sum = layout.checksum(&index, id, 1 << body[at + 21]);
            put(&mut body, at + 24, &sum.to_le_bytes());
        }
        cases.run(
            || format!("{} {left:?} entries: {name}", T::NAME),
            || {
                original.write("index", 0, &index);
                fs::write(original.dir.join("checkpoint"), sealed(body)).expect("written");
                if !heap.is_empty() {
                    original.write("heap", 0, &heap);
                }
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    crafted("no change".into(), &|_, _| {});
    let segments = (index.len() - layout.lines_at()).div_ceil(layout.segment());
    for id in 0..segments {
        let (start, end) = (id * layout.segment(), index.len().min((id + 1) * layout.segment()));
        for value in [0, 0x01, 0x55, 0x7F, 0x80, 0xFF] {
            crafted(format!("segment {id}: control words of {value:#x}"), &|index, _| {
                index[start..start + layout.buckets * layout.control()].fill(value);
            });
            crafted(format!("segment {id}: lines of {value:#x}"), &|index, _| {
                index[start + layout.lines_at()..end].fill(value);
            });
        }
        // All tags are one tag that no key has, all buckets say that entries overflowed past them.
        crafted(format!("segment {id}: only overflow"), &|index, _| {
            for word in index[start..start + layout.buckets * layout.control()].chunks_exact_mut(layout.control()) {
                word.fill(0);
                word[layout.control() - 1] = 0xF0 | if layout.control() == 8 { 0x0F } else { 0 };
            }
        });
        let slots = (start + layout.lines_at()..end.saturating_sub(layout.stride)).step_by(layout.stride);
        let used: Vec<usize> =
            slots.filter(|&at| index[at..at + layout.stride].iter().any(|&byte| byte != 0)).collect();
        for &at in used.iter().take(5) {
            for word in (0..layout.stride).step_by(8) {
                let old = u64_at(index, at + word);
                let last = heap.len() as u64 / 8;
                for new in [
                    0,
                    u64::MAX,
                    old + 1,
                    old ^ 1 << 39,
                    old & !((1 << 40) - 1) | last,
                    old & !((1 << 40) - 1) | last.saturating_sub(1),
                    old ^ 31 << 40,
                    old ^ 1 << 63,
                ] {
                    crafted(format!("word at {} is {new:#x}", at + word), &|index, _| {
                        put(index, at + word, &new.to_le_bytes());
                    });
                }
            }
        }
        if let [first, second, ..] = used[..] {
            crafted(format!("segment {id}: two slots with one record"), &|index, _| {
                index.copy_within(first..first + layout.stride, second);
            });
        }
    }
    let records =
        (0..heap.len().saturating_sub(16)).step_by(8).filter(|&at| heap[at..at + 8].iter().any(|&byte| byte != 0));
    for at in records.take(10) {
        for len in [0u32, 1, 100, 0xFFFF, 0x7FFF_FFFF, u32::MAX] {
            for (first, second) in [(true, false), (false, true), (true, true)] {
                crafted(format!("lengths of {len} in the record at {at}: {first} {second}"), &|_, heap| {
                    if first {
                        put(heap, at + 4, &len.to_le_bytes());
                    }
                    if second {
                        put(heap, at + 8, &len.to_le_bytes());
                    }
                });
            }
        }
    }
}

/// Intents, descriptors and block entries, which the live state is taken from without checksums.
fn crafted_tables<T: Sample>(cases: &mut Cases, entries: u64) {
    let original = Original::<T>::new(Left::Live, entries);
    let (table, blocks) = (original.bytes("segments"), original.bytes("blocks"));
    let mut crafted = |name: String, file: &str, words: &[(usize, u64)]| {
        cases.run(
            || format!("{} {file}: {name}", T::NAME),
            || {
                for &(at, word) in words {
                    original.write(file, at, &word.to_le_bytes());
                }
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    let used = |at: &usize| u64_at(table, *at) != 0;
    let descriptors: Vec<usize> = (DESCRIPTORS..table.len() - 63).step_by(64).filter(used).collect();
    let count = descriptors.len() as u64;
    let absent = [count, count + 1, 10_000, 1 << 31, u64::from(u32::MAX) - 1, u64::from(u32::MAX), 1 << 32, u64::MAX];
    for record in [0, 55] {
        let at = 512 + record * 64;
        for kind in [1, 2, 3, 4, u64::MAX] {
            for id in (0..count.min(3)).chain(absent) {
                for other in [0, u64::from(u32::MAX)] {
                    let both = id | other << 32;
                    let words =
                        [(at, kind), (at + 8, both), (at + 16, other | id << 32), (at + 24, id), (at + 32, other)];
                    crafted(format!("intent {record} of kind {kind} with {id} and {other}"), "segments", &words);
                }
            }
        }
        for (bucket, lane) in
            [(0, 0), (15, 3), (16, 0), (1023, 0), (1024, 0), (u64::from(u32::MAX), 0), (0, 9), (0, 1 << 31)]
        {
            let slot = bucket | lane << 32;
            for words in [[0, slot, 0, 0], [0, 0, 0, slot], [0, slot, 0, slot]] {
                let words =
                    [(at, 2), (at + 8, words[0]), (at + 16, words[1]), (at + 24, words[2]), (at + 32, words[3])];
                crafted(format!("a move in intent {record} to bucket {bucket} lane {lane}"), "segments", &words);
            }
        }
    }
    for &at in descriptors.iter().take(4) {
        let (head, id) = (u64_at(table, at), (at - DESCRIPTORS) as u64 / 64);
        for state in 0..4 {
            crafted(format!("descriptor {id}: state {state}"), "segments", &[(at, head & !0xFF | state)]);
        }
        for depth in [0, 1, 2, 5, 18, 57, 58, 63, 64, 255] {
            crafted(format!("descriptor {id}: depth {depth}"), "segments", &[(at, head & !0xFF00 | depth << 8)]);
        }
        for size in [0, 3, 4, 5, 9, 10, 11, 31, 63, 64, 255] {
            crafted(format!("descriptor {id}: size {size}"), "segments", &[(at, head & !0xFF_0000 | size << 16)]);
        }
        for overflow in [0, 1, 2, 255, 1 << 39] {
            let head = head & 0xFF_FFFF | overflow << 24;
            crafted(format!("descriptor {id}: overflow {overflow}"), "segments", &[(at, head)]);
        }
        for prefix in [0, 1, 1 << 62, 1 << 63, u64::MAX] {
            crafted(format!("descriptor {id}: prefix {prefix:#x}"), "segments", &[(at + 8, prefix)]);
        }
        // Chains in a circle, to itself, to others' chains, past the end.
        for next in (0..count.min(6)).chain(absent) {
            crafted(format!("descriptor {id}: next {next}"), "segments", &[(at + 16, next.wrapping_add(1))]);
        }
        for generation in [0, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            crafted(format!("descriptor {id}: generation {generation}"), "segments", &[(at + 24, generation)]);
        }
        crafted(format!("descriptor {id}: sequence"), "segments", &[(at + 32, u64::MAX)]);
        for other in descriptors.iter().take(4) {
            let copy: Vec<_> = (0..4).map(|word| (at + 8 * word, u64_at(table, other + 8 * word))).collect();
            crafted(format!("descriptor {id}: a copy of another"), "segments", &copy);
        }
    }
    // 64 bytes of head and a bit for each of 4,096 cells.
    for (block, entry) in blocks.chunks_exact(576).enumerate().take(4) {
        let at = block * 576;
        for head in [0, 1, 2, 30, 58, 59, 0xFD, 0xFE, 0x01FE, 0x02FE, 0x1FE, 0xFF, 0x1FF, 0xFF_FFFF_FFFE, u64::MAX] {
            crafted(format!("block {block}: head {head:#x}"), "blocks", &[(at, head)]);
        }
        for bits in [0, 1, 0x5555_5555_5555_5555, u64::MAX] {
            let words: Vec<_> = (64..entry.len()).step_by(8).map(|word| (at + word, bits)).collect();
            crafted(format!("block {block}: bits {bits:#x}"), "blocks", &words);
        }
    }
}

/// `MAP` with a right checksum and wrong content.
fn crafted_map_files<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    let text = String::from_utf8(original.bytes("MAP").to_vec()).expect("text");
    let body = text.split_once("checksum ").expect("a checksum").0;
    let mut changes: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        let values = match name {
            "block-shift" => ["0", "8", "9", "10", "15", "17", "63", "64"].as_slice(),
            "intents" => ["0", "1", "55", "57", "64", "1024", "1025", "4294967295"].as_slice(),
            "diskmap" => ["format 0", "format 2", "format 4294967295"].as_slice(),
            _ => ["", "0", "0000000000000000", "x"].as_slice(),
        };
        changes.extend(values.iter().map(|new| (format!("{name} {value}\n"), format!("{name} {new}\n"))));
        changes.push((format!("{name} {value}\n"), String::new()));
    }
    for (from, to) in changes {
        let new = body.replacen(&from, &to, 1);
        let new = format!("{new}checksum {:016x}\n", xxh3_64(new.as_bytes()));
        cases.run(
            || format!("{} {left:?} MAP: {:?}", T::NAME, to.trim()),
            || {
                fs::write(original.dir.join("MAP"), &new).expect("written");
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    }
}

#[test]
fn flipped_bytes_of_numbers() {
    isolated("damage::flipped_bytes_of_numbers", LIMIT, |cases| {
        flips::<Numbers>(cases, Left::Closed, 1);
        flips::<Numbers>(cases, Left::Copied, 5);
        flips::<Numbers>(cases, Left::Live, 1);
    });
}

#[test]
fn flipped_bytes_of_wide_values() {
    isolated("damage::flipped_bytes_of_wide_values", LIMIT, |cases| {
        flips::<Wide>(cases, Left::Closed, 1);
        flips::<Wide>(cases, Left::Live, 1);
    });
}

#[test]
fn flipped_bytes_of_names() {
    isolated("damage::flipped_bytes_of_names", LIMIT, |cases| {
        flips::<Names>(cases, Left::Closed, 1);
        flips::<Names>(cases, Left::Live, 1);
    });
}

#[test]
fn flipped_bytes_of_texts() {
    isolated("damage::flipped_bytes_of_texts", LIMIT, |cases| {
        flips::<Texts>(cases, Left::Closed, 1);
        flips::<Texts>(cases, Left::Copied, 5);
        flips::<Texts>(cases, Left::Live, 1);
    });
}

#[test]
fn cut_files() {
    isolated("damage::cut_files", LIMIT, |cases| {
        for left in [Left::Closed, Left::Copied, Left::Live] {
            truncations::<Numbers>(cases, left);
            truncations::<Texts>(cases, left);
        }
    });
}

#[test]
fn garbage_in_files() {
    isolated("damage::garbage_in_files", LIMIT, |cases| {
        for left in [Left::Closed, Left::Copied, Left::Live] {
            garbage::<Numbers>(cases, left, 45, 150);
            garbage::<Wide>(cases, left, 45, 150);
            garbage::<Names>(cases, left, 45, 150);
            garbage::<Texts>(cases, left, 45, 150);
            garbage::<Numbers>(cases, left, 12_000, 60);
            garbage::<Texts>(cases, left, 12_000, 60);
            garbage::<Chained>(cases, left, 1_300, 20);
        }
    });
}

#[test]
fn files_in_the_wrong_place() {
    isolated("damage::files_in_the_wrong_place", LIMIT, |cases| {
        for left in [Left::Closed, Left::Copied, Left::Live] {
            swaps::<Numbers>(cases, left);
            swaps::<Texts>(cases, left);
        }
    });
}

#[test]
fn manifests_with_a_right_checksum() {
    isolated("damage::manifests_with_a_right_checksum", LIMIT, |cases| {
        for left in [Left::Closed, Left::Live] {
            crafted_manifests::<Numbers>(cases, left, 45);
            crafted_manifests::<Numbers>(cases, left, 12_000);
            crafted_manifests::<Texts>(cases, left, 45);
            crafted_manifests::<Chained>(cases, left, 1_300);
        }
    });
}

#[test]
fn entries_with_a_right_checksum() {
    isolated("damage::entries_with_a_right_checksum", LIMIT, |cases| {
        for left in [Left::Closed, Left::Live] {
            crafted_entries::<Numbers>(cases, left, 45);
            crafted_entries::<Wide>(cases, left, 45);
            crafted_entries::<Names>(cases, left, 45);
            crafted_entries::<Texts>(cases, left, 45);
        }
    });
}

#[test]
fn crafted_live_tables() {
    isolated("damage::crafted_live_tables", LIMIT, |cases| {
        crafted_tables::<Numbers>(cases, 45);
        crafted_tables::<Texts>(cases, 45);
        crafted_tables::<Wide>(cases, 6_000);
        crafted_tables::<Chained>(cases, 1_300);
    });
}

#[test]
fn crafted_map_files_are_refused_or_harmless() {
    isolated("damage::crafted_map_files_are_refused_or_harmless", LIMIT, |cases| {
        for left in [Left::Closed, Left::Live] {
            crafted_map_files::<Numbers>(cases, left);
            crafted_map_files::<Texts>(cases, left);
        }
    });
}
