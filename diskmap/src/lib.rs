//! Typed hash maps that live in memory-mapped files: as fast as the best maps in memory, and nothing is lost when the
//! process is killed.
//!
//! ```
//! use diskmap::DiskHashMap;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
//! map.insert(&42, "Hello, World!")?;
//! drop(map);
//!
//! let map: DiskHashMap<u64, String> = DiskHashMap::load_from(dir.path())?;
//! assert_eq!(map.get(&42)?, Some("Hello, World!"));
//! # Ok(())
//! # }
//! ```
//!
//! [`DiskHashMap`] is the map; [`MemHashMap`] is the same map in memory. [`codec`] has the types that can be keys and
//! values. [`OpenOptions`] has what can be chosen when a map is opened.
//!
//! # Your own types
//!
//! `#[derive(DiskValue)]` makes a struct or an enum a value, `#[derive(DiskKey, DiskValue)]` a key too (feature `derive`,
//! on by default). Reading gives a view of the same shape, with `&str` for `String`; a view is also a query. Neither
//! writing nor reading takes a buffer in between.
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use diskmap::{DiskHashMap, DiskKey, DiskValue};
//!
//! #[derive(DiskKey, DiskValue)]
//! struct Part {
//!     maker: u32,
//!     number: String,
//! }
//!
//! #[derive(DiskValue)]
//! struct Stock {
//!     pieces: u64,
//!     shelf: String,
//! }
//!
//! let dir = tempfile::tempdir()?;
//! let mut stock: DiskHashMap<Part, Stock> = DiskHashMap::new_in(dir.path())?;
//! stock.insert(&Part { maker: 7, number: "bolt".into() }, &Stock { pieces: 120, shelf: "A 3".into() })?;
//!
//! let StockView { pieces, shelf } = stock.get(&PartView { maker: 7, number: "bolt" })?.expect("stored above");
//! assert_eq!((pieces, shelf), (120, "A 3"));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The structure of a type – names, order and types of its fields – is kept with the map; opening it as another type is
//! [`Error::SchemaMismatch`]. A field added later (`since`) and a type that took another's place (`from`) are migrated.
//! Keys are compared by their bytes, never by `Eq` and `Hash`; [`testing`] has a check for types that care. All attributes
//! are described at the derives, [`DiskValue`](derive@DiskValue) and [`DiskKey`](derive@DiskKey).
//!
//! # What is kept, and looking after it
//!
//! A killed process loses nothing; a power cut goes back to the last [checkpoint](DiskHashMap::checkpoint), which is also
//! made by [`close`](DiskHashMap::close), a drop and a [timer](OpenOptions::auto_checkpoint). A
//! [`snapshot`](DiskHashMap::snapshot) is the map at one moment, read while the map goes on, and can be
//! [backed up](Snapshot::backup_to). [`verify`](DiskHashMap::verify) finds damage, [`repair`] takes out what can be read,
//! [`compact`](DiskHashMap::compact) gives unused space back.

#![deny(unsafe_code)]

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!(
    "diskmap maps files of little-endian words into a 64-bit address space; other targets are not supported"
);

#[cfg(not(unix))]
compile_error!("diskmap relies on mapped files and advisory locks as Unix-like systems have them");

mod backup;
mod checkpoint;
#[allow(unsafe_code, reason = "codecs promise that bytes they accepted can be viewed")]
pub mod codec;
mod crash;
mod disk;
#[cfg(test)]
mod documented;
mod error;
mod format;
mod gate;
mod hash;
#[allow(unsafe_code, reason = "records lie in mapped memory")]
mod heap;
mod map;
mod memory;
#[cfg(test)]
mod power;
#[allow(unsafe_code, reason = "puts segments and records in mapped memory together")]
mod raw;
mod report;
mod row;
mod signals;
#[allow(unsafe_code, reason = "stores are mapped memory")]
mod store;
#[allow(unsafe_code, reason = "segments are words in mapped memory")]
mod table;
#[allow(unsafe_code, reason = "tests write a codec")]
pub mod testing;

pub use crate::{
    codec::{
        Bytes, CanonF32, CanonF64, DiskKey, DiskValue, Encode, IntoOwned, Invalid, Native, NativeType, Schema, Shape,
        Str,
    },
    error::{Error, Result},
    hash::{SipBuildHasher, StableHasher},
    map::{
        BytesMap, Compaction, DiskHashMap, Drain, ExtractIf, GetMany, Iter, Keys, MapEntry, MemHashMap, OccupiedEntry,
        OnRollback, OpenOptions, Recovery, Salvage, Snapshot, Stats, StringStringMap, StringU64Map, U64StringMap,
        U64U64Map, VacantEntry, Values, repair,
    },
    report::{Finding, FindingKind, Progress, Report},
    store::{ByteStore, MMapFile, SliceStore, VecStore},
};

#[doc(hidden)]
pub use crate::map::engine;

#[cfg(feature = "rkyv")]
pub use crate::codec::Arch;

#[cfg(feature = "derive")]
pub use diskmap_derive::{DiskKey, DiskValue};

/// The marker types that choose a codec.
pub mod types {
    #[cfg(feature = "rkyv")]
    pub use crate::codec::Arch;
    pub use crate::codec::{Bytes, Native, Str};
}
