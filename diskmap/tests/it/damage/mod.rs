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

use crate::{
    crash::Constant,
    isolated::{Cases, copy_dir, isolated, memory_dir},
};

mod blind;
mod crafted;
mod original;
mod samples;

use self::{blind::*, crafted::*, original::*, samples::*};

const LIMIT: Duration = Duration::from_secs(150);
const FILES: [&str; 6] = ["MAP", "checkpoint", "segments", "blocks", "index", "heap"];
/// Where the descriptors start in `segments`: after the identity and 56 intent records.
const DESCRIPTORS: usize = 512 + 56 * 64;

/// Entries that a crafted manifest claims for a segment.
const COUNTS: &[u32] = &[0, 1, 17_000, u32::MAX];

fn options<T: Sample>() -> OpenOptions<T::Hasher> {
    OpenOptions::new().auto_checkpoint(None).sync_on_drop(false).hasher(T::Hasher::default())
}

fn open<T: Sample>(dir: &Path) -> Result<Map<T>> {
    options::<T>().open(dir)
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
