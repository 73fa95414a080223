//! The writer's half: changes of keys that one writer has to itself.
//!
//! Must not know who keeps other writers away. Invariant: what is found is written to in the same turn, or found again when
//! the generation has changed.

use super::{super::write::enter_as, DiskHashMap, Encode, Engine, Hashed, Image, StableHasher, Typed, Writer};
use crate::{
    codec::DiskValue,
    error::{Error, Result},
    gate::Pass,
    map::typed::Encoded,
    raw::{Found, Lookup, Vacant, Walk},
    store::ByteStore,
};

/// A writer's turn: no checkpoint begins before it ends.
pub struct Turn<'e, K: ?Sized, V: ?Sized, BS: ByteStore, S> {
    base: &'e DiskHashMap<K, V, BS, S>,
    writer: &'e mut Writer,
    _pass: Pass<'e>,
}

/// The slot of a key that is there.
pub struct Place<K: ?Sized, V: ?Sized, S>(Found<Typed<K, V, S>>);

/// The slot for a key that is not there.
pub struct Gap<K: ?Sized, V: ?Sized, S>(Vacant<Typed<K, V, S>>);

/// What a lookup finds.
pub enum Spot<K: ?Sized, V: ?Sized, S> {
    /// The key is there.
    Found(Place<K, V, S>),
    /// It is not.
    Vacant(Gap<K, V, S>),
}

impl<K: ?Sized, V: ?Sized, S> Clone for Place<K, V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized, V: ?Sized, S> Copy for Place<K, V, S> {}

impl<K, V, BS, S> Engine<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// Lets a writer write.
    ///
    /// # Errors
    /// `ReadOnly`, `Poisoned`; `OutOfSpace` and `Io` of a checkpoint that had to be made first.
    ///
    /// # Safety
    /// The writer is this map's, and the turn is used for keys of its range only.
    #[inline(always)]
    pub unsafe fn turn<'e>(&'e self, writer: &'e mut Writer) -> Result<Turn<'e, K, V, BS, S>> {
        let pass = enter_as(writer.0.number(), &self.base.shared, &self.base.keeper)?;
        Ok(Turn { base: &self.base, writer, _pass: pass })
    }

    /// Looks a key up for its writer.
    ///
    /// # Errors
    /// `Corrupt`.
    ///
    /// # Safety
    /// Nobody changes keys of the range meanwhile.
    #[inline(always)]
    pub unsafe fn lookup(&self, hashed: Hashed, key: &[u8]) -> Result<Spot<K, V, S>> {
        Ok(match self.base.shared.core.lookup(hashed.0, key)? {
            Lookup::Found(found) => Spot::Found(Place(found)),
            Lookup::Vacant(vacant) => Spot::Vacant(Gap(vacant)),
        })
    }

    /// All words of a found slot.
    ///
    /// # Safety
    /// As [`lookup`](Engine::lookup), since the place was found.
    #[inline(always)]
    pub unsafe fn image(&self, place: &Place<K, V, S>) -> Image {
        Image(self.base.shared.core.image(&place.0))
    }
}

impl<K, V, BS, S> Turn<'_, K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// The slot of a key that was there when the generation was another one.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn find_again(&self, hashed: Hashed, key: &[u8]) -> Result<Place<K, V, S>> {
        self.base.shared.core.find_again(hashed.0, key).map(Place)
    }

    /// The slot for a key that was not there when the generation was another one.
    pub fn vacancy(&self, hashed: Hashed) -> Gap<K, V, S> {
        Gap(self.base.shared.core.vacancy(hashed.0))
    }

    /// Stores a value for a key that is not there.
    ///
    /// # Errors
    /// `OutOfSpace`, `Full`, `TooLarge`, `Encode`, `Corrupt`. The map is then as it was.
    #[inline(always)]
    pub fn insert<Q: ?Sized>(
        &mut self,
        gap: Gap<K, V, S>,
        hashed: Hashed,
        key: &[u8],
        value: &Q,
    ) -> Result<Place<K, V, S>>
    where
        V: Encode<Q>,
    {
        let core = &self.base.shared.core;
        core.insert(&mut self.writer.0, gap.0, hashed.0, key, &Encoded::<V, Q>::new(value)).map(Place)
    }

    /// Stores another value for a key; the slot as it was and where it is now.
    ///
    /// # Errors
    /// As [`insert`](Turn::insert).
    #[inline(always)]
    pub fn update<Q: ?Sized>(
        &mut self,
        place: Place<K, V, S>,
        hashed: Hashed,
        key: &[u8],
        value: &Q,
    ) -> Result<(Image, Place<K, V, S>)>
    where
        V: Encode<Q>,
    {
        let core = &self.base.shared.core;
        let (old, new) = core.update(&mut self.writer.0, place.0, hashed.0, key, &Encoded::<V, Q>::new(value))?;
        Ok((Image(old), Place(new)))
    }

    /// Removes a key; the slot as it was.
    ///
    /// # Errors
    /// As [`insert`](Turn::insert).
    pub fn remove(&mut self, place: Place<K, V, S>, hashed: Hashed, key: &[u8]) -> Result<Image> {
        self.base.shared.core.remove(&mut self.writer.0, place.0, hashed.0, key).map(Image)
    }

    /// Removes the entries of one segment for which `keep` is false; where the next segment begins.
    ///
    /// # Errors
    /// `Corrupt`, and whatever `keep` says; what was removed before stays removed.
    pub fn retain(
        &mut self,
        position: u64,
        mut keep: impl FnMut(&Image) -> Result<bool>,
    ) -> Result<Option<u64>, Error> {
        let core = &self.base.shared.core;
        let mut walk = Walk::one_segment(position);
        let next = walk.begin(core)?;
        while let Some(spot) = walk.next(core) {
            let spot = spot?;
            if !keep(&Image(core.image(&spot.found)))? {
                core.remove_spot(&mut self.writer.0, &mut walk, spot)?;
            }
        }
        Ok(next)
    }
}
