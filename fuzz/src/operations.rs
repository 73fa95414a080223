//! Bytes become operations on a map and on a model of it, which must agree all along, also after a close, a kill, a reboot
//! and a copy.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use arbitrary::Unstructured;
use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, OpenOptions};
use tempfile::TempDir;

const MOST_OPERATIONS: usize = 300;

/// A pair of types whose entries are made from numbers.
trait Kind: 'static {
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    fn key(number: u16) -> Self::Key;
    fn number(view: <Self::K as DiskValue>::View<'_>) -> u16;
    fn value(seed: u16) -> Self::Value;
    fn is(view: <Self::V as DiskValue>::View<'_>, seed: u16) -> bool;
}

/// All in the slot, values longer than a word.
struct Fixed;
/// All in the heap, some of it in runs of blocks.
struct Variable;

impl Kind for Fixed {
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];

    fn key(number: u16) -> u64 {
        number.into()
    }

    fn number(view: u64) -> u16 {
        view as u16
    }

    fn value(seed: u16) -> [u64; 4] {
        [u64::from(seed), !u64::from(seed), 0, 7]
    }

    fn is(view: [u64; 4], seed: u16) -> bool {
        view == Self::value(seed)
    }
}

impl Kind for Variable {
    type K = String;
    type V = Vec<u8>;
    type Key = String;
    type Value = Vec<u8>;

    fn key(number: u16) -> String {
        format!("{}{number}", "key".repeat(usize::from(number) % 7))
    }

    fn number(view: &str) -> u16 {
        view.trim_start_matches("key").parse().expect("a key that was made")
    }

    fn value(seed: u16) -> Vec<u8> {
        let len = match seed % 64 {
            0 => 70_000,
            1 | 2 => 3_000,
            short => usize::from(short),
        };
        vec![seed as u8; len]
    }

    fn is(view: &[u8], seed: u16) -> bool {
        view == Self::value(seed)
    }
}

type Map<T> = DiskHashMap<<T as Kind>::K, <T as Kind>::V>;
type State = HashMap<u16, u16>;

/// Runs the operations that some bytes spell.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    match input.arbitrary() {
        Ok(true) => Life::<Fixed>::new().run(&mut input),
        Ok(false) => Life::<Variable>::new().run(&mut input),
        Err(_) => {}
    }
}

/// A map, its model, and the model of what a power cut leaves.
struct Life<T: Kind> {
    root: TempDir,
    dir: PathBuf,
    boot: u8,
    copies: u32,
    map: Option<Map<T>>,
    live: State,
    durable: State,
}

impl<T: Kind> Life<T> {
    fn new() -> Life<T> {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
        let dir = root.path().join("map");
        let map = Some(open::<T>(&dir, 0));
        Life { root, dir, boot: 0, copies: 0, map, live: State::new(), durable: State::new() }
    }

    fn run(&mut self, input: &mut Unstructured<'_>) {
        for _ in 0..MOST_OPERATIONS {
            if input.is_empty() || self.step(input).is_err() {
                break;
            }
        }
        self.compare();
    }

    fn map(&mut self) -> &mut Map<T> {
        self.map.as_mut().expect("a map is open")
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let (what, key, seed) = (input.int_in_range(0..=31)?, input.int_in_range(0..=2_000)?, input.arbitrary()?);
        let old = self.live.get(&key).copied();
        match what {
            0..10 => {
                let found = self.map().insert(&T::key(key), &T::value(seed)).expect("inserted");
                assert_eq!(found.map(|view| old.is_some_and(|old| T::is(view, old))), old.map(|_| true));
                self.live.insert(key, seed);
            }
            10..12 => {
                let stored = self.map().try_insert(&T::key(key), &T::value(seed)).expect("inserted");
                assert_eq!(stored, old.is_none());
                self.live.entry(key).or_insert(seed);
            }
            12..14 => {
                let there = self.map().update(&T::key(key), |_| T::value(seed)).expect("updated");
                assert_eq!(there, old.is_some());
                self.live.entry(key).and_modify(|value| *value = seed);
            }
            14..18 => {
                let found = self.map().remove(&T::key(key)).expect("removed");
                assert_eq!(found.map(|view| old.is_some_and(|old| T::is(view, old))), old.map(|_| true));
                self.live.remove(&key);
            }
            18 | 19 => {
                let found = self.map().get(&T::key(key)).expect("read");
                assert_eq!(found.map(|view| old.is_some_and(|old| T::is(view, old))), old.map(|_| true));
            }
            // Many at once, so that segments split and merge.
            20 | 21 => {
                for (key, seed) in (key..).zip(1..=seed % 400) {
                    let seed = seed | 3;
                    self.map().insert(&T::key(key), &T::value(seed)).expect("inserted");
                    self.live.insert(key, seed);
                }
            }
            22 => {
                for key in (key..).take(usize::from(seed % 400)) {
                    self.map().remove(&T::key(key)).expect("removed");
                    self.live.remove(&key);
                }
            }
            23 => {
                self.map().clear().expect("cleared");
                self.live.clear();
            }
            24 => {
                self.map().checkpoint().expect("a checkpoint");
                self.durable = self.live.clone();
            }
            25 => {
                self.map().shrink_to_fit().expect("shrunk");
                self.durable = self.live.clone();
            }
            26 => self.compare(),
            27 => self.reopen(drop),
            28 => {
                self.reopen(|map| map.close().expect("closed"));
                self.durable = self.live.clone();
            }
            29 => {
                self.boot = self.boot.wrapping_add(1);
                self.live = self.durable.clone();
                self.reopen(drop);
                self.compare();
            }
            30 => {
                self.copies += 1;
                let to = self.root.path().join(format!("copy{}", self.copies));
                self.map = None;
                copy(&self.dir, &to);
                fs::remove_dir_all(&self.dir).expect("removed");
                self.dir = to;
                self.live = self.durable.clone();
                self.map = Some(open::<T>(&self.dir, self.boot));
                self.compare();
            }
            _ => {
                let keeps = |number: u16| number % 8 != seed % 8;
                self.map().retain(|key, _| keeps(T::number(key))).expect("retained");
                self.live.retain(|&key, _| keeps(key));
            }
        }
        Ok(())
    }

    fn reopen(&mut self, end: impl FnMut(Map<T>)) {
        self.map.take().into_iter().for_each(end);
        self.map = Some(open::<T>(&self.dir, self.boot));
    }

    /// The map holds what the model does, and nothing is wrong with it.
    fn compare(&mut self) {
        let live = std::mem::take(&mut self.live);
        let map = self.map();
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.findings().is_empty(), "{report}");
        assert_eq!((map.len(), map.iter().count()), (live.len() as u64, live.len()));
        for (&key, &seed) in &live {
            let found = map.get(&T::key(key)).expect("read");
            assert!(found.is_some_and(|view| T::is(view, seed)), "key {key}");
        }
        self.live = live;
    }
}

fn open<T: Kind>(dir: &Path, boot: u8) -> Map<T> {
    let options = OpenOptions::new().create(true).auto_checkpoint(None).sync_on_drop(false);
    options.boot_id([boot; 16]).reserve(1 << 30).open(dir).expect("opened")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
