//! Maps that earlier builds wrote, kept in `tests/golden`: each opens, holds what it held, and can be written to.
//!
//! They were made on another machine under another boot, and are opened as copies. What they hold follows from the code
//! here, which also made them: `write`.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use diskmap::{DiskHashMap, DiskKey, Encode, IntoOwned, MMapFile, OpenOptions, Recovery, StableHasher};
use tempfile::TempDir;

use crate::isolated::copy_dir;

mod maps;

use self::maps::*;

type Map<G> = DiskHashMap<<G as Golden>::K, <G as Golden>::V, MMapFile, <G as Golden>::Hasher>;
type Key<G> = <<G as Golden>::K as IntoOwned>::Owned;
type Value<G> = <<G as Golden>::V as IntoOwned>::Owned;

/// A map that is kept.
trait Golden {
    const NAME: &'static str;
    const RECOVERY: Recovery = Recovery::Closed;
    type K: DiskKey + IntoOwned<Owned: PartialEq + Debug> + Encode<Key<Self>>;
    type V: IntoOwned<Owned: PartialEq + Debug> + Encode<Value<Self>>;
    type Hasher: StableHasher + Send + Sync + 'static;

    fn hasher() -> Self::Hasher;
    /// What is in it, and afterwards one entry that is not.
    fn entries() -> Vec<(Key<Self>, Value<Self>)>;

    /// Fills it.
    fn fill(map: &mut Map<Self>) {
        insert_all::<Self>(map);
    }

    /// The end of its maker.
    fn leave(map: Map<Self>) {
        map.close().expect("closed");
    }
}

fn options<G: Golden + ?Sized>() -> OpenOptions<G::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(G::hasher())
}

/// All but the last one.
fn insert_all<G: Golden + ?Sized>(map: &mut Map<G>) {
    let mut entries = G::entries();
    entries.pop();
    for (key, value) in &entries {
        map.insert(key, value).expect("inserted");
    }
}

fn home<G: Golden>() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(G::NAME)
}

/// Makes a map that is not there yet, and keeps its files.
fn write<G: Golden>() {
    if home::<G>().exists() {
        return;
    }
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("map");
    let mut map: Map<G> = options::<G>().create_new(true).open(&dir).expect("a new map");
    G::fill(&mut map);
    G::leave(map);
    fs::remove_file(dir.join("lock")).expect("the lock");
    copy_dir(&dir, &home::<G>());
}

#[track_caller]
fn assert_holds<G: Golden>(map: &Map<G>, entries: &[(Key<G>, Value<G>)], gone: &Key<G>) {
    assert_eq!(map.len(), entries.len() as u64);
    for (key, value) in entries {
        let found = map.get(key).expect("read").map(|view| G::V::into_owned(view).expect("an owned value"));
        assert_eq!(found.as_ref(), Some(value), "the value of {key:?}");
    }
    let met = map.iter().map(|entry| G::K::into_owned(entry.expect("read").0).expect("an owned key"));
    assert!(met.into_iter().all(|met| entries.iter().any(|(key, _)| *key == met)));
    assert!(!map.contains_key(gone).expect("read"), "{gone:?} is not there");
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.findings().is_empty(), "{report}");
}

fn read<G: Golden>() {
    let root: TempDir = tempfile::tempdir().expect("a directory");
    let dir = root.path().join(G::NAME);
    copy_dir(&home::<G>(), &dir);
    let mut entries = G::entries();
    let (other, value) = entries.pop().expect("an entry");

    let map: Map<G> = options::<G>().read_only(true).open(&dir).expect("opened for reading");
    assert_eq!(map.stats().recovery, G::RECOVERY);
    assert_holds::<G>(&map, &entries, &other);
    drop(map);

    let mut map: Map<G> = options::<G>().open(&dir).expect("opened for writing");
    assert_eq!(map.stats().recovery, G::RECOVERY);
    assert_holds::<G>(&map, &entries, &other);
    let first = entries.remove(0);
    map.remove(&first.0).expect("removed");
    map.insert(&other, &value).expect("inserted");
    entries.push((other, value));
    for (key, value) in &entries {
        map.insert(key, value).expect("overwritten");
    }
    assert_holds::<G>(&map, &entries, &first.0);
    map.close().expect("closed");
    let map: Map<G> = options::<G>().open(&dir).expect("opened again");
    assert_holds::<G>(&map, &entries, &first.0);
}

macro_rules! golden {
    ($($test:ident: $map:ident),+) => {
        $(#[test]
        fn $test() {
            read::<$map>();
        })+

        #[test]
        #[ignore = "makes the golden maps that are not there yet; see tests/golden/README.md"]
        fn write_all() {
            $(write::<$map>();)+
        }

        #[test]
        fn every_map_that_is_kept_is_read() {
            let kept = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")).expect("maps");
            let names = [$($map::NAME),+];
            assert_eq!(kept.count(), names.len(), "each of {names:?} is there, and nothing else");
        }
    };
}

golden! {
    numbers: Numbers,
    names: Names,
    texts: Texts,
    long_values: LongValues,
    records: Records,
    keyed_hashes: Keyed,
    chains: Chained,
    a_map_that_was_not_closed: Unclosed,
    a_heap_with_gaps: Gaps
}
