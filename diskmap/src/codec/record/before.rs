//! Records of an earlier version, on their way into a later one that has the same parts and more.
//!
//! It knows parts as bytes. The invariant: nothing is believed of the bytes; each part is found and checked to lie inside
//! them when it is taken.

use std::{fmt, marker::PhantomData};

use super::{Checker, Layout};
use crate::{
    codec::{Invalid, Shape},
    error::{Error, Result},
};

/// The bytes of a record as version `V` of its type wrote them: the view of such a version.
///
/// Derived types with fields that were added (`since`) are written from it.
pub struct Before<V> {
    bytes: Box<[u8]>,
    version: PhantomData<fn() -> V>,
}

impl<V> Before<V> {
    /// A copy of the bytes.
    pub fn copied(bytes: &[u8]) -> Before<V> {
        Before { bytes: bytes.into(), version: PhantomData }
    }

    /// Its parts, in order, in the layout that the version had.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if it is too short for that.
    pub fn parts(&self, layout: Layout) -> Result<Parts<'_>> {
        Checker::new(layout, &self.bytes).map(Parts).map_err(unreadable)
    }
}

impl<V> fmt::Debug for Before<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Before").field(&self.bytes).finish()
    }
}

/// The parts of a record of an earlier version.
#[derive(Debug)]
pub struct Parts<'a>(Checker<'a>);

impl<'a> Parts<'a> {
    /// The bytes of the next part, which has this shape.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] if they do not lie inside the record.
    pub fn take(&mut self, shape: Shape) -> Result<&'a [u8]> {
        self.0.part(shape).map_err(unreadable)
    }
}

#[cold]
fn unreadable(invalid: Invalid) -> Error {
    Error::Encode { what: format!("the record of an earlier version cannot be read: {invalid}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DiskValue;

    const THEN: Layout = Layout::of(&[u8::SHAPE, str::SHAPE, str::SHAPE]);

    #[test]
    fn parts_come_in_order() {
        let before: Before<()> = Before::copied(b"\x07\x07\0\0\0abcd");
        let mut parts = before.parts(THEN).unwrap();
        assert_eq!(parts.take(u8::SHAPE).unwrap(), [7]);
        assert_eq!((parts.take(str::SHAPE).unwrap(), parts.take(str::SHAPE).unwrap()), (&b"ab"[..], &b"cd"[..]));
    }

    #[test]
    fn damage_is_an_error() {
        assert!(Before::<()>::copied(b"\x07").parts(THEN).is_err());
        let before: Before<()> = Before::copied(b"\x07\xff\0\0\0abcd");
        let mut parts = before.parts(THEN).unwrap();
        assert!(parts.take(u8::SHAPE).is_ok());
        assert!(parts.take(str::SHAPE).is_err());
    }
}
