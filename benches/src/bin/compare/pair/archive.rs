//! Structs as rkyv archives, looked up by numbers: `Arch` in diskmap, the same bytes everywhere else.
//!
//! Must not know engines. Invariant: every read checks the archive; one that does not lie as its type wants it is copied
//! first, as rkyv demands.

use std::cell::RefCell;

use anyhow::{Context, Result};
use diskmap::types::Arch;
use diskmap_benches::keys::Keys;
use rkyv::{rancor::Error, util::AlignedVec};

use super::Pair;

const NAMES: [&str; 4] = ["Ada", "Alan", "Barbara Liskov of Cambridge", "Grace"];
const SCORES: usize = 4;

/// `u64 → Profile`.
pub(crate) struct Archives;

/// A number, a text and a list.
#[derive(Default, rkyv::Archive, rkyv::Serialize)]
pub(crate) struct Profile {
    id: u64,
    name: String,
    scores: Vec<u64>,
}

impl Pair for Archives {
    const NAME: &'static str = "u64-archive";
    const AS_BYTES: &'static str =
        "the rkyv archive, checked at each read (copied before it where it does not lie at a multiple of 8)";
    type Key = u64;
    type Input = Profile;
    type Maker = Profile;
    type Codec = Arch<Profile>;
    type Owned = AlignedVec;

    fn keys(count: usize) -> Result<Keys<u64>> {
        Ok(Keys::new(count))
    }

    fn make(maker: &mut Profile, seed: u64) -> &Profile {
        maker.id = seed;
        maker.name.clear();
        maker.name.push_str(name(seed));
        maker.scores.clear();
        maker.scores.extend((0..SCORES as u64).map(|score| seed ^ score));
        maker
    }

    #[inline(always)]
    fn digest(seed: u64) -> u64 {
        sum(seed, name(seed).len(), seed ^ (SCORES as u64 - 1))
    }

    #[inline(always)]
    fn of_view(view: &ArchivedProfile) -> u64 {
        look(view)
    }

    fn owned(input: &Profile) -> Result<AlignedVec> {
        Ok(rkyv::to_bytes::<Error>(input)?)
    }

    #[inline(always)]
    fn of_owned(value: &AlignedVec) -> Result<u64> {
        Ok(look(rkyv::access::<ArchivedProfile, Error>(value)?))
    }

    fn with_bytes<R>(input: &Profile, _: &mut Vec<u8>, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        work(&rkyv::to_bytes::<Error>(input)?)
    }

    #[inline(always)]
    fn of_bytes(bytes: &[u8]) -> Result<u64> {
        if bytes.as_ptr().addr().is_multiple_of(align_of::<ArchivedProfile>()) {
            return Ok(look(rkyv::access::<ArchivedProfile, Error>(bytes).context("a value is no archive")?));
        }
        aligned(bytes, |bytes| {
            Ok(look(rkyv::access::<ArchivedProfile, Error>(bytes).context("a value is no archive")?))
        })
    }
}

fn aligned<R>(bytes: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
    thread_local!(static COPY: RefCell<AlignedVec> = RefCell::default());
    COPY.with_borrow_mut(|copy| {
        copy.clear();
        copy.extend_from_slice(bytes);
        read(copy)
    })
}

#[inline(always)]
fn name(seed: u64) -> &'static str {
    NAMES[(seed % NAMES.len() as u64) as usize]
}

#[inline(always)]
fn look(profile: &ArchivedProfile) -> u64 {
    let last = profile.scores.last().map_or(0, |score| score.to_native());
    sum(profile.id.to_native(), profile.name.len(), last)
}

#[inline(always)]
fn sum(id: u64, name: usize, last: u64) -> u64 {
    id.wrapping_add(name as u64).wrapping_add(last)
}
