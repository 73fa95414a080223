//! What a map is: its types, layout and hasher, as `MAP` records them, and whether they are those it is opened with.
//!
//! Must not know files. Invariant: a map is touched only after everything here agrees.

use super::typed::Typed;
use crate::{
    codec::DiskValue,
    disk::MAP,
    error::{Error, Result},
    format::map_file::MapFile,
    hash::{StableHasher, known_answers},
    heap::class::{BLOCK_SHIFT, SMALLEST_BLOCK},
    table::Scheme,
};

/// What to do where no version of a type fits.
const OTHER_TYPES: &str = "open it with the types it was created with, or create a new map";

/// What `MAP` will say of a new map of these types.
pub(super) fn describe<K, V, S>(uuid: [u8; 16], hasher: &S, block_shift: u32, intents: u32) -> MapFile
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    S: StableHasher,
{
    MapFile {
        uuid,
        key: K::SCHEMA.to_string(),
        value: V::SCHEMA.to_string(),
        key_fingerprint: K::SCHEMA.fingerprint(),
        value_fingerprint: V::SCHEMA.fingerprint(),
        slot: Typed::<K, V, S>::LAYOUT.describe(),
        hasher: S::ID.into(),
        hasher_answers: known_answers(hasher),
        hasher_seed: hasher.seed(),
        block_shift,
        intents,
    }
}

/// Checks that a stored map is one of these types; the hasher with the map's seed.
pub(super) fn check<K, V, S>(map: &MapFile, hasher: S) -> Result<S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    S: StableHasher,
{
    for (side, schema, stored, fingerprint) in
        [("key", K::SCHEMA, &map.key, map.key_fingerprint), ("value", V::SCHEMA, &map.value, map.value_fingerprint)]
    {
        if schema.fingerprint() != fingerprint {
            let (stored, expected) = (stored.clone(), schema.to_string());
            return Err(Error::SchemaMismatch { side, stored, expected, advice: OTHER_TYPES });
        }
    }
    let expected = Typed::<K, V, S>::LAYOUT.describe();
    if map.slot != expected {
        let what = format!("its slots are laid out as `{}`, this build makes `{expected}`", map.slot);
        return Err(Error::corrupt(MAP, 0, what));
    }
    if !(SMALLEST_BLOCK..=BLOCK_SHIFT).contains(&map.block_shift) {
        return Err(Error::corrupt(MAP, 0, "an impossible size of heap blocks"));
    }
    with_seed_of(map, hasher)
}

/// Checks that a stored map was made with this hasher; the hasher with the map's seed.
pub(super) fn with_seed_of<S: StableHasher>(map: &MapFile, hasher: S) -> Result<S> {
    let mismatch = |expected: String| Error::HasherMismatch { stored: map.hasher.clone(), expected };
    if map.hasher != S::ID {
        return Err(mismatch(S::ID.into()));
    }
    let hasher = match map.hasher_seed {
        Some(seed) => hasher.with_seed(seed),
        None => hasher,
    };
    if known_answers(&hasher) != map.hasher_answers {
        return Err(mismatch(format!("{} (which now computes other hashes)", S::ID)));
    }
    Ok(hasher)
}
