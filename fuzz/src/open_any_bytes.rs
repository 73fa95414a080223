//! Bytes become the files of a map: whole files, or patches of a sound one, with a matching identity or without.
//!
//! Whatever they are, the map does not open, or it can be read, verified, repaired and written to; no answer is asked for.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::Write,
    path::PathBuf,
};

use arbitrary::Unstructured;
use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, OpenOptions};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const FILES: [&str; 6] = ["MAP", "checkpoint", "segments", "blocks", "index", "heap"];
const IDENTITY: usize = 512;
const ENTRIES: u64 = 40;

/// A pair of types whose entries are made from numbers.
trait Kind: 'static {
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    fn key(number: u64) -> Self::Key;
    fn value(number: u64) -> Self::Value;
    /// Looks at each byte.
    fn see(key: <Self::K as DiskValue>::View<'_>, value: <Self::V as DiskValue>::View<'_>);
}

struct Fixed;
struct Variable;

impl Kind for Fixed {
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];

    fn key(number: u64) -> u64 {
        number
    }

    fn value(number: u64) -> [u64; 4] {
        [number; 4]
    }

    fn see(_: u64, _: [u64; 4]) {}
}

impl Kind for Variable {
    type K = String;
    type V = Vec<u8>;
    type Key = String;
    type Value = Vec<u8>;

    fn key(number: u64) -> String {
        format!("nämé {number}")
    }

    fn value(number: u64) -> Vec<u8> {
        vec![number as u8; if number == 7 { 70_000 } else { number as usize }]
    }

    fn see(key: &str, value: &[u8]) {
        assert!(std::str::from_utf8(key.as_bytes()).is_ok(), "a text is UTF-8");
        std::hint::black_box(value.iter().fold(0u8, |all, byte| all ^ byte));
    }
}

/// Runs what some bytes spell.
pub(super) fn run(bytes: &[u8]) {
    thread_local! {
        static FIXED: RefCell<Option<Sound>> = const { RefCell::new(None) };
        static VARIABLE: RefCell<Option<Sound>> = const { RefCell::new(None) };
    }
    let mut input = Unstructured::new(bytes);
    let Ok(kind) = input.arbitrary::<bool>() else { return };
    let (cell, run): (_, fn(&Sound, &mut Unstructured<'_>)) =
        if kind { (&FIXED, case::<Fixed>) } else { (&VARIABLE, case::<Variable>) };
    cell.with_borrow_mut(|sound| {
        let sound = sound.get_or_insert_with(|| if kind { Sound::new::<Fixed>() } else { Sound::new::<Variable>() });
        run(sound, &mut input);
    });
}

/// A sound map, as a kill left it.
struct Sound {
    root: TempDir,
    dir: PathBuf,
    files: Vec<(&'static str, Vec<u8>)>,
}

fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).boot_id([1; 16]).reserve(1 << 30)
}

impl Sound {
    fn new<T: Kind>() -> Sound {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
        let dir = root.path().join("map");
        let mut map: DiskHashMap<T::K, T::V> = options().create_new(true).open(&dir).expect("a new map");
        for number in 0..ENTRIES {
            map.insert(&T::key(number), &T::value(number)).expect("inserted");
        }
        map.checkpoint().expect("a checkpoint");
        for number in 0..ENTRIES / 2 {
            map.insert(&T::key(number), &T::value(number + 1)).expect("inserted");
        }
        drop(map);
        let files = FILES.into_iter().filter_map(|name| Some((name, fs::read(dir.join(name)).ok()?)));
        Sound { files: files.collect(), dir, root }
    }

    /// Writes files in place, so that they stay the very same; others that are there are removed.
    fn write(&self, files: &[(&'static str, Vec<u8>)]) {
        for entry in fs::read_dir(&self.dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if !FILES.iter().any(|name| path.ends_with(name)) {
                fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)).expect("removed");
            }
        }
        for (name, bytes) in files {
            let file = File::options().write(true).create(true).truncate(false).open(self.dir.join(name));
            let mut file = file.expect("a file");
            file.set_len(bytes.len() as u64).expect("its length");
            file.write_all(bytes).expect("its bytes");
        }
    }
}

fn case<T: Kind>(sound: &Sound, input: &mut Unstructured<'_>) {
    let mut files = sound.files.clone();
    if spoil(&mut files, input).is_err() {
        return;
    }
    sound.write(&files);
    look::<T>(sound);
    sound.write(&sound.files);
}

/// Makes other files of sound ones.
fn spoil(files: &mut [(&'static str, Vec<u8>)], input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (raw, matching, sealed) = (input.ratio(1, 8)?, input.arbitrary()?, input.arbitrary()?);
    let identity = files.iter().find(|(name, _)| *name == "segments").map(|(_, bytes)| bytes[..IDENTITY].to_vec());
    while !input.is_empty() {
        let number = input.int_in_range(0..=files.len() - 1)?;
        let (_, bytes) = &mut files[number];
        let at = input.int_in_range(0..=bytes.len().min(12_000))?;
        match input.int_in_range(0..=7)? {
            _ if raw => *bytes = input.arbitrary()?,
            0 => bytes.truncate(at),
            1 => bytes.resize(bytes.len() + at, input.arbitrary()?),
            2..=4 => {
                // A word, since words are what most of it is.
                let word: u64 = input.arbitrary()?;
                patch(bytes, at & !7, &word.to_le_bytes());
            }
            _ => {
                let len = input.int_in_range(1..=16)?;
                let new = input.bytes(len)?.to_vec();
                patch(bytes, at, &new);
            }
        }
    }
    for (name, bytes) in files {
        match *name {
            "segments" if matching => patch(bytes, 0, identity.as_deref().unwrap_or(&[])),
            "segments" => patch(bytes, 0, &[0; IDENTITY]),
            "checkpoint" if sealed && bytes.len() >= 8 => {
                let body = bytes.len() - 8;
                let sum = xxh3_64(&bytes[..body]);
                patch(bytes, body, &sum.to_le_bytes());
            }
            "MAP" if sealed && bytes.len() >= 26 => {
                let body = bytes.len() - 26;
                let line = format!("checksum {:016x}\n", xxh3_64(&bytes[..body]));
                patch(bytes, body, line.as_bytes());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Overwrites what is there.
fn patch(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(new) {
        *to = *from;
    }
}

fn look<T: Kind>(sound: &Sound) {
    if let Ok(map) = options().read_only(true).open::<T::K, T::V>(&sound.dir) {
        read::<T>(&map);
        let _ = map.verify().expect("verified").to_string();
    }
    let new = sound.root.path().join("repaired");
    if let Ok(salvage) = options().repair::<T::K, T::V>(&sound.dir, &new) {
        let map: DiskHashMap<T::K, T::V> = options().open(&new).expect("a repaired map");
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.entries == salvage.taken, "{report}");
        read::<T>(&map);
    }
    let _ = fs::remove_dir_all(&new);
    let Ok(mut map) = options().open::<T::K, T::V>(&sound.dir) else { return };
    for number in 0..ENTRIES + 30 {
        let _ = map.insert(&T::key(number), &T::value(number + 2));
        let _ = map.update(&T::key(number / 2), |_| T::value(number));
        let _ = map.remove(&T::key(number / 3));
    }
    let _ = map.checkpoint();
    read::<T>(&map);
    let mut kept = 0;
    let _ = map.retain(|key, value| {
        T::see(key, value);
        kept += 1;
        kept % 2 == 0
    });
    let _ = map.shrink_to_fit();
    let _ = map.clear();
    let _ = map.insert(&T::key(1), &T::value(1));
    let _ = map.close();
    if let Ok(map) = options().open::<T::K, T::V>(&sound.dir) {
        read::<T>(&map);
    }
}

fn read<T: Kind>(map: &DiskHashMap<T::K, T::V>) {
    let most = 2 * map.stats().slots + 1_000_000;
    for (count, entry) in (0..).zip(map) {
        assert!(count < most, "an iteration ends");
        if let Ok((key, value)) = entry {
            T::see(key, value);
        }
    }
    for number in 0..ENTRIES + 5 {
        if let Ok(Some((key, value))) = map.get_key_value(&T::key(number)) {
            T::see(key, value);
        }
    }
}
