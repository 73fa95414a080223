//! Codecs: how keys and values become bytes, and bytes become views.
//!
//! This layer knows no slot, no file and no map: bytes go in and out as slices, errors go out as [`Invalid`] (bytes that
//! were read) or [`Error`] (values that were to be written).
//!
//! The one invariant: bytes are never trusted before `validate` accepted them, and `view` is called on nothing else.

mod array;
mod bytes;
mod canon;
mod native;
mod numbers;
mod option;
pub mod record;
mod schema;
mod text;
mod tuple;
mod unit;
mod versions;
mod was;

#[cfg(feature = "rkyv")]
mod arch;
#[cfg(feature = "uuid")]
mod uuid;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::error::{Error, Result};

#[cfg(feature = "rkyv")]
pub use arch::{Arch, ArchChecker, ArchDeserialize, ArchSerialize, ArchValue, ArchWriter};
pub use bytemuck::Pod;
pub use bytes::Bytes;
pub use canon::{CanonF32, CanonF64};
pub use native::{Native, NativeType};
pub use numbers::{Number, Numbers, NumbersIter};
pub use schema::{ArchFormat, Field, Schema, Variant};
pub use text::Str;
pub use versions::Versions;
pub use was::{Converted, Was};

/// Bytes up to which an encoded key stays on the stack.
const STACK_BYTES: usize = 128;

/// The largest alignment a codec may ask for, in bytes: records lie at multiples of 16.
const MAX_ALIGN: usize = 16;

/// The longest encoding of one key or value, in bytes: 4 GiB − 1.
const MAX_LEN: usize = u32::MAX as usize;

/// How much room the bytes of a type take and how they must lie.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{DiskValue, Shape};
///
/// assert_eq!(<(u32, u64)>::SHAPE, Shape::Fixed { size: 12 });
/// assert_eq!(String::SHAPE, Shape::Var { align: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Every value takes exactly `size` bytes, at any address.
    Fixed {
        /// The length in bytes.
        size: usize,
    },
    /// Values differ in length; their first byte lies at a multiple of `align`.
    Var {
        /// A power of two, at most 16, in bytes.
        align: usize,
    },
}

impl Shape {
    /// The alignment in bytes: 1 for fixed shapes, which are read unaligned.
    #[inline]
    pub const fn align(self) -> usize {
        match self {
            Shape::Fixed { .. } => 1,
            Shape::Var { align } => align,
        }
    }

    /// The length in bytes of a fixed shape.
    #[inline]
    pub const fn fixed_size(self) -> Option<usize> {
        match self {
            Shape::Fixed { size } => Some(size),
            Shape::Var { .. } => None,
        }
    }
}

/// Why bytes are not a value of the type they were read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    reason: &'static str,
}

impl Invalid {
    /// An error for this reason: a lower-case phrase such as `"text is not UTF-8"`.
    #[inline]
    pub const fn new(reason: &'static str) -> Invalid {
        Invalid { reason }
    }

    /// The reason, for a larger message.
    #[inline]
    pub const fn reason(self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl std::error::Error for Invalid {}

/// A type, or a marker such as [`Str`], that says how one side of a map is stored and read.
///
/// Implement it with `#[derive(diskmap::DiskValue)]`; writing it by hand is for new codecs.
///
/// # Safety
///
/// 1. `validate` depends only on the bytes and on their address modulo the shape's alignment; it never trusts them, and
///    accepts a [`Shape::Fixed`] only at its exact length.
/// 2. `view` is sound on bytes that `validate` accepted, and on a copy of them at the same alignment.
/// 3. The view of a `Fixed` shape borrows nothing (the map makes it from a copy that is gone before the view is) and
///    reads unaligned.
/// 4. No view can write to the bytes.
///
/// # Examples
///
/// ```
/// use diskmap::codec::DiskValue;
///
/// assert_eq!(u32::read(&[1, 0, 0, 0]), Ok(1));
/// assert_eq!(str::read(b"naive"), Ok("naive"));
/// assert!(u32::read(&[1]).is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a disk map",
    label = "not a type that a disk map stores",
    note = "if it is your own type: `#[derive(diskmap::DiskValue)]`",
    note = "built in are fixed-width numbers (not `usize`/`isize`), `bool`, `char`, text, bytes, `Vec` of numbers, arrays, tuples and `Option` of these",
    note = "for a type with `#[derive(rkyv::Archive, rkyv::Serialize)]` use `diskmap::types::Arch<{Self}>` (feature `rkyv`)",
    note = "a field of a derived type may name its codec: `#[diskmap(with = Str)]` for a `Box<str>`, `#[diskmap(with = Arch<…>)]`"
)]
pub unsafe trait DiskValue: 'static {
    /// What reading gives: `u64` for `u64`, `&'a str` for text, a struct of views for a record.
    type View<'a>;

    /// Length and alignment of the bytes.
    const SHAPE: Shape;

    /// The structure of the bytes – codec, widths, names, order – kept in the map's files and compared when it is
    /// opened.
    const SCHEMA: Schema;

    /// Checks that `bytes` are a value of this type.
    ///
    /// # Errors
    ///
    /// [`Invalid`] with the reason if they are not. Never panics, whatever the bytes.
    fn validate(bytes: &[u8]) -> Result<(), Invalid>;

    /// Reads the value without checking it.
    ///
    /// # Safety
    ///
    /// `Self::validate(bytes)` is `Ok`, and the bytes do not change during `'a`.
    unsafe fn view<'a>(bytes: &'a [u8]) -> Self::View<'a>;

    /// Reads the value: [`validate`](DiskValue::validate), then [`view`](DiskValue::view).
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the bytes are not a value of this type.
    #[inline]
    fn read(bytes: &[u8]) -> Result<Self::View<'_>, Invalid> {
        Self::validate(bytes)?;
        // SAFETY: `validate` accepted these bytes just above, and the borrow keeps them as they are for `'a`.
        Ok(unsafe { Self::view(bytes) })
    }

    /// Shows `versions` the codecs of this type's earlier versions, newest first: a map whose values were written by one
    /// of them is rewritten when it is opened. Those may have earlier versions of their own, which are looked at after
    /// these. None, unless said otherwise.
    ///
    /// Only a map's own value type is asked, not the types it is made of.
    ///
    /// ```
    /// use diskmap::{DiskHashMap, DiskValue, Encode, Error, Invalid, Schema, Shape, codec::Versions};
    ///
    /// /// A price in cents: of 8 bytes, where a `u32` was too small.
    /// struct Cents;
    ///
    /// // SAFETY: a `u64` under a name of its own.
    /// unsafe impl DiskValue for Cents {
    ///     type View<'a> = u64;
    ///     const SHAPE: Shape = u64::SHAPE;
    ///     const SCHEMA: Schema = Schema::named("shop.Cents", 2, &Schema::U64);
    ///     fn validate(bytes: &[u8]) -> Result<(), Invalid> {
    ///         u64::validate(bytes)
    ///     }
    ///     unsafe fn view(bytes: &[u8]) -> u64 {
    ///         unsafe { u64::view(bytes) }
    ///     }
    ///     fn versions<W: Versions<Self>>(versions: &mut W) {
    ///         versions.version::<u32>(false);
    ///     }
    /// }
    ///
    /// impl Encode<u64> for Cents {
    ///     fn encoded_len(cents: &u64) -> Result<usize, Error> {
    ///         u64::encoded_len(cents)
    ///     }
    ///     fn encode_into(cents: &u64, out: &mut [u8]) -> Result<usize, Error> {
    ///         u64::encode_into(cents, out)
    ///     }
    /// }
    ///
    /// /// What is made of the version before.
    /// impl Encode<u32> for Cents {
    ///     fn encoded_len(cents: &u32) -> Result<usize, Error> {
    ///         u64::encoded_len(&u64::from(*cents))
    ///     }
    ///     fn encode_into(cents: &u32, out: &mut [u8]) -> Result<usize, Error> {
    ///         u64::encode_into(&u64::from(*cents), out)
    ///     }
    /// }
    ///
    /// let dir = tempfile::tempdir()?;
    /// let mut prices: DiskHashMap<str, u32> = DiskHashMap::new_in(dir.path())?;
    /// prices.insert("bolt", &15)?;
    /// prices.close()?;
    ///
    /// let mut prices: DiskHashMap<str, Cents> = DiskHashMap::load_from(dir.path())?;
    /// assert_eq!(prices.get("bolt")?, Some(15));
    /// prices.insert("yacht", &12_000_000_000_u64)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    fn versions<W: Versions<Self>>(versions: &mut W) {
        let _ = versions;
    }
}

/// A type that can be a key: its encoding is canonical.
///
/// Two keys are equal exactly when their bytes are, whichever [`Encode`] impl wrote them; `Eq` and `Hash` of the Rust
/// type are never called. A wrong impl gives wrong answers, never undefined behaviour.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key of a disk map",
    label = "not a key: equal keys must have equal bytes",
    note = "if it is your own type: `#[derive(diskmap::DiskKey, diskmap::DiskValue)]`",
    note = "floats can be keys as `diskmap::codec::CanonF32` and `CanonF64`; `usize`/`isize` as `u64`/`i64`; `Arch` and maps cannot"
)]
pub trait DiskKey: DiskValue {}

/// That a `Q` can be written to a map side of type `Self`: what `insert` and `get` take.
///
/// What it writes is validated like any other bytes, so a wrong impl gives errors, never undefined behaviour.
///
/// # Examples
///
/// ```
/// use diskmap::codec::Encode;
///
/// let name = "bolt";
/// let bytes = <(u32, String)>::with_bytes(&(7, name), |bytes| bytes.to_vec())?;
/// assert_eq!(bytes, b"\x07\0\0\0bolt");
/// # Ok::<(), diskmap::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Q}` does not fit a map side of type `{Self}`",
    label = "`{Self}` does not take `{Q}`",
    note = "numbers, `bool` and `char` take exactly their own type: `&42_u64`, not `&42_u32`",
    note = "text takes `str`, `String`, `Box<str>`, `Cow<str>`, `Rc<str>`, `Arc<str>`; bytes take `[u8]`, `Vec<u8>`, `[u8; N]`, `Box<[u8]>` and `Cow`/`Rc`/`Arc` of `[u8]`",
    note = "inside tuples, arrays and `Option` text and bytes go by reference: `&(1, name)` with `name: &str`",
    note = "a type with `#[derive(diskmap::DiskValue)]` takes itself, its view, and references to them"
)]
pub trait Encode<Q: ?Sized>: DiskValue {
    /// At least as many bytes as [`encode_into`](Encode::encode_into) will write.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] or [`Error::Encode`] if there is no encoding of `q`.
    fn encoded_len(q: &Q) -> Result<usize>;

    /// Writes `q` to the front of `out`, gaps too, and returns how many bytes that took.
    ///
    /// `out` is aligned to the shape and may hold old bytes. A fixed shape writes exactly its size.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if `out` is shorter than needed or `q` has no encoding.
    fn encode_into(q: &Q, out: &mut [u8]) -> Result<usize>;

    /// Calls `f` with the encoded bytes, aligned to the shape; keys go this way, so that hash, probe and copy see the
    /// same bytes.
    ///
    /// Borrows from `q` where its memory is its encoding, else encodes on the stack (128 bytes) or, beyond that, to
    /// the heap.
    ///
    /// # Errors
    ///
    /// Those of the other two methods; [`Error::Encode`] if `encode_into` claims more bytes than `encoded_len`
    /// promised.
    #[inline]
    fn with_bytes<R>(q: &Q, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        const { assert!(Self::SHAPE.align() <= MAX_ALIGN, "a codec may ask for an alignment of at most 16") };
        let len = Self::encoded_len(q)?;
        if len > STACK_BYTES {
            return spill::<Self, Q, R>(q, len, f);
        }
        let mut stack = [0_u128; STACK_BYTES / 16];
        let out = &mut bytemuck::bytes_of_mut(&mut stack)[..len];
        let written = Self::encode_into(q, out)?;
        out.get(..written).map(f).ok_or_else(|| overrun(written, len))
    }
}

/// A codec whose views can be turned into a value that borrows nothing.
///
/// # Examples
///
/// ```
/// use diskmap::codec::IntoOwned;
///
/// let owned: String = String::into_owned("borrowed")?;
/// assert_eq!(owned, "borrowed");
/// # Ok::<(), diskmap::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no owned form",
    label = "cannot be copied out of a disk map",
    note = "use the view (`get`, `remove`), or for `Arch<T>` add `#[derive(rkyv::Deserialize)]` to `T`"
)]
pub trait IntoOwned: DiskValue {
    /// The owned form: `String` for text, `Vec<u8>` for bytes, `T` for `Arch<T>`.
    type Owned;

    /// Copies the view.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if an archived value cannot be deserialized.
    fn into_owned(view: Self::View<'_>) -> Result<Self::Owned>;
}

#[cold]
fn spill<T: Encode<Q> + ?Sized, Q: ?Sized, R>(q: &Q, len: usize, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
    if len > MAX_LEN {
        return Err(too_large("key", len));
    }
    let mut words: Vec<u128> = Vec::new();
    words
        .try_reserve_exact(len.div_ceil(16))
        .map_err(|error| Error::Encode { what: format!("no memory for {len} bytes: {error}") })?;
    words.resize(len.div_ceil(16), 0);
    let out = &mut bytemuck::cast_slice_mut::<u128, u8>(&mut words)[..len];
    let written = T::encode_into(q, out)?;
    out.get(..written).map(f).ok_or_else(|| overrun(written, len))
}

/// Copies an encoding that exists as a slice already.
#[inline]
fn copy_into(bytes: &[u8], out: &mut [u8]) -> Result<usize> {
    let Some(front) = out.get_mut(..bytes.len()) else { return Err(overrun(bytes.len(), out.len())) };
    front.copy_from_slice(bytes);
    Ok(bytes.len())
}

#[cold]
fn overrun(needed: usize, room: usize) -> Error {
    Error::Encode {
        what: format!("{needed} bytes do not fit the {room} that `encoded_len` promised; fix the `Encode` impl"),
    }
}

#[cold]
fn too_large(side: &'static str, len: usize) -> Error {
    Error::TooLarge { side, len: len as u64, max: MAX_LEN as u64 }
}
