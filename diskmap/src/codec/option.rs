//! `Option<T>` of any codec: a tag byte, then the payload.
//!
//! It knows its payload only by its codec. The invariant: `Some` is the record of a `u8` 1 and the payload; `None` is
//! the tag 0 alone, filled with zeros to the size when the payload is fixed.

use super::{
    DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, overrun,
    record::{Checker, Layout, Measure, Viewer, Writer},
};
use crate::error::Result;

const fn layout<T: DiskValue>() -> Layout {
    Layout::of(&[u8::SHAPE, T::SHAPE])
}

/// Bytes of `None`.
const fn none_size<T: DiskValue>() -> usize {
    match T::SHAPE {
        Shape::Fixed { size } => 1 + size,
        Shape::Var { .. } => 1,
    }
}

// SAFETY: `validate` checks the payload where `view` finds it, and only under tag 1; the record's alignment keeps the
// payload's. A fixed option has a fixed payload, whose view borrows nothing, and one length for both tags.
unsafe impl<T: DiskValue> DiskValue for Option<T> {
    type View<'a> = Option<T::View<'a>>;
    const SHAPE: Shape = layout::<T>().shape();
    const SCHEMA: Schema = Schema::option(const { &T::SCHEMA });

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        match bytes {
            [0, rest @ ..] if bytes.len() == none_size::<T>() => {
                if rest.iter().fold(0, |bits, byte| bits | byte) == 0 {
                    Ok(())
                } else {
                    Err(Invalid::new("absent option is not zeroed"))
                }
            }
            [1, ..] => {
                let mut checker = Checker::new(const { layout::<T>() }, bytes)?;
                checker.check::<u8>()?;
                checker.check::<T>()
            }
            _ => Err(Invalid::new("option has a wrong tag or length")),
        }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> Option<T::View<'_>> {
        let mut viewer = Viewer::new(const { layout::<T>() }, bytes);
        // SAFETY: `validate` accepted the bytes, so there is a tag; under tag 1 it checked both parts.
        unsafe { if viewer.view::<u8>() == 0 { None } else { Some(viewer.view::<T>()) } }
    }
}

impl<T: DiskKey> DiskKey for Option<T> {}

impl<T: Encode<Q>, Q> Encode<Option<Q>> for Option<T> {
    #[inline]
    fn encoded_len(q: &Option<Q>) -> Result<usize> {
        match q {
            None => Ok(const { none_size::<T>() }),
            Some(payload) => {
                let mut measure = Measure::new(const { layout::<T>() });
                measure.add::<T, Q>(payload)?;
                Ok(measure.finish())
            }
        }
    }

    #[inline]
    fn encode_into(q: &Option<Q>, out: &mut [u8]) -> Result<usize> {
        match q {
            None => {
                let (size, room) = (const { none_size::<T>() }, out.len());
                out.get_mut(..size).ok_or_else(|| overrun(size, room))?.fill(0);
                Ok(size)
            }
            Some(payload) => {
                let mut writer = Writer::new(const { layout::<T>() }, out)?;
                writer.put::<u8, u8>(&1)?;
                writer.put::<T, Q>(payload)?;
                Ok(writer.finish())
            }
        }
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    #[inline]
    fn into_owned(view: Option<T::View<'_>>) -> Result<Option<T::Owned>> {
        view.map(T::into_owned).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Encode<Q>, Q>(q: &Q) -> Vec<u8> {
        T::with_bytes(q, <[u8]>::to_vec).unwrap()
    }

    #[test]
    fn fixed_payload_has_one_length() {
        assert_eq!(<Option<u16>>::SHAPE, Shape::Fixed { size: 3 });
        assert_eq!(bytes::<Option<u16>, _>(&Some(0x0201)), [1, 1, 2]);
        assert_eq!(bytes::<Option<u16>, _>(&None), [0, 0, 0]);
        assert_eq!(<Option<u16>>::read(&[1, 1, 2]), Ok(Some(0x0201)));
        assert_eq!(<Option<u16>>::read(&[0, 0, 0]), Ok(None));
        for wrong in [&[0, 0, 1][..], &[2, 0, 0], &[0], &[], &[1], &[1, 0, 0, 0]] {
            assert!(<Option<u16>>::read(wrong).is_err());
        }
    }

    #[test]
    fn variable_payload_is_aligned() {
        assert_eq!(<Option<Vec<u32>>>::SHAPE, Shape::Var { align: 4 });
        assert_eq!(bytes::<Option<Vec<u32>>, _>(&Some([5])), [1, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(bytes::<Option<String>, _>(&Some("a")), b"\x01a");
        assert_eq!(bytes::<Option<String>, Option<&str>>(&None), [0]);
        assert_eq!(<Option<String>>::read(b"\x01"), Ok(Some("")));
        assert!(<Option<String>>::read(b"\0a").is_err());
        assert!(<Option<Vec<u32>>>::read(&[1, 0, 1, 0, 5, 0, 0, 0]).is_err());
    }

    #[test]
    fn nests() {
        type Nested = Option<Option<(u8, String)>>;
        assert_eq!(bytes::<Nested, _>(&Some(Some((7, "x")))), b"\x01\x01\x07x");
        assert_eq!(bytes::<Nested, Option<Option<(u8, &str)>>>(&Some(None)), [1, 0]);
        assert_eq!(Nested::read(&[1, 0]), Ok(Some(None)));
    }
}
