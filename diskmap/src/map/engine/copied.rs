//! Entries copied from under the writers' hands, and what is in such copies.
//!
//! Must not know how a copy is proved whole. Invariant: words that were copied while a writer came between are never given out.

use super::{DiskValue, Engine, Error, Result, StableHasher, Stored, Typed, view};
use crate::{raw, store::ByteStore, table::SlotImage};

/// The words of an entry's slot, copied: what lies in it, and the reference to what does not.
#[derive(Clone, Copy)]
pub struct Image(pub(super) SlotImage);

/// The entries of one segment, copied.
#[derive(Default)]
pub struct Entries(raw::Copied);

impl<K, V, BS, S> Engine<K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// One try to copy the entries of the segment that a position leads to; `None` if a writer came between.
    ///
    /// # Errors
    /// `Corrupt`.
    ///
    /// # Safety
    /// If keys lie in records: cells that are freed during the call are not reclaimed before it returns.
    pub unsafe fn copy_entries(&self, position: u64, entries: &mut Entries) -> Option<Result<()>> {
        // SAFETY: as the caller says.
        let copied = unsafe { self.base.shared.core.copy_entries(position, &mut entries.0) };
        copied.map(|copied| copied.map_err(Error::from))
    }

    /// The value of a fixed-size type in an image.
    ///
    /// # Errors
    /// `Corrupt` if the codec does not accept it.
    ///
    /// # Safety
    /// Its record, if it has one, is not reclaimed during the call.
    #[inline(always)]
    pub unsafe fn fixed_value(&self, image: &Image) -> Result<V::View<'static>> {
        const { assert!(V::SHAPE.fixed_size().is_some(), "only the view of a type of fixed size is a copy of its own") };
        // SAFETY: as the caller says; the view of a fixed codec owns its bytes.
        unsafe { Ok(view::<V>(self.base.shared.core.value_of(&image.0)?, self.base.assume_valid)?) }
    }

    /// The value in an image, accepted by its codec.
    ///
    /// # Errors
    /// `Corrupt` if the codec does not accept it.
    ///
    /// # Safety
    /// Its record, if it has one, is not reclaimed while the result is looked at.
    #[inline(always)]
    pub unsafe fn stored_value(&self, image: &Image) -> Result<Stored> {
        // SAFETY: as the caller says.
        unsafe { Ok(self.accepted::<V>(self.base.shared.core.value_of(&image.0)?, Self::VALUE_IN_RECORD)?) }
    }

    /// The key in an image of all words, accepted by its codec.
    ///
    /// # Errors
    /// As [`stored_value`](Engine::stored_value).
    ///
    /// # Safety
    /// As [`stored_value`](Engine::stored_value).
    #[inline(always)]
    pub unsafe fn stored_key(&self, image: &Image) -> Result<Stored> {
        // SAFETY: as the caller says.
        unsafe { Ok(self.accepted::<K>(self.base.shared.core.key_of(&image.0)?, Self::KEY_IN_RECORD)?) }
    }

    /// The bytes of the key in an image of all words.
    ///
    /// # Errors
    /// `Corrupt`.
    ///
    /// # Safety
    /// As [`stored_value`](Engine::stored_value).
    pub unsafe fn key_bytes<'v>(&self, image: &'v Image) -> Result<&'v [u8]> {
        // SAFETY: as the caller says.
        unsafe { Ok(self.base.shared.core.key_of(&image.0)?) }
    }
}

impl Entries {
    /// How many.
    pub fn count<K: ?Sized + DiskValue, V: ?Sized + DiskValue, S: StableHasher>(&self) -> usize {
        self.0.len::<Typed<K, V, S>>()
    }

    /// The words of one.
    #[inline]
    pub fn image<K: ?Sized + DiskValue, V: ?Sized + DiskValue, S: StableHasher>(&self, i: usize) -> Image {
        Image(self.0.image::<Typed<K, V, S>>(i))
    }

    /// The position before which entries are to be left out, if the copy was to begin in the middle of the segment.
    pub fn floor(&self) -> Option<u64> {
        self.0.floor
    }

    /// The position where the next segment begins; `None` at the end.
    pub fn next(&self) -> Option<u64> {
        self.0.next
    }
}
