//! Whose checksums are compared when a map is opened: not those of the very files that were closed, but all others.
//!
//! A bit of a value in the index is flipped behind the map's back. Whoever compares the segment's checksum refuses to read
//! it, whoever does not hands out another value, and `verify` finds it either way.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

use diskmap::{DiskHashMap, Error, OpenOptions, Recovery};

use crate::isolated::copy_dir;

const VALUE: u64 = 0x0123_4567_89AB_CDEF;
const THIS_BOOT: [u8; 16] = [1; 16];
const NEXT_BOOT: [u8; 16] = [2; 16];

type Map = DiskHashMap<u64, u64>;

fn options(boot: [u8; 16]) -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).boot_id(boot)
}

fn made(dir: &Path) -> Map {
    let mut map: Map = options(THIS_BOOT).create(true).open(dir).expect("a map");
    map.insert(&1, &VALUE).expect("inserted");
    map
}

fn flip(dir: &Path) {
    let path = dir.join("index");
    let bytes = fs::read(&path).expect("the index");
    let at = bytes.windows(8).position(|part| part == VALUE.to_le_bytes()).expect("the value is in the index");
    let file = File::options().write(true).open(path).expect("the index");
    file.write_all_at(&[bytes[at] ^ 1], at as u64).expect("flipped");
}

/// Whether an open compares the checksum of the one segment, as a reader and as a writer; what a writer finds.
#[track_caller]
fn check(dir: &Path, boot: [u8; 16], recovery: Recovery, compares: bool) {
    flip(dir);
    for read_only in [true, false] {
        let map: Map = options(boot).read_only(read_only).open(dir).expect("opened");
        assert_eq!(map.stats().recovery, recovery);
        match map.get(&1) {
            Ok(found) => assert!(!compares && found == Some(VALUE ^ 1), "{found:?} is read without a look"),
            Err(Error::Corrupt { file: "index", .. }) => assert!(compares, "the checksum was compared"),
            Err(error) => panic!("{error}"),
        }
        assert!(!map.verify().expect("verified").is_sound(), "`verify` compares it in any case");
    }
}

#[test]
fn closed_files_are_not_read_again_after_a_reboot() {
    let dir = tempfile::tempdir().expect("a directory");
    made(dir.path()).close().expect("closed");
    check(dir.path(), NEXT_BOOT, Recovery::Closed, false);
}

#[test]
fn closed_files_are_not_read_again_within_a_boot() {
    let dir = tempfile::tempdir().expect("a directory");
    made(dir.path()).close().expect("closed");
    check(dir.path(), THIS_BOOT, Recovery::Closed, false);
}

#[test]
fn copied_files_are_compared() {
    let dir = tempfile::tempdir().expect("a directory");
    let (map, copy) = (dir.path().join("map"), dir.path().join("copy"));
    made(&map).close().expect("closed");
    copy_dir(&map, &copy);
    check(&copy, NEXT_BOOT, Recovery::Closed, true);
}

#[test]
fn files_beside_an_older_checkpoint_are_compared() {
    let dir = tempfile::tempdir().expect("a directory");
    made(dir.path()).close().expect("closed");
    let checkpoint = fs::read(dir.path().join("checkpoint")).expect("a checkpoint");
    made(dir.path()).close().expect("closed");
    fs::write(dir.path().join("checkpoint"), checkpoint).expect("an older checkpoint");
    // The value lies there twice: flipping the first one damages the segment that the older checkpoint refers to.
    check(dir.path(), NEXT_BOOT, Recovery::Closed, true);
}

#[test]
fn files_that_were_not_closed_are_compared() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut map = made(dir.path());
    map.checkpoint().expect("a checkpoint");
    drop(map);
    check(dir.path(), NEXT_BOOT, Recovery::RolledBack, true);
}

#[test]
fn what_a_checkpoint_refers_to_is_compared_after_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut map = made(dir.path());
    map.checkpoint().expect("a checkpoint");
    drop(map);
    check(dir.path(), THIS_BOOT, Recovery::Resumed, true);
}

#[test]
fn files_that_were_opened_again_after_a_close_are_compared_after_a_reboot() {
    let dir = tempfile::tempdir().expect("a directory");
    made(dir.path()).close().expect("closed");
    drop(options(NEXT_BOOT).open::<u64, u64>(dir.path()).expect("opened"));
    check(dir.path(), THIS_BOOT, Recovery::RolledBack, true);
}
