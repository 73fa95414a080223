//! `[T; N]` of any codec: a record of `N` equal parts.
//!
//! It knows its elements only by their codec. The invariant: an array of fixed elements is just these, packed.

use std::array;

use super::{
    DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape,
    record::{Checker, Layout, Measure, Viewer, Writer},
};
use crate::error::Result;

// SAFETY: `validate` checks every element where `view` finds it; the record's alignment keeps that of the elements. A
// fixed array has fixed elements (or none), whose views borrow nothing.
unsafe impl<T: DiskValue, const N: usize> DiskValue for [T; N] {
    type View<'a> = [T::View<'a>; N];
    const SHAPE: Shape = Layout::repeat(T::SHAPE, N).shape();
    const SCHEMA: Schema = Schema::array(const { &T::SCHEMA }, N);

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        let mut checker = Checker::new(const { Layout::repeat(T::SHAPE, N) }, bytes)?;
        match T::SHAPE {
            Shape::Fixed { size } if size > 0 => bytes.chunks_exact(size).try_for_each(T::validate),
            _ => (0..N).try_for_each(|_| checker.check::<T>()),
        }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> [T::View<'_>; N] {
        let mut viewer = Viewer::new(const { Layout::repeat(T::SHAPE, N) }, bytes);
        // SAFETY: `validate` checked `N` parts of this layout in these bytes.
        array::from_fn(|_| unsafe { viewer.view::<T>() })
    }
}

impl<T: DiskKey, const N: usize> DiskKey for [T; N] {}

impl<T: Encode<Q>, Q, const N: usize> Encode<[Q; N]> for [T; N] {
    #[inline]
    fn encoded_len(q: &[Q; N]) -> Result<usize> {
        let mut measure = Measure::new(const { Layout::repeat(T::SHAPE, N) });
        q.iter().try_for_each(|item| measure.add::<T, Q>(item))?;
        Ok(measure.finish())
    }

    #[inline]
    fn encode_into(q: &[Q; N], out: &mut [u8]) -> Result<usize> {
        let mut writer = Writer::new(const { Layout::repeat(T::SHAPE, N) }, out)?;
        q.iter().try_for_each(|item| writer.put::<T, Q>(item))?;
        Ok(writer.finish())
    }
}

impl<T: IntoOwned, const N: usize> IntoOwned for [T; N] {
    type Owned = [T::Owned; N];

    #[inline]
    fn into_owned(view: [T::View<'_>; N]) -> Result<[T::Owned; N]> {
        let mut failure = None;
        let items = view.map(|item| T::into_owned(item).map_err(|error| failure = Some(error)).ok());
        match failure {
            Some(error) => Err(error),
            None => Ok(items.map(|item| item.expect("an item is absent only after a failure"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Encode<Q>, Q>(q: &Q) -> Vec<u8> {
        T::with_bytes(q, <[u8]>::to_vec).unwrap()
    }

    #[test]
    fn fixed_elements_are_packed() {
        assert_eq!(<[u16; 3]>::SHAPE, Shape::Fixed { size: 6 });
        assert_eq!(bytes::<[u16; 3], _>(&[1, 2, 0x0403]), [1, 0, 2, 0, 3, 4]);
        assert_eq!(<[u16; 3]>::read(&[1, 0, 2, 0, 3, 4]), Ok([1, 2, 0x0403]));
        assert!(<[u16; 3]>::read(&[0; 5]).is_err());
        assert!(<[u16; 3]>::read(&[0; 7]).is_err());
        assert!(<[bool; 2]>::read(&[1, 2]).is_err());
    }

    #[test]
    fn variable_elements_have_end_offsets() {
        let expected = b"\x09\0\0\0\x0a\0\0\0ab\xc3\xa9";
        let items = ["a", "b", "é"];
        assert_eq!(bytes::<[String; 3], _>(&items), expected);
        assert_eq!(<[String; 3]>::read(expected), Ok(items));
        assert_eq!(<[String; 3]>::into_owned(items).unwrap(), items);
        assert!(<[String; 3]>::read(b"\x0a\0\0\0\x09\0\0\0ab\xc3\xa9").is_err());
        assert!(<[String; 3]>::read(b"\xff\xff\xff\xff\x0a\0\0\0ab").is_err());
        assert!(<[String; 3]>::read(b"\x08\0\0\0\x0b\0\0\0ab\xc3\xa9").is_err());
    }

    #[test]
    fn one_or_no_element() {
        assert_eq!(bytes::<[String; 1], _>(&["abc"]), b"abc");
        assert_eq!(<[String; 0]>::SHAPE, Shape::Fixed { size: 0 });
        assert_eq!(<[String; 0]>::read(b""), Ok([]));
        assert!(<[String; 0]>::read(b"a").is_err());
        assert_eq!(<[(); 3]>::read(b""), Ok([(); 3]));
    }
}
