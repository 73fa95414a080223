//! The concurrent map of [diskmap](https://docs.rs/diskmap): [`DiskDashMap`], whose readers never wait.
//!
//! It is a `HashMap` for many threads whose entries live in memory-mapped files, typed by codecs, as fast to read as the best
//! concurrent maps in memory, and it loses nothing when its process is killed. Its files are those of
//! [`DiskHashMap`](diskmap::DiskHashMap); types, codecs, hashers and options come from there too.
//!
//! ```
//! use diskmap_concurrent::DiskDashMap;
//!
//! let dir = tempfile::tempdir()?;
//! let ids: DiskDashMap<str, u64> = DiskDashMap::open(dir.path())?;
//!
//! std::thread::scope(|scope| {
//!     for words in ["to be or not", "not to be"] {
//!         let ids = ids.clone();
//!         scope.spawn(move || -> diskmap::Result<()> {
//!             for word in words.split(' ') {
//!                 // The closure runs once a word, whoever comes first.
//!                 ids.get_or_insert_with(word, || word.len() as u64)?;
//!             }
//!             Ok(())
//!         });
//!     }
//! });
//! assert_eq!((ids.len(), ids.get_copied("not")?), (4, Some(3)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//!
//! The map is divided into shards, ranges of hashes, each with one writer at a time. Readers take none of their locks: they
//! read a slot, look whether its segment's *sequence* has stood still meanwhile, and read again if not. A writer counts the
//! sequence up before it reuses a slot or moves an entry, so a reader never sees half an entry, nor another key's value, and
//! never misses a key that is there. Records of variable length are kept as long as a reader that might know of them is
//! *pinned* (the crate `seize` does the counting); nothing is ever freed under a [`Ref`].
//!
//! # What can wait for what
//!
//! | | waits for |
//! |---|---|
//! | `get`, `contains_key`, `get_many`, `view`, `len` | nobody |
//! | `iter`, `keys`, `values`, `scan`, `par_iter` | nobody; a segment under constant change is copied with its shard locked, if that is free |
//! | `insert`, `remove`, `entry`, `update` … | the shard's writer; the moment in which a checkpoint or a snapshot begins |
//! | `retain`, `alter_all` | as these, a segment at a time |
//! | `clear`, `compact`, `verify`, `reserve` | all writers, and they wait for it |
//! | a thread that writes while it holds an entry, or inside a closure | nobody: [`Error::Reentrant`](diskmap::Error::Reentrant) |
//!
//! An [`Encode`](diskmap::Encode) of your own runs in the middle of a change. It may read the map it encodes for, nothing else:
//! writes and checkpoints are `Reentrant` there, and `snapshot` panics.

#![deny(unsafe_code)]

mod batch;
mod care;
mod entry;
mod guard;
mod hashers;
mod iter;
mod many;
mod map;
mod open;
#[cfg(feature = "rayon")]
mod par;
mod pin;
mod read;
mod shard;
mod write;

pub use crate::{
    batch::GetMany,
    entry::{MapEntry, OccupiedEntry, VacantEntry},
    guard::{Ref, RefMulti, RefSingle},
    hashers::{Identity, U32Hasher, U64Hasher},
    iter::{Iter, Keys, Values},
    map::{DiskDashMap, MemDashMap},
};
#[cfg(feature = "rayon")]
pub use par::ParIter;

pub use diskmap;

/// The code in the README, as tests.
#[cfg(all(doctest, feature = "rkyv", feature = "derive"))]
#[doc = include_str!("../../README.md")]
struct Readme;
