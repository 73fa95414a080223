//! From bytes to views, and from a pair of types to the layout the engine works with.
//!
//! This is where the map layer is unsafe. Invariant: the bytes of a fixed codec may be a copy that is gone at once (its
//! view owns them); all other bytes live in a record that stays while the map, or the snapshot, is borrowed.

#![allow(unsafe_code, reason = "views are made of bytes whose lifetime only the borrow of the map guarantees")]

use std::{marker::PhantomData, mem::MaybeUninit};

use super::{DiskHashMap, Snapshot};
use crate::{
    codec::{DiskValue, Encode, Shape},
    error::{Checked, Error, Fault, Result},
    hash::{Hashed, StableHasher, hash_bytes},
    heap::HEAP_FILE,
    raw::{Core, INDEX_FILE, Payload, Walk},
    store::ByteStore,
    table::{Directory, Layout, Place, Scheme, Side, SlotImage, layout::MAX_INLINE},
};

/// A pair of types and a hasher, as the engine sees them.
pub(crate) struct Typed<K: ?Sized, V: ?Sized, S> {
    /// The user's hasher.
    pub hasher: S,
    types: PhantomData<fn() -> (Box<K>, Box<V>)>,
}

impl<K: ?Sized, V: ?Sized, S> Typed<K, V, S> {
    /// The scheme of a map with this hasher.
    pub(super) fn new(hasher: S) -> Self {
        Typed { hasher, types: PhantomData }
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized, S: StableHasher> Typed<K, V, S> {
    /// The hash of a key's canonical bytes.
    #[inline(always)]
    pub(super) fn hash_key(&self, key: &[u8]) -> Hashed {
        Hashed::of(hash_bytes(&self.hasher, K::SHAPE.fixed_size(), key))
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, S: StableHasher> Scheme for Typed<K, V, S> {
    const LAYOUT: Layout = Layout::new(side(K::SHAPE), side(V::SHAPE));

    #[inline(always)]
    fn hash(&self, key: &[u8]) -> Hashed {
        self.hash_key(key)
    }
}

const fn side(shape: Shape) -> Side {
    match shape {
        Shape::Fixed { size } if size <= MAX_INLINE => Side::Inline { size },
        Shape::Fixed { .. } => Side::Record { align: 1 },
        Shape::Var { align } => {
            assert!(align.is_power_of_two() && align <= 16, "a codec's alignment is a power of two up to 16");
            Side::Record { align }
        }
    }
}

/// Room for an inline key, aligned like one.
pub(super) type KeyBuffer = [MaybeUninit<u64>; MAX_INLINE / 8];

/// An empty buffer.
pub(super) const KEY_BUFFER: KeyBuffer = [MaybeUninit::uninit(); MAX_INLINE / 8];

/// Encodes a key of a fixed size that lies inline; `None` for all other codecs, whose keys go through
/// [`Encode::with_bytes`]. There is no closure here, so that a lookup becomes one straight piece of code.
#[inline(always)]
pub(super) fn inline_key<'b, K, Q>(key: &Q, buffer: &'b mut KeyBuffer) -> Option<Checked<&'b [u8]>>
where
    K: ?Sized + Encode<Q>,
    Q: ?Sized,
{
    let Shape::Fixed { size: size @ ..=MAX_INLINE } = K::SHAPE else { return None };
    // SAFETY: `size` bytes lie in the buffer, are initialised here, and bytes may have any alignment.
    let bytes: &mut [u8] = unsafe {
        let start = buffer.as_mut_ptr().cast::<u8>();
        start.write_bytes(0, size);
        std::slice::from_raw_parts_mut(start, size)
    };
    Some(match K::encode_into(key, bytes) {
        Ok(len) if len == size => Ok(bytes),
        Ok(len) => Err(wrong_key_length(len, size)),
        Err(error) => Err(error.into()),
    })
}

/// Refuses a key whose codec wrote another length than its shape says.
#[inline(always)]
pub(super) fn checked_key<K: ?Sized + DiskValue>(bytes: &[u8]) -> Checked<&[u8]> {
    match K::SHAPE {
        Shape::Fixed { size } if bytes.len() != size => Err(wrong_key_length(bytes.len(), size)),
        _ => Ok(bytes),
    }
}

#[cold]
fn wrong_key_length(len: usize, size: usize) -> Fault {
    Error::Encode { what: format!("a key of {len} bytes where its codec announces {size}") }.into()
}

/// A value that is about to be encoded.
pub(super) struct Encoded<'q, V: ?Sized, Q: ?Sized>(&'q Q, PhantomData<fn() -> Box<V>>);

impl<'q, V: ?Sized, Q: ?Sized> Encoded<'q, V, Q> {
    /// The value.
    #[inline(always)]
    pub(super) fn new(value: &'q Q) -> Self {
        Encoded(value, PhantomData)
    }
}

impl<V: ?Sized + Encode<Q>, Q: ?Sized> Payload for Encoded<'_, V, Q> {
    #[inline(always)]
    fn len(&self) -> Result<usize> {
        V::encoded_len(self.0)
    }

    #[inline(always)]
    fn write(&self, out: &mut [u8]) -> Result<usize> {
        V::encode_into(self.0, out)
    }
}

/// Finds and reads entries that stay as they are for `'m`: those that its directory leads to, and no others.
pub(super) struct Reader<'m, K: ?Sized, V: ?Sized, BS, S> {
    core: &'m Core<BS, Typed<K, V, S>>,
    directory: &'m Directory,
    /// Whether stored bytes are believed without being validated.
    assume_valid: bool,
}

impl<K: ?Sized, V: ?Sized, BS, S> Clone for Reader<'_, K, V, BS, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized, V: ?Sized, BS, S> Copy for Reader<'_, K, V, BS, S> {}

impl<'m, K: ?Sized, V: ?Sized, BS: ByteStore, S> Reader<'m, K, V, BS, S> {
    /// Reads entries of a map as it is now. What was read is not used when the map has changed.
    #[inline(always)]
    pub(super) fn of(core: &'m Core<BS, Typed<K, V, S>>, assume_valid: bool) -> Self {
        Reader { core, directory: core.directory(), assume_valid }
    }
}

impl<'m, K, V, BS, S> Reader<'m, K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// The value of a key.
    pub(super) fn get(self, key: &[u8]) -> Checked<Option<V::View<'m>>> {
        let hashed = self.core.scheme().hash_key(key);
        self.core.find_in(self.directory, hashed, key)?.map(|found| self.value(found.place())).transpose()
    }

    /// Whether a key is there.
    pub(super) fn has(self, key: &[u8]) -> Checked<bool> {
        let hashed = self.core.scheme().hash_key(key);
        Ok(self.core.find_in(self.directory, hashed, key)?.is_some())
    }

    /// The next entry of a walk, which has met no entries but those of this reader.
    #[inline(always)]
    pub(super) fn next(self, walk: &mut Walk<Typed<K, V, S>>) -> Option<Result<Met<'m, K, V, BS, S>>> {
        let spot = walk.next_in(self.core, self.directory)?;
        Some(spot.map(|spot| Met { reader: self, image: self.core.image(&spot.found) }))
    }

    /// The value of a found entry.
    #[inline(always)]
    fn value(self, place: Place<Typed<K, V, S>>) -> Checked<V::View<'m>> {
        let mut image = SlotImage::zeroed();
        // SAFETY: `place` came by the reader's directory, so nothing of it changes or is reused for `'m`; `view` copies
        // inline bytes.
        unsafe {
            let bytes = self.core.value(place, &mut image)?;
            view::<V>(bytes, self.assume_valid)
        }
    }

    /// The value in a slot image.
    #[inline(always)]
    pub(super) fn image_value(self, image: &SlotImage) -> Checked<V::View<'m>> {
        // SAFETY: as in `value`; a record that was freed keeps its bytes until the next change of the map.
        unsafe { view::<V>(self.core.value_of(image)?, self.assume_valid) }
    }

    /// The key in a slot image.
    #[inline(always)]
    fn image_key(self, image: &SlotImage) -> Checked<K::View<'m>> {
        // SAFETY: as in `image_value`.
        unsafe { view::<K>(self.core.key_of(image)?, self.assume_valid) }
    }
}

/// An entry that a walk met.
pub(super) struct Met<'m, K: ?Sized, V: ?Sized, BS, S> {
    reader: Reader<'m, K, V, BS, S>,
    image: SlotImage,
}

impl<'m, K, V, BS, S> Met<'m, K, V, BS, S>
where
    K: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    BS: ByteStore,
    S: StableHasher,
{
    /// Its key.
    #[inline(always)]
    pub(super) fn key(&self) -> Checked<K::View<'m>> {
        self.reader.image_key(&self.image)
    }

    /// Its value.
    #[inline(always)]
    pub(super) fn value(&self) -> Checked<V::View<'m>> {
        self.reader.image_value(&self.image)
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S> Snapshot<K, V, BS, S> {
    /// Reads entries that the snapshot leads to.
    #[inline(always)]
    pub(super) fn reader(&self) -> Reader<'_, K, V, BS, S> {
        // What the frozen directory leads to stays as it is until the snapshot is dropped (`raw::snapshot`), and the
        // snapshot is borrowed.
        let (core, directory) = (&self.shared.core, self.frozen.directory());
        Reader { core, directory, assume_valid: self.assume_valid }
    }
}

impl<K: ?Sized, V: ?Sized, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Reads entries of the map as it is now.
    #[inline(always)]
    pub(super) fn reader(&self) -> Reader<'_, K, V, BS, S> {
        // Nothing changes while the map is borrowed.
        Reader::of(&self.shared.core, self.assume_valid)
    }

    /// The value in a slot.
    #[inline(always)]
    pub(super) fn value_view<'m>(&'m self, place: Place<Typed<K, V, S>>) -> Checked<V::View<'m>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.reader().value(place)
    }

    /// The value in a slot image.
    #[inline(always)]
    pub(super) fn image_value<'m>(&'m self, image: &SlotImage) -> Checked<V::View<'m>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.reader().image_value(image)
    }

    /// The key in a slot image.
    #[inline(always)]
    pub(super) fn image_key<'m>(&'m self, image: &SlotImage) -> Checked<K::View<'m>>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.reader().image_key(image)
    }

    /// Key and value in a slot image, as they are stored.
    pub(super) fn image_bytes<'m>(&'m self, image: &'m SlotImage) -> Checked<(&'m [u8], &'m [u8])>
    where
        K: DiskValue,
        V: DiskValue,
    {
        // SAFETY: the map is borrowed for `'m`, so no record changes or is reused.
        unsafe { Ok((self.shared.core.key_of(image)?, self.shared.core.value_of(image)?)) }
    }

    /// Whether the value in a slot image can be read: what is to be returned is looked at before anything is changed.
    #[inline(always)]
    pub(super) fn check_value(&self, image: &SlotImage) -> Checked<()>
    where
        K: DiskValue,
        V: DiskValue,
    {
        self.image_value(image).map(|_| ())
    }
}

/// Turns stored bytes into a view.
///
/// # Safety
/// The bytes do not change and live for `'v`, unless the codec is fixed (then its view is a copy).
#[inline(always)]
pub(super) unsafe fn view<'v, T: ?Sized + DiskValue>(bytes: &[u8], assume_valid: bool) -> Checked<T::View<'v>> {
    if (!assume_valid || T::SHAPE.fixed_size().is_some())
        && let Err(invalid) = T::validate(bytes)
    {
        return Err(refused::<T>(invalid.reason()).into());
    }
    // SAFETY: accepted by `validate` (or vouched for by whoever called `assume_valid`); lifetime as the caller says.
    unsafe { Ok(T::view(std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()))) }
}

/// The error for stored bytes that a codec does not accept.
#[cold]
pub(super) fn refused<T: ?Sized + DiskValue>(reason: &'static str) -> Error {
    let inline = matches!(T::SHAPE, Shape::Fixed { size } if size <= MAX_INLINE);
    let file = if inline { INDEX_FILE } else { HEAP_FILE };
    Error::corrupt(file, 0, format!("stored bytes are not a `{}`: {reason}", T::SCHEMA))
}
