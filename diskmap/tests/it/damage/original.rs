//! A small map, its damaged copies, and what may be found in them.

use super::*;

/// How a map was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Closed, then copied.
    Closed,
    /// Killed after a checkpoint and some changes, then copied.
    Copied,
    /// Killed, and in place.
    Live,
}

/// A map's files, what they should hold, and how to get them back.
pub(super) struct Original<T: Sample> {
    pub(super) _root: TempDir,
    pub(super) dir: PathBuf,
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) truth: Truth,
    pub(super) left: Left,
    pub(super) kind: std::marker::PhantomData<T>,
}

impl<T: Sample> Original<T> {
    /// A map of about `entries` entries.
    pub(super) fn new(left: Left, entries: u64) -> Original<T> {
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

    pub(super) fn check_undamaged(&self) {
        for read_only in [true, false] {
            let map: Map<T> = options::<T>().read_only(read_only).open(&self.dir).expect("an undamaged map");
            let expected = match self.left {
                Left::Closed => Recovery::Closed,
                Left::Copied => Recovery::RolledBack,
                Left::Live => Recovery::Resumed,
            };
            assert_eq!(map.stats().recovery, expected);
            assert!(read::<T>(&map, Some(&self.truth)), "an undamaged map has no errors");
            let report = map.verify().expect("verified");
            assert!(report.findings().is_empty(), "{report}");
        }
        self.restore();
    }

    /// The files as they were, in the same inodes.
    pub(super) fn restore(&self) {
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

    pub(super) fn restore_file(&self, name: &str) {
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

    pub(super) fn bytes(&self, file: &str) -> &[u8] {
        self.files.iter().find(|(name, _)| *name == file).map_or(&[], |(_, bytes)| bytes)
    }

    pub(super) fn write(&self, file: &str, at: usize, bytes: &[u8]) {
        let file = File::options().write(true).open(self.dir.join(file)).expect("a file");
        file.write_all_at(bytes, at as u64).expect("written");
    }

    /// What an answer must be when `file` is damaged.
    pub(super) fn truth_beside(&self, file: &str) -> Option<&Truth> {
        let checked = match self.left {
            Left::Closed | Left::Copied => file != "heap",
            Left::Live => matches!(file, "MAP" | "checkpoint"),
        };
        checked.then_some(&self.truth)
    }

    /// One damage: done, looked at, and undone. `thorough`: the map is opened for writing as well, and written to.
    pub(super) fn case(
        &self,
        cases: &mut Cases,
        name: impl Fn() -> String,
        file: &str,
        thorough: bool,
        damage: impl FnOnce(),
    ) {
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

pub(super) fn truth_of<T: Sample>(map: &Map<T>) -> Truth {
    let entries = map.iter().map(|entry| entry.map(|(key, value)| (T::see_key(key), T::see_value(value))));
    entries.collect::<Result<_>>().expect("read")
}

pub(super) fn change<T: Sample>(map: &mut Map<T>, entries: u64) {
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
pub(super) fn examine<T: Sample>(dir: &Path, truth: Option<&Truth>, thorough: bool) {
    if let Ok(map) = options::<T>().read_only(true).open::<T::K, T::V>(dir) {
        let report = map.verify().expect("verified");
        let whole = read::<T>(&map, truth);
        assert!(whole || !report.is_sound(), "an error that `verify` does not find: {report}");
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
pub(super) fn read<T: Sample>(map: &Map<T>, truth: Option<&Truth>) -> bool {
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
pub(super) fn write<T: Sample>(map: &mut Map<T>, strict: bool) {
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
