//! Values of an earlier version of their type: rewritten when the map is opened, all of them or none, or refused with a
//! word on what to do.

use std::{fs, path::Path};

use diskmap::{
    DiskHashMap, DiskKey, DiskValue, Encode, Error, MMapFile, OnRollback, OpenOptions, Recovery, SipBuildHasher,
    StableHasher,
};

use self::codecs::*;
use crate::isolated::{contents, memory_dir};

mod codecs;
mod crash;

type Map<K, V, S = rustc_hash::FxBuildHasher> = DiskHashMap<K, V, MMapFile, S>;

fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false)
}

fn name(number: u64) -> String {
    format!("the key of {number}")
}

fn small(number: u64) -> u32 {
    (number as u32).wrapping_mul(2_654_435_761)
}

/// Keys of a map, made from small numbers.
trait Key: DiskKey + Encode<Self::Query> {
    type Query;
    fn key(number: u64) -> Self::Query;
}

impl Key for u64 {
    type Query = u64;
    fn key(number: u64) -> u64 {
        number
    }
}

impl Key for String {
    type Query = String;
    fn key(number: u64) -> String {
        name(number)
    }
}

/// A closed map.
fn closed<K: Key, V: DiskValue + Encode<Q>, Q>(dir: &Path, entries: u64, value: impl Fn(u64) -> Q) {
    closed_with::<K, V, Q, _>(options(), dir, entries, value);
}

fn closed_with<K: Key, V: DiskValue + Encode<Q>, Q, S: StableHasher + Send + Sync + 'static>(
    options: OpenOptions<S>,
    dir: &Path,
    entries: u64,
    value: impl Fn(u64) -> Q,
) {
    let mut map: Map<K, V, S> = options.create_new(true).open(dir).expect("created");
    for number in 0..entries {
        map.insert(&K::key(number), &value(number)).expect("inserted");
    }
    map.close().expect("closed");
}

fn check<K: Key, V: DiskValue, S: StableHasher>(
    map: &Map<K, V, S>,
    entries: u64,
    is: impl for<'x> Fn(V::View<'x>, u64) -> bool,
) {
    assert_eq!((map.len(), map.iter().filter(|entry| entry.is_ok()).count() as u64), (entries, entries));
    for number in 0..entries {
        let view = map.get(&K::key(number)).expect("readable").expect("an entry");
        assert!(is(view, number), "the value of key {number}");
    }
    assert!(map.get(&K::key(entries)).expect("readable").is_none());
}

/// From one version to the next, and what comes after works as on any map.
fn migrated<K, Old, New, Q>(
    entries: u64,
    value: impl Fn(u64) -> Q,
    is: impl for<'x> Fn(New::View<'x>, u64) -> bool,
    more: impl Fn(u64) -> Q,
) where
    K: Key,
    Old: DiskValue + Encode<Q>,
    New: DiskValue + Encode<Q>,
{
    let dir = memory_dir();
    closed::<K, Old, Q>(dir.path(), entries, value);
    let mut map: Map<K, New> = options().migrate(true).open(dir.path()).expect("migrated");
    assert_eq!(map.stats().recovery, Recovery::Closed);
    check(&map, entries, &is);
    for number in entries..entries + 500 {
        map.insert(&K::key(number), &more(number)).expect("inserted");
    }
    check(&map, entries + 500, &is);
    drop(map);
    let map: Map<K, New> = options().read_only(true).open(dir.path()).expect("opened");
    check(&map, entries + 500, &is);
    drop(map);
    let back = options().migrate(true).open::<K, Old>(dir.path());
    assert!(matches!(back, Err(Error::SchemaMismatch { .. })), "a migration is for good");
    let names: Vec<String> = contents(dir.path()).into_iter().map(|(name, ..)| name).collect();
    let heap = matches!(K::SHAPE, diskmap::Shape::Var { .. }) || matches!(New::SHAPE, diskmap::Shape::Var { .. });
    let expected = ["MAP", "blocks", "checkpoint", "heap", "index", "segments"];
    let expected: Vec<&str> = expected.into_iter().filter(|name| heap || !["heap", "blocks"].contains(name)).collect();
    assert_eq!(names, expected, "the files of a map and no others");
}

/// Each of these makes four maps that are compiled for it, so that there are no more of them than there are ways.
#[test]
fn between_values_of_fixed_and_of_variable_length() {
    for entries in [0, 1, 300, 6_000] {
        migrated::<u64, Small, Wide, _>(entries, small, |view: u64, n| view == u64::from(small(n)), small);
        migrated::<String, Wide, Text, _>(entries, |n| n * 7, |view: &str, n| view == (n * 7).to_string(), |n| n * 7);
        let text = |n: u64| format!("{n:0width$}", width = 1 + n as usize % 300);
        migrated::<u64, String, Parsed, _>(entries, text, |view: u64, n| view == n, text);
        migrated::<String, String, Loud, _>(entries, name, |view: &str, n| view == name(n).to_uppercase(), name);
    }
}

#[test]
fn a_large_map_over_several_versions_at_once() {
    for entries in [3_000, 100_000] {
        migrated::<String, Small, Text, _>(entries, small, |view: &str, n| view == small(n).to_string(), small);
    }
}

#[test]
fn a_keyed_hasher_keeps_its_key() {
    let dir = memory_dir();
    let line = || {
        let text = fs::read_to_string(dir.path().join("MAP")).expect("text");
        text.lines().find(|line| line.starts_with("hasher-seed")).map(str::to_owned).expect("a line")
    };
    let keyed = || options().hasher(SipBuildHasher::new());
    closed_with::<String, Small, _, _>(keyed(), dir.path(), 2_000, small);
    let seed = line();
    assert!(seed.len() > 40, "{seed}");
    let map: Map<String, Text, SipBuildHasher> = keyed().open(dir.path()).expect("migrated");
    check(&map, 2_000, |view: &str, n| view == small(n).to_string());
    drop(map);
    assert_eq!(line(), seed);
    let map: Map<String, Text, SipBuildHasher> = keyed().read_only(true).open(dir.path()).expect("opened");
    check(&map, 2_000, |view: &str, n| view == small(n).to_string());
    let other = options().open::<String, Text>(dir.path());
    assert!(matches!(other, Err(Error::Locked { .. } | Error::HasherMismatch { .. })));
}

/// The message of a refusal that changed nothing.
fn refused<K: Key, V: DiskValue>(options: OpenOptions, dir: &Path) -> String {
    let before = contents(dir);
    let error = options.open::<K, V>(dir).map(|map| map.len()).expect_err("a refusal");
    assert!(matches!(error, Error::SchemaMismatch { side: "value", .. }), "{error}");
    assert_eq!(contents(dir), before, "a refusal changes nothing");
    error.to_string()
}

#[test]
fn what_is_to_be_asked_for_is_not_done_unasked() {
    let dir = memory_dir();
    closed::<String, String, _>(dir.path(), 100, |n| n.to_string());
    for options in [options(), options().create(true), options().migrate(false)] {
        let message = refused::<String, Parsed>(options, dir.path());
        assert!(message.contains("OpenOptions::migrate(true)") && !message.contains("read_only"), "{message}");
        assert!(message.contains("first difference: stored `str`, expected `t.Parsed v1 = u64`"), "{message}");
    }
    let message = refused::<String, Parsed>(options().read_only(true), dir.path());
    assert!(message.contains("OpenOptions::migrate(true)") && message.contains("read_only(true)"), "{message}");
    // By way of a version that is asked for.
    let message = refused::<String, Doubled>(options(), dir.path());
    assert!(message.contains("OpenOptions::migrate(true)"), "{message}");
    let map: Map<String, String> = options().open(dir.path()).expect("opened");
    check(&map, 100, |view: &str, n| view == n.to_string());
    drop(map);
    let map: Map<String, Doubled> = options().migrate(true).open(dir.path()).expect("migrated");
    check(&map, 100, |view: u64, n| view == 2 * n);
}

#[test]
fn a_reader_rewrites_nothing() {
    let dir = memory_dir();
    closed::<String, Small, _>(dir.path(), 100, small);
    for options in [options().read_only(true), options().read_only(true).migrate(true)] {
        let message = refused::<String, Text>(options, dir.path());
        assert!(message.contains("without `read_only(true)`") && !message.contains("migrate"), "{message}");
    }
    check(&options().open::<String, Small>(dir.path()).expect("opened"), 100, |view: u32, n| view == small(n));
}

#[test]
fn other_types_are_no_earlier_versions() {
    let dir = memory_dir();
    closed::<u64, Wide, _>(dir.path(), 100, |n| n);
    for message in [
        refused::<u64, Parsed>(options().migrate(true), dir.path()),
        refused::<u64, Small>(options().migrate(true), dir.path()),
        // These two are earlier versions of each other.
        refused::<u64, Chicken>(options().migrate(true), dir.path()),
        refused::<u64, Egg>(options().migrate(true), dir.path()),
    ] {
        assert!(message.contains("with the types it was created with"), "{message}");
    }
    let before = contents(dir.path());
    let keys = options().migrate(true).open::<u32, Text>(dir.path());
    assert!(matches!(keys, Err(Error::SchemaMismatch { side: "key", .. })));
    let hasher = options().hasher(SipBuildHasher::new()).open::<u64, Wide>(dir.path());
    assert!(matches!(hasher, Err(Error::HasherMismatch { .. })));
    assert_eq!(contents(dir.path()), before);
    let dir = memory_dir();
    closed::<u64, Egg, _>(dir.path(), 50, |n| n);
    for _ in 0..2 {
        check(&options().open::<u64, Chicken>(dir.path()).expect("migrated"), 50, |view: u64, n| view == n);
        check(&options().open::<u64, Egg>(dir.path()).expect("migrated"), 50, |view: u64, n| view == n);
    }
}

/// Opens a map whose migration fails; the error.
fn failed<New: DiskValue>(dir: &Path) -> Error {
    let before = contents(dir);
    let error = options().migrate(true).open::<u64, New>(dir).map(|map| map.len()).expect_err("a failure");
    assert_eq!(contents(dir), before, "a failure changes nothing");
    error
}

#[test]
fn a_value_that_cannot_be_rewritten_leaves_the_old_map() {
    let dir = memory_dir();
    let text = |n: u64| if n == 1_700 { "no number".to_owned() } else { n.to_string() };
    closed::<u64, String, _>(dir.path(), 3_000, text);
    let error = failed::<Parsed>(dir.path());
    assert!(matches!(&error, Error::Encode { what } if what.contains("no number")), "{error}");
    let mut map: Map<u64, String> = options().open(dir.path()).expect("opened");
    check(&map, 3_000, |view: &str, n| view == text(n));
    map.insert(&1_700, "1700").expect("mended");
    drop(map);
    let map: Map<u64, Parsed> = options().migrate(true).open(dir.path()).expect("migrated");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    check(&map, 3_000, |view: u64, n| view == n);
}

#[test]
fn a_codec_that_is_wrong_leaves_the_old_map() {
    let dir = memory_dir();
    closed::<u64, Small, _>(dir.path(), 100, small);
    let error = failed::<Wrong>(dir.path());
    assert!(matches!(&error, Error::Encode { what } if what.contains("t.Wrong v1")), "{error}");
    let panicked = std::panic::catch_unwind(|| options().open::<u64, Panicking>(dir.path()).map(|map| map.len()));
    assert!(panicked.is_err());
    assert!(!dir.path().join("MAP.migrating").exists());
    check(&options().open::<u64, Small>(dir.path()).expect("opened"), 100, |view: u32, n| view == small(n));
}

#[test]
fn a_map_that_goes_back_to_its_checkpoint_says_so() {
    let dir = memory_dir();
    let boot = |id: u8| options().boot_id([id; 16]);
    let mut map: Map<String, Small> = boot(1).create(true).open(dir.path()).expect("created");
    map.try_extend((0..1_000).map(|n| (String::key(n), small(n)))).expect("filled");
    map.checkpoint().expect("a checkpoint");
    map.try_extend((1_000..5_000).map(|n| (String::key(n), small(n)))).expect("filled");
    drop(map);
    let before = contents(dir.path());
    let refused = boot(2).on_rollback(OnRollback::Refuse).open::<String, Text>(dir.path());
    assert!(matches!(refused, Err(Error::RolledBack { .. })));
    assert_eq!(contents(dir.path()), before);
    let map: Map<String, Text> = boot(2).open(dir.path()).expect("migrated");
    assert_eq!(map.stats().recovery, Recovery::RolledBack);
    check(&map, 1_000, |view: &str, n| view == small(n).to_string());
    drop(map);
    let map: Map<String, Text> = boot(3).open(dir.path()).expect("durable at once");
    check(&map, 1_000, |view: &str, n| view == small(n).to_string());
}
