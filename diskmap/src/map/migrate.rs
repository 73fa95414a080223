//! Rewriting a map on disk whose values were written by an earlier version of their type.
//!
//! Must not know files. Invariant: the old map is only read, and given up when the new one is whole and durable; a value
//! that cannot be read or written ends it before that.

mod chain;

use std::{hash::BuildHasher, sync::Arc};

use self::chain::{Onward, Plan};
use super::{DiskHashMap, Recovery, identity, options::Settings, traits::Copied, write::enter};
use crate::{
    codec::{DiskKey, DiskValue},
    crash,
    disk::{Access, Locked, replacement::Replacement},
    error::{Error, Result},
    hash::StableHasher,
    raw::{INDEX_FILE, Walk},
    store::MMapFile,
};

const TO_ASK: &str = "the map was written by an earlier version of the type: rewrite it by opening it once with `OpenOptions::migrate(true)`";
const TO_WRITE: &str =
    "the map was written by an earlier version of the type: rewrite it by opening it once without `read_only(true)`";
const TO_WRITE_AND_ASK: &str = "the map was written by an earlier version of the type: rewrite it by opening it once \
    without `read_only(true)` and with `OpenOptions::migrate(true)`";

/// A locked map whose values are of the type's version of today, or of another type.
pub(super) struct Current<S> {
    /// The map.
    pub locked: Locked,
    /// The hasher to open it with.
    pub hasher: S,
    /// How a map that was rewritten was found.
    pub recovery: Option<Recovery>,
}

/// Rewrites a map if its values were written by an earlier version of `V`.
///
/// # Errors
/// `SchemaMismatch` if that may not be done. After any error it is the old map or the whole new one that is there.
pub(super) fn bring_up_to_date<K, V, S>(locked: Locked, hasher: S, settings: &Settings) -> Result<Current<S>>
where
    K: ?Sized + DiskKey,
    V: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    let map = &locked.map;
    let earlier = V::SCHEMA.fingerprint() != map.value_fingerprint && K::SCHEMA.fingerprint() == map.key_fingerprint;
    let plan = if earlier { Plan::find::<K, V>(map.value_fingerprint) } else { None };
    let Some(plan) = plan else { return Ok(Current { locked, hasher, recovery: None }) };
    if let Some(advice) = refusal(plan.asked, settings) {
        let (stored, expected) = (map.value.clone(), V::SCHEMA.to_string());
        return Err(Error::SchemaMismatch { side: "value", stored, expected, advice });
    }
    let hasher = Arc::new(identity::with_seed_of(map, hasher)?);
    let recovery = (plan.run)(&locked, Lent(Arc::clone(&hasher)), settings)?;
    let Some(hasher) = Arc::into_inner(hasher) else { unreachable!("both maps are closed") };
    Ok(Current { locked: locked.again()?, hasher, recovery: Some(recovery) })
}

/// What to do if the options do not allow it.
fn refusal(asked: bool, settings: &Settings) -> Option<&'static str> {
    match (settings.access.read_only, asked && !settings.migrate) {
        (false, false) => None,
        (false, true) => Some(TO_ASK),
        (true, false) => Some(TO_WRITE),
        (true, true) => Some(TO_WRITE_AND_ASK),
    }
}

/// Writes all entries to a new map, which takes the place of the old one; how that was found.
fn rewrite<K, E, T, S>(locked: &Locked, hasher: &Lent<S>, settings: &Settings, onward: &Onward) -> Result<Recovery>
where
    K: ?Sized + DiskKey,
    E: ?Sized + DiskValue,
    T: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    let access = Access { read_only: true, ..settings.access.clone() };
    let reading = Settings { access, assume_valid: false, ..settings.clone() };
    let old = DiskHashMap::<K, E, MMapFile, Lent<S>>::load(locked.reading(), hasher.clone(), &reading)?;
    let (entries, recovery) = (old.len(), old.recovery);

    let replacement = Replacement::begin(&locked.dir)?;
    let writing =
        Settings { capacity: (entries, 0, 0), auto_checkpoint: None, sync_on_drop: false, ..settings.clone() };
    let mut new = DiskHashMap::<K, T, MMapFile, Lent<S>>::create(hasher.clone(), &writing, |heap, map| {
        locked.create_in(replacement.place(), heap, map)
    })?;
    new.take_from(&old, onward)?;
    crash::point("migrate: entries written");
    if new.len() != entries {
        let what = format!("{} different keys were found in {entries} entries", new.len());
        return Err(Error::corrupt(INDEX_FILE, 0, what));
    }
    drop(old);
    new.close()?;
    replacement.commit()?;
    log::info!("{}: {entries} values `{}` are `{}` now", locked.dir.display(), E::SCHEMA, T::SCHEMA);
    Ok(recovery)
}

impl<K: ?Sized + DiskKey, T: ?Sized + DiskValue, H: StableHasher> DiskHashMap<K, T, MMapFile, H> {
    /// Inserts all entries of another map: keys as they are, values as `onward` writes them.
    fn take_from<E: ?Sized + DiskValue>(
        &mut self,
        old: &DiskHashMap<K, E, MMapFile, H>,
        onward: &Onward,
    ) -> Result<()> {
        let source = &old.shared.core;
        let mut walk = Walk::new(0);
        while let Some(spot) = walk.next(source) {
            let image = source.image(&spot?.found);
            let (key, value) = old.image_bytes(&image)?;
            let hashed = self.shared.core.scheme().hash_key(key);
            onward(value, &mut |value| {
                let _pass = enter(&self.shared, &self.keeper)?;
                self.shared.core.put(&mut self.writer, hashed, key, &Copied(value))
            })?;
        }
        Ok(())
    }
}

/// A hasher that several maps use, whether it can be cloned or not.
struct Lent<S>(Arc<S>);

impl<S> Clone for Lent<S> {
    fn clone(&self) -> Self {
        Lent(Arc::clone(&self.0))
    }
}

impl<S: BuildHasher> BuildHasher for Lent<S> {
    type Hasher = S::Hasher;

    fn build_hasher(&self) -> S::Hasher {
        self.0.build_hasher()
    }
}

impl<S: StableHasher> StableHasher for Lent<S> {
    const ID: &'static str = S::ID;

    fn seed(&self) -> Option<[u8; 16]> {
        self.0.seed()
    }
}
