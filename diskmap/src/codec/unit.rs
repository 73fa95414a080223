//! `()`: a side that holds nothing, which makes a map a set.
//!
//! It knows nothing but itself. The invariant: its encoding is empty.

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape};
use crate::error::Result;

// SAFETY: accepts only the empty slice, the shape's exact length; the view holds nothing and borrows nothing.
unsafe impl DiskValue for () {
    type View<'a> = ();
    const SHAPE: Shape = Shape::Fixed { size: 0 };
    const SCHEMA: Schema = Schema::UNIT;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        if bytes.is_empty() { Ok(()) } else { Err(Invalid::new("the empty value has bytes")) }
    }

    #[inline]
    unsafe fn view(_: &[u8]) {}
}

impl DiskKey for () {}

impl Encode<()> for () {
    #[inline]
    fn encoded_len((): &()) -> Result<usize> {
        Ok(0)
    }

    #[inline]
    fn encode_into((): &(), _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    #[inline(always)]
    fn with_bytes<R>((): &(), f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        Ok(f(&[]))
    }
}

impl IntoOwned for () {
    type Owned = ();

    #[inline]
    fn into_owned((): ()) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_bytes() {
        assert_eq!(<()>::read(&[]), Ok(()));
        assert!(<()>::read(&[0]).is_err());
        assert_eq!(<()>::with_bytes(&(), <[u8]>::len).unwrap(), 0);
    }
}
