//! The surface as its users meet it: what infers, what the methods promise, and what happens when user code misbehaves.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    error::Error as StdError,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    rc::Rc,
    sync::Arc,
};

use diskmap::{
    ByteStore, Bytes, BytesMap, DiskHashMap, Drain, Encode, Error, ExtractIf, GetMany, Iter, MMapFile, MapEntry,
    MemHashMap, Native, OpenOptions, Result, SipBuildHasher, SliceStore, Str, StringU64Map, U64StringMap, U64U64Map,
    VecStore,
};
use rustc_hash::FxBuildHasher;

use crate::model::scratch;

mod batches;
mod entries;
mod inference;
mod misbehaving;
mod scans;
mod size;
mod traits;

type Fallible = std::result::Result<(), Box<dyn StdError>>;

/// Bytes that a directory takes on the medium.
fn bytes_on_disk(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().blocks() * 512).sum()
}

/// A query that misbehaves as it is told.
#[derive(Clone, Copy)]
struct Odd {
    number: u64,
    announces: usize,
    writes: usize,
    claims: usize,
    fails: bool,
    panics: bool,
}

impl Odd {
    /// What a good `Encode` would do for 8 bytes.
    fn good(number: u64) -> Odd {
        Odd { number, announces: 8, writes: 8, claims: 8, fails: false, panics: false }
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let bytes = self.number.to_le_bytes();
        for (i, byte) in out.iter_mut().take(self.writes).enumerate() {
            *byte = bytes[i % 8];
        }
        if self.panics {
            panic!("told to");
        }
        if self.fails {
            return Err(Error::Encode { what: "told to".into() });
        }
        Ok(self.claims)
    }
}

impl Encode<Odd> for Bytes {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

// Not for a number: those infer because each takes one type only.
impl Encode<Odd> for (i32, i32) {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

impl Encode<Odd> for Str {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

impl Encode<Odd> for [i32; 8] {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}
