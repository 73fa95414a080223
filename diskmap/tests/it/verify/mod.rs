//! `verify`: nothing to find in sound maps of any kind, everything that is crafted found and named, and no damage that
//! makes it panic, hang, or call a map sound that holds something else.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use diskmap::{
    ByteStore, DiskHashMap, DiskKey, DiskValue, Encode, FindingKind, MMapFile, MemHashMap, OpenOptions, Recovery,
    Report, SliceStore, StableHasher,
};
use fastrand::Rng;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;

use crate::{
    crash::Constant,
    isolated::{isolated, memory_dir, seed},
};

mod faults;
mod flips;
mod repair;
mod sound;

/// A slot of 64 bytes, so that a chain is long after few keys that hash alike.
type Chained = DiskHashMap<u64, [u64; 7], MMapFile, Constant>;
type Bytes<BS = MMapFile> = DiskHashMap<String, Vec<u8>, BS>;

/// Checkpoints are made when they are asked for, and a drop is as good as a kill.
fn options() -> OpenOptions {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false)
}

fn seven(number: u64) -> [u64; 7] {
    [number, 1, 2, 3, 4, 5, !number]
}

fn name(number: u64) -> String {
    format!("{}-{number}", "key".repeat(number as usize % 5))
}

/// Mostly short; some take whole blocks of the heap.
fn bytes(number: u64) -> Vec<u8> {
    let len = match number % 50 {
        0 => 70_000,
        1..4 => 3_000,
        part => part,
    };
    vec![number as u8; len as usize]
}

fn assert_clean(report: &Report, entries: u64) {
    assert!(report.is_sound() && report.findings().is_empty(), "{report}");
    assert_eq!((report.entries, report.leaked_cells, report.leaked_segments, report.leaked_bytes), (entries, 0, 0, 0));
}

/// Where some bytes are in a file, the first time.
fn find(file: &[u8], bytes: &[u8]) -> usize {
    file.windows(bytes.len()).position(|part| part == bytes).expect("these bytes are in the file")
}

/// The file of a map, to be changed behind its back.
fn file(dir: &Path, name: &str) -> File {
    File::options().read(true).write(true).open(dir.join(name)).expect("a file")
}
