//! Bytes: `[u8]`, `Vec<u8>` and the marker [`Bytes`] are one codec under three names.
//!
//! It knows nothing of what the bytes mean. The invariant: the encoding is the bytes themselves, so every slice is
//! valid. (`[u8; N]` as a side is a fixed-size array, not this codec.)

use std::{borrow::Cow, rc::Rc, sync::Arc};

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, copy_into};
use crate::error::Result;

/// A side that stores any bytes; the view is `&[u8]`. `Vec<u8>` and `[u8]` do the same.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{Bytes, DiskValue};
///
/// assert_eq!(Bytes::read(b"\xff\0"), Ok(&[0xff, 0][..]));
/// ```
#[derive(Debug)]
pub enum Bytes {}

macro_rules! bytes {
    ($($codec:ty),+) => {$(
        // SAFETY: any bytes at any address are valid; the view is a shared borrow of them.
        unsafe impl DiskValue for $codec {
            type View<'a> = &'a [u8];
            const SHAPE: Shape = Shape::Var { align: 1 };
            const SCHEMA: Schema = Schema::BYTES;

            #[inline]
            fn validate(_: &[u8]) -> Result<(), Invalid> {
                Ok(())
            }

            #[inline]
            unsafe fn view(bytes: &[u8]) -> &[u8] {
                bytes
            }
        }

        impl DiskKey for $codec {}

        impl IntoOwned for $codec {
            type Owned = Vec<u8>;

            #[inline]
            fn into_owned(view: &[u8]) -> Result<Vec<u8>> {
                Ok(view.to_owned())
            }
        }

        takes!($codec: [] [u8], [] Vec<u8>, [const N: usize] [u8; N], [] Box<[u8]>);
        takes!($codec: [] Cow<'_, [u8]>, [] Rc<[u8]>, [] Arc<[u8]>);

        #[diagnostic::do_not_recommend]
        impl<Q: ?Sized> Encode<&Q> for $codec
        where
            $codec: Encode<Q>,
        {
            #[inline]
            fn encoded_len(q: &&Q) -> Result<usize> {
                <$codec as Encode<Q>>::encoded_len(*q)
            }

            #[inline]
            fn encode_into(q: &&Q, out: &mut [u8]) -> Result<usize> {
                <$codec as Encode<Q>>::encode_into(*q, out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &&Q, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                <$codec as Encode<Q>>::with_bytes(*q, f)
            }
        }
    )+};
}

macro_rules! takes {
    ($codec:ty: $([$($generics:tt)*] $query:ty),+) => {$(
        impl<$($generics)*> Encode<$query> for $codec {
            #[inline]
            fn encoded_len(q: &$query) -> Result<usize> {
                Ok(q.len())
            }

            #[inline]
            fn encode_into(q: &$query, out: &mut [u8]) -> Result<usize> {
                copy_into(q, out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &$query, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                Ok(f(q))
            }
        }
    )+};
}

bytes!([u8], Vec<u8>, Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Encode<Q> + ?Sized, Q: ?Sized>(q: &Q) -> Vec<u8> {
        T::with_bytes(q, <[u8]>::to_vec).unwrap()
    }

    #[test]
    fn takes_every_kind_of_bytes() {
        let given = b"\0\xffk";
        let same = [
            bytes::<[u8], [u8]>(given),
            bytes::<Vec<u8>, _>(given),
            bytes::<Bytes, _>(&given),
            bytes::<Bytes, _>(&given.to_vec()),
            bytes::<Bytes, Box<[u8]>>(&given[..].into()),
            bytes::<Bytes, Cow<'_, [u8]>>(&given[..].into()),
            bytes::<Bytes, Rc<[u8]>>(&given[..].into()),
            bytes::<Bytes, Arc<[u8]>>(&given[..].into()),
        ];
        assert!(same.iter().all(|bytes| bytes == given));
    }

    #[test]
    fn are_not_an_array_of_numbers() {
        assert_eq!(Bytes::SCHEMA, <[u8]>::SCHEMA);
        assert_ne!(Bytes::SCHEMA, <[u8; 3]>::SCHEMA);
        assert_eq!(<[u8; 3]>::SHAPE, Shape::Fixed { size: 3 });
    }
}
