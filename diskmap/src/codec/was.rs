//! A type that took the place of another: `#[diskmap(from = OldType)]`.
//!
//! It knows the old type only by its codec and by `From`. The invariant: bytes are checked and read as the old type's;
//! what they become is made once for each value, and a failure in that stays an error.

use std::marker::PhantomData;

use super::{DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, Versions};
use crate::error::{Error, Result};

/// The codec of `Old` as an earlier version of `New`, which is made from it by `From`.
///
/// `#[diskmap(from = Old)]` shows it to [`DiskValue::versions`].
///
/// # Examples
///
/// ```
/// use diskmap::codec::{DiskValue, Was};
///
/// assert_eq!(Was::<u32, u64>::read(&[7, 0, 0, 0]).unwrap().get()?, &7);
/// # Ok::<(), diskmap::Error>(())
/// ```
#[derive(Debug)]
pub struct Was<Old: ?Sized, New> {
    marker: PhantomData<(fn() -> New, PhantomData<Old>)>,
}

/// A value made from one of another type: the view of [`Was`].
#[derive(Debug)]
pub struct Converted<New>(Result<New>);

impl<New> Converted<New> {
    /// The value.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if the old value has no owned form.
    pub fn get(&self) -> Result<&New> {
        self.0.as_ref().map_err(|error| Error::Encode { what: format!("the old value has no owned form: {error}") })
    }
}

// SAFETY: bytes are checked and viewed as those of `Old`, of its shape; the view that goes out owns all it has.
unsafe impl<Old, New> DiskValue for Was<Old, New>
where
    Old: IntoOwned + ?Sized,
    New: From<Old::Owned> + 'static,
{
    type View<'a> = Converted<New>;
    const SHAPE: Shape = Old::SHAPE;
    const SCHEMA: Schema = Old::SCHEMA;

    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        Old::validate(bytes)
    }

    unsafe fn view(bytes: &[u8]) -> Converted<New> {
        // SAFETY: `validate` is that of `Old`, and the caller promises the rest.
        let old = unsafe { Old::view(bytes) };
        Converted(Old::into_owned(old).map(New::from))
    }

    fn versions<W: Versions<Self>>(versions: &mut W) {
        Old::versions(&mut Through::<W, New> { versions, marker: PhantomData });
    }
}

impl<Old, New, Q: ?Sized> Encode<Q> for Was<Old, New>
where
    Old: IntoOwned + Encode<Q> + ?Sized,
    New: From<Old::Owned> + 'static,
{
    fn encoded_len(q: &Q) -> Result<usize> {
        Old::encoded_len(q)
    }

    fn encode_into(q: &Q, out: &mut [u8]) -> Result<usize> {
        Old::encode_into(q, out)
    }
}

/// What was an earlier version of `Old` is one of `Was<Old, New>`.
struct Through<'w, W, New> {
    versions: &'w mut W,
    marker: PhantomData<fn() -> New>,
}

impl<Old, New, W> Versions<Old> for Through<'_, W, New>
where
    Old: IntoOwned + ?Sized,
    New: From<Old::Owned> + 'static,
    W: Versions<Was<Old, New>>,
{
    fn version<E>(&mut self, asked: bool)
    where
        E: DiskValue + ?Sized,
        Old: for<'x> Encode<E::View<'x>>,
    {
        self.versions.version::<E>(asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_and_bytes_are_the_old_ones() {
        assert_eq!(Was::<str, Box<str>>::SCHEMA, str::SCHEMA);
        assert_eq!(Was::<str, Box<str>>::SHAPE, str::SHAPE);
        assert!(Was::<str, Box<str>>::read(b"\xff").is_err());
        assert_eq!(&**Was::<str, Box<str>>::read(b"bolt").unwrap().get().unwrap(), "bolt");
        assert_eq!(Was::<str, Box<str>>::with_bytes("bolt", <[u8]>::to_vec).unwrap(), b"bolt");
    }
}
