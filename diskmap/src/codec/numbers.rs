//! `Vec` of numbers (all but `u8`, which is [bytes](super::Bytes)): one number after the other, up to the end.
//!
//! It knows nothing of elements that are not plain numbers. The invariant: the length is a multiple of the number's
//! size; records align it so that [`Numbers::as_aligned`] works, but nothing here relies on that.

use std::{fmt, iter::FusedIterator, marker::PhantomData, slice::ChunksExact};

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, NativeType, Schema, Shape, copy_into};
use crate::error::Result;

mod sealed {
    pub trait Sealed {}
}

/// The numbers that `Vec` can hold as a map side: all of fixed width but `u8`.
pub trait Number: NativeType + for<'a> DiskValue<View<'a> = Self> + sealed::Sealed {}

macro_rules! number {
    ($($type:ident),+) => {$(
        impl sealed::Sealed for $type {}
        impl Number for $type {}
    )+};
}

number!(u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

/// Stored numbers, read where they lie: the view of `Vec<T>`.
///
/// # Examples
///
/// ```
/// use diskmap::codec::DiskValue;
///
/// let numbers = Vec::<u16>::read(&[1, 0, 2, 0]).unwrap();
/// assert_eq!(numbers.len(), 2);
/// assert_eq!(numbers.get(1), Some(2));
/// assert_eq!(numbers.iter().sum::<u16>(), 3);
/// assert_eq!(numbers, [1, 2]);
/// ```
pub struct Numbers<'a, T> {
    /// A whole number of `T`s.
    bytes: &'a [u8],
    marker: PhantomData<&'a [T]>,
}

impl<'a, T: Number> Numbers<'a, T> {
    /// How many numbers there are.
    #[inline]
    pub const fn len(self) -> usize {
        self.bytes.len() / size_of::<T>()
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The number at `index`, if there are that many.
    #[inline]
    pub fn get(self, index: usize) -> Option<T> {
        let start = index.checked_mul(size_of::<T>())?;
        let bytes = self.bytes.get(start..)?.get(..size_of::<T>())?;
        Some(bytemuck::pod_read_unaligned(bytes))
    }

    /// The numbers in order.
    #[inline]
    pub fn iter(self) -> NumbersIter<'a, T> {
        NumbersIter { chunks: self.bytes.chunks_exact(size_of::<T>()), marker: PhantomData }
    }

    /// The numbers as a slice, if they lie at a multiple of `T`'s alignment. In a map they do.
    #[inline]
    pub fn as_aligned(self) -> Option<&'a [T]> {
        bytemuck::try_cast_slice(self.bytes).ok()
    }

    /// The little-endian bytes of all numbers.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// A copy of the numbers.
    #[inline]
    pub fn to_vec(self) -> Vec<T> {
        self.iter().collect()
    }
}

impl<T> Clone for Numbers<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Numbers<'_, T> {}

impl<T: Number + fmt::Debug> fmt::Debug for Numbers<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Number + PartialEq> PartialEq for Numbers<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Number + Eq> Eq for Numbers<'_, T> {}

impl<T: Number + PartialEq> PartialEq<[T]> for Numbers<'_, T> {
    fn eq(&self, other: &[T]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl<T: Number + PartialEq, const N: usize> PartialEq<[T; N]> for Numbers<'_, T> {
    fn eq(&self, other: &[T; N]) -> bool {
        *self == other[..]
    }
}

impl<T: Number + PartialEq> PartialEq<Vec<T>> for Numbers<'_, T> {
    fn eq(&self, other: &Vec<T>) -> bool {
        *self == other[..]
    }
}

impl<'a, T: Number> IntoIterator for Numbers<'a, T> {
    type Item = T;
    type IntoIter = NumbersIter<'a, T>;

    #[inline]
    fn into_iter(self) -> NumbersIter<'a, T> {
        self.iter()
    }
}

/// Stored numbers in order, by value.
#[derive(Clone, Debug)]
pub struct NumbersIter<'a, T> {
    chunks: ChunksExact<'a, u8>,
    marker: PhantomData<&'a [T]>,
}

impl<T: Number> Iterator for NumbersIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.chunks.next().map(bytemuck::pod_read_unaligned)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<T> {
        self.chunks.nth(n).map(bytemuck::pod_read_unaligned)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<T: Number> DoubleEndedIterator for NumbersIter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        self.chunks.next_back().map(bytemuck::pod_read_unaligned)
    }
}

impl<T: Number> ExactSizeIterator for NumbersIter<'_, T> {}

impl<T: Number> FusedIterator for NumbersIter<'_, T> {}

// SAFETY: `validate` accepts any whole number of numbers, whatever their bits and address; the view is a shared borrow
// that reads unaligned.
#[diagnostic::do_not_recommend]
unsafe impl<T: Number> DiskValue for Vec<T> {
    type View<'a> = Numbers<'a, T>;
    const SHAPE: Shape = Shape::Var { align: align_of::<T>() };
    const SCHEMA: Schema = Schema::vec(const { &T::SCHEMA });

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        if bytes.len().is_multiple_of(size_of::<T>()) {
            Ok(())
        } else {
            Err(Invalid::new("length is not a multiple of the number's size"))
        }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> Numbers<'_, T> {
        Numbers { bytes, marker: PhantomData }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Number + DiskKey> DiskKey for Vec<T> {}

impl<T: Number> IntoOwned for Vec<T> {
    type Owned = Vec<T>;

    #[inline]
    fn into_owned(view: Numbers<'_, T>) -> Result<Vec<T>> {
        Ok(view.to_vec())
    }
}

macro_rules! takes {
    ($([$($generics:tt)*] $query:ty, $q:ident => $bytes:expr;)+) => {$(
        impl<T: Number, $($generics)*> Encode<$query> for Vec<T> {
            #[inline]
            fn encoded_len($q: &$query) -> Result<usize> {
                Ok($q.len() * size_of::<T>())
            }

            #[inline]
            fn encode_into($q: &$query, out: &mut [u8]) -> Result<usize> {
                copy_into($bytes, out)
            }

            #[inline]
            fn with_bytes<R>($q: &$query, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                Ok(f($bytes))
            }
        }
    )+};
}

takes! {
    [] [T], q => bytemuck::cast_slice(q);
    [] Vec<T>, q => bytemuck::cast_slice(q);
    [] Box<[T]>, q => bytemuck::cast_slice(q);
    [const N: usize] [T; N], q => bytemuck::cast_slice(q);
    [] Numbers<'_, T>, q => q.as_bytes();
}

#[diagnostic::do_not_recommend]
impl<T: Number, Q: ?Sized> Encode<&Q> for Vec<T>
where
    Vec<T>: Encode<Q>,
{
    #[inline]
    fn encoded_len(q: &&Q) -> Result<usize> {
        <Vec<T> as Encode<Q>>::encoded_len(*q)
    }

    #[inline]
    fn encode_into(q: &&Q, out: &mut [u8]) -> Result<usize> {
        <Vec<T> as Encode<Q>>::encode_into(*q, out)
    }

    #[inline]
    fn with_bytes<R>(q: &&Q, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        <Vec<T> as Encode<Q>>::with_bytes(*q, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lie_little_endian_up_to_the_end() {
        let bytes = Vec::<u16>::with_bytes(&[1, 0x0302], <[u8]>::to_vec).unwrap();
        assert_eq!(bytes, [1, 0, 2, 3]);
        assert!(Vec::<u16>::read(&[0; 3]).is_err());
        assert!(Vec::<u16>::read(&[]).unwrap().is_empty());
    }

    #[test]
    fn read_aligned_and_not() {
        let words = [0x0201_u16, 0x0403, 0x0605];
        let bytes = bytemuck::bytes_of(&words);
        let aligned = Vec::<u16>::read(&bytes[..4]).unwrap();
        assert_eq!(aligned.as_aligned(), Some(&words[..2]));
        let odd = Vec::<u16>::read(&bytes[1..5]).unwrap();
        assert_eq!(odd.as_aligned(), None);
        assert_eq!(odd, [0x0302, 0x0504]);
        assert_eq!(odd.iter().rev().collect::<Vec<_>>(), [0x0504, 0x0302]);
        assert_eq!(odd.get(2), None);
        assert_eq!(odd.get(usize::MAX), None);
        assert_eq!(Vec::<u16>::into_owned(odd).unwrap(), [0x0302, 0x0504]);
    }

    #[test]
    fn a_view_is_a_query() {
        let view = Vec::<f32>::read(&[0, 0, 0x80, 0x3f]).unwrap();
        assert_eq!(view, [1.0]);
        assert_eq!(Vec::<f32>::with_bytes(&view, <[u8]>::to_vec).unwrap(), view.as_bytes());
    }
}
