//! Every bit of every file of a small map flipped: an error or a right answer where a checksum covers it, never a panic, a
//! signal, a text that is not UTF-8 or an endless loop anywhere, and no map that `verify` calls sound holds something else.
//!
//! A bit is flipped alone wherever that may matter. To find out where, the same bit is flipped in all bytes of a page at
//! once: if the map is then opened, read and verified exactly as if nothing had happened, as in free cells, slots and
//! blocks, these bits are done with; else it is flipped in each line of the page, in each word of such a line, and in the
//! end in each byte alone. `DISKMAP_EVERY_BIT=1` flips all of them alone. The maps are opened in three ways: as a closed copy, whose segments are
//! compared with their checksums; as the very files that were closed; and as a killed process left them.

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use diskmap::{DiskHashMap, DiskKey, Encode, OpenOptions, Recovery};
use tempfile::TempDir;

use crate::isolated::{Cases, copy_dir, isolated, memory_dir};

const FILES: [&str; 6] = ["MAP", "checkpoint", "segments", "blocks", "index", "heap"];
const ENTRIES: u64 = 12;
/// A map is also written to after one in so many flips.
const WRITTEN: u64 = 101;

/// How a map was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Copied,
    Closed,
    Killed,
}

impl Left {
    /// Whether an answer must be right when this file is damaged.
    fn is_covered(self, file: &str) -> bool {
        match self {
            Left::Copied => file != "heap",
            Left::Closed => !matches!(file, "heap" | "index"),
            Left::Killed => matches!(file, "MAP" | "checkpoint"),
        }
    }
}

/// A key that is made from a number, and the number of a key.
trait Key: DiskKey + Encode<Self::Made> + 'static {
    /// A lost entry leaves a cell.
    const IN_HEAP: bool;
    type Made;
    fn made(number: u64) -> Self::Made;
    /// `None` for a key that was never made.
    fn number(view: Self::View<'_>) -> Option<u64>;
}

impl Key for u64 {
    const IN_HEAP: bool = false;
    type Made = u64;

    fn made(number: u64) -> u64 {
        number * 1_001
    }

    fn number(view: u64) -> Option<u64> {
        view.is_multiple_of(1_001).then_some(view / 1_001)
    }
}

impl Key for String {
    const IN_HEAP: bool = true;
    type Made = String;

    fn made(number: u64) -> String {
        format!("nämé {number}")
    }

    fn number(view: &str) -> Option<u64> {
        assert!(std::str::from_utf8(view.as_bytes()).is_ok(), "a text is UTF-8");
        view.strip_prefix("nämé ")?.parse().ok()
    }
}

fn value(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false)
}

/// What a look at a map found.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    recovery: Recovery,
    /// It could all be read, and is what it should be.
    right: bool,
    /// Something that can be read is not what it should be.
    wrong: bool,
    /// But all keys are there, and no others.
    keys: bool,
    sound: bool,
    leaks: bool,
}

fn look<K: Key>(map: &DiskHashMap<K, u64>) -> Look {
    let report = map.verify().expect("verified");
    let (mut right, mut wrong, mut keys, mut count) = (true, false, true, 0);
    for entry in map {
        count += 1;
        assert!(count < 1_000_000, "an iteration ends");
        match entry {
            Ok((key, found)) => {
                let number = K::number(key).filter(|number| *number < ENTRIES);
                keys &= number.is_some();
                wrong |= number.is_none_or(|number| found != value(number));
            }
            Err(_) => right = false,
        }
    }
    keys &= right && count == ENTRIES && map.len() == ENTRIES;
    wrong |= right && !keys;
    for number in 0..ENTRIES + 3 {
        let expected = (number < ENTRIES).then(|| value(number));
        match map.get(&K::made(number)) {
            Ok(found) => {
                keys &= found.is_some() == expected.is_some();
                wrong |= found != expected;
            }
            Err(_) => right = false,
        }
    }
    let leaks = report.leaked_cells + report.leaked_segments > 0;
    Look { recovery: map.stats().recovery, right: right && !wrong, wrong, keys, sound: report.is_sound(), leaks }
}

/// A map as it was left, and its files.
struct Original {
    _root: TempDir,
    dir: PathBuf,
    left: Left,
    files: Vec<(&'static str, Vec<u8>)>,
}

fn made<K: Key>(left: Left) -> Original {
    let root = memory_dir();
    let (mut dir, copy) = (root.path().join("map"), root.path().join("copy"));
    let mut map: DiskHashMap<K, u64> = options().create_new(true).open(&dir).expect("a new map");
    for number in 0..ENTRIES {
        map.insert(&K::made(number), &value(number)).expect("inserted");
    }
    match left {
        Left::Killed => {
            map.checkpoint().expect("a checkpoint");
            map.insert(&K::made(3), &value(3)).expect("inserted");
            drop(map);
        }
        Left::Closed | Left::Copied => map.close().expect("closed"),
    }
    if left == Left::Copied {
        copy_dir(&dir, &copy);
        dir = copy;
    }
    let files = FILES.into_iter().filter_map(|name| Some((name, fs::read(dir.join(name)).ok()?)));
    Original { files: files.collect(), _root: root, dir, left }
}

impl Original {
    fn restore(&self) {
        for entry in fs::read_dir(&self.dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if !path.ends_with("lock") && !self.files.iter().any(|(name, _)| path.ends_with(name)) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (name, bytes) in &self.files {
            // A small file that was replaced has another inode, which nothing remembers.
            let file = File::options().write(true).create(true).truncate(false).open(self.dir.join(name));
            let file = file.expect("a file");
            file.set_len(bytes.len() as u64).expect("the old length");
            file.write_all_at(bytes, 0).expect("the old bytes");
        }
    }
}

/// Opens a damaged map, reads it, and writes to it if `thorough`; what was found, `None` if it did not open.
fn examine<K: Key>(dir: &Path, thorough: bool) -> Option<Look> {
    let found = options().read_only(true).open::<K, u64>(dir).ok().map(|map| look::<K>(&map));
    if thorough && let Ok(mut map) = options().open::<K, u64>(dir) {
        for number in 0..ENTRIES + 40 {
            let _ = map.insert(&K::made(number), &number);
            let _ = map.remove(&K::made(number / 2));
        }
        look::<K>(&map);
        let _ = map.checkpoint();
        let _ = map.clear();
        let _ = map.close();
    }
    found
}

/// The flips of one map.
struct Flips<'c, K> {
    cases: &'c mut Cases,
    original: Original,
    untouched: Look,
    alone: u64,
    key: std::marker::PhantomData<K>,
}

impl<K: Key> Flips<'_, K> {
    /// Flips a bit in each byte of a part of a file, in groups of the first of these sizes. Where that changes anything,
    /// the group is taken apart.
    fn descend(&mut self, file: usize, part: Range<usize>, bit: u32, groups: &[usize]) {
        let Some((&size, smaller)) = groups.split_first() else { return };
        let (end, left) = (part.end, self.original.left);
        for at in part.step_by(size) {
            let range = at..end.min(at + size);
            let (name, bytes) = &self.original.files[file];
            let name = *name;
            let damaged: Vec<u8> = bytes[range.clone()].iter().map(|byte| byte ^ 1 << bit).collect();
            let what = || format!("{left:?}: bit {bit} of {range:?} of {name}");
            self.alone += u64::from(size == 1);
            let thorough = size == 1 && self.alone.is_multiple_of(WRITTEN);
            let found = self.damage(&what, file, range.clone(), &damaged, thorough);
            if size > 1 && found.as_ref() != Some(&self.untouched) {
                self.descend(file, range, bit, smaller);
            } else if size == 1
                && let Some(found) = found
            {
                let untouched = &self.untouched;
                self.cases.run(what, || judge(left, name, untouched, &found, K::IN_HEAP));
            }
        }
    }

    fn damage(
        &mut self,
        what: &dyn Fn() -> String,
        file: usize,
        range: Range<usize>,
        damaged: &[u8],
        thorough: bool,
    ) -> Option<Look> {
        let (name, bytes) = &self.original.files[file];
        // A small file may have been replaced by a map that was written to.
        let file = File::options().write(true).open(self.original.dir.join(name)).expect("a file");
        file.write_all_at(damaged, range.start as u64).expect("damaged");
        let found = self.cases.run(what, || examine::<K>(&self.original.dir, thorough)).flatten();
        if thorough {
            self.original.restore();
        } else {
            file.write_all_at(&bytes[range.clone()], range.start as u64).expect("mended");
        }
        found
    }
}

/// Whether what was found in a map with one flipped bit may be.
fn judge(left: Left, file: &str, untouched: &Look, found: &Look, heap: bool) {
    assert!(!left.is_covered(file) || !found.wrong, "a wrong answer: {found:?}");
    // One that falls back to its checkpoint says so; a lost entry leaves its cell.
    let told = !found.sound || found.leaks || found.recovery != untouched.recovery;
    // No checksum covers what lies in a slot until the next checkpoint: a value may be another one, and where there is no
    // cell to be left, an entry may be lost.
    let uncovered = left == Left::Killed && file == "index" && (found.keys || !heap);
    assert!(found.right || told || uncovered, "`verify` finds nothing: {found:?}");
}

fn every_bit<K: Key>(cases: &mut Cases, left: Left) {
    let original = made::<K>(left);
    let untouched = examine::<K>(&original.dir, false).expect("an undamaged map");
    assert!(untouched.right && untouched.sound && !untouched.leaks, "{untouched:?}");
    let groups: &[usize] = if std::env::var("DISKMAP_EVERY_BIT").is_ok() { &[1] } else { &[4096, 64, 8, 1] };
    let mut flips = Flips::<K> { cases, original, untouched, alone: 0, key: std::marker::PhantomData };
    let lens: Vec<usize> = flips.original.files.iter().map(|(_, bytes)| bytes.len()).collect();
    for (file, &len) in lens.iter().enumerate() {
        (0..8).for_each(|bit| flips.descend(file, 0..len, bit, groups));
    }
    let (bits, alone) = (8 * lens.iter().sum::<usize>(), flips.alone);
    assert!(alone > 10_000, "only {alone} of {bits} bits made a difference");
    eprintln!("{left:?}: {bits} bits, {alone} of them alone");
}

#[test]
fn of_a_map_of_numbers() {
    isolated("bits::of_a_map_of_numbers", Duration::from_secs(3_600), |cases| {
        [Left::Copied, Left::Closed, Left::Killed].into_iter().for_each(|left| every_bit::<u64>(cases, left));
    });
}

#[test]
fn of_a_map_of_texts() {
    isolated("bits::of_a_map_of_texts", Duration::from_secs(3_600), |cases| {
        [Left::Copied, Left::Closed, Left::Killed].into_iter().for_each(|left| every_bit::<String>(cases, left));
    });
}
