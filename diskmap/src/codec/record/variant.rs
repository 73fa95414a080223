//! Enums: a discriminant as the first fixed part of a record whose other parts depend on it.
//!
//! It knows variants only by their layouts. The invariant: an enum whose variants are all fixed is fixed, of the largest
//! one's size, and what a smaller variant leaves is zero.

use super::{Checker, Layout, Measure, Writer};
use crate::{
    codec::{DiskValue, Invalid, Shape, overrun},
    error::Result,
};

impl Layout {
    /// The shape of an enum whose variants have these layouts, each with the discriminant in front.
    pub const fn one_of(variants: &[Layout]) -> Shape {
        let (mut size, mut align, mut fixed) = (0, 1, true);
        let mut i = 0;
        while i < variants.len() {
            let Layout { head, vars, align: wanted, .. } = variants[i];
            if head > size {
                size = head;
            }
            if wanted > align {
                align = wanted;
            }
            fixed = fixed && vars == 0;
            i += 1;
        }
        if fixed { Shape::Fixed { size } } else { Shape::Var { align } }
    }
}

/// The discriminant at the front of an enum's bytes.
///
/// # Errors
///
/// [`Invalid`] if they are too short.
#[inline]
pub fn tag<T>(bytes: &[u8]) -> Result<T, Invalid>
where
    T: for<'a> DiskValue<View<'a> = T>,
{
    match bytes.get(..size_of::<T>()) {
        Some(front) => T::read(front),
        None => Err(Invalid::new("enum is shorter than its discriminant")),
    }
}

impl Measure {
    /// The length in bytes of a variant of an enum of this shape.
    #[inline]
    pub const fn finish_variant(self, of: Shape) -> usize {
        match of {
            Shape::Fixed { size } => size,
            Shape::Var { .. } => self.len,
        }
    }
}

impl Writer<'_> {
    /// Zeroes what the variant leaves of an enum of this shape; how many bytes that took in all.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode) if that is more than there are.
    #[inline]
    pub fn finish_variant(self, of: Shape) -> Result<usize> {
        let Shape::Fixed { size } = of else { return Ok(self.tail) };
        let room = self.out.len();
        let Some(rest) = self.out.get_mut(self.tail..size) else { return Err(overrun(size, room)) };
        rest.fill(0);
        Ok(size)
    }
}

impl<'a> Checker<'a> {
    /// A variant of this layout in an enum of this shape: checks the length, and that what the variant leaves is zero.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if not.
    #[inline]
    pub fn variant(layout: Layout, of: Shape, bytes: &'a [u8]) -> Result<Checker<'a>, Invalid> {
        let Shape::Fixed { size } = of else { return Checker::new(layout, bytes) };
        let (Some(own), Some(rest)) = (bytes.get(..layout.head), bytes.get(layout.head..)) else {
            return Err(Invalid::new("enum has the wrong length"));
        };
        if bytes.len() != size || rest.iter().any(|&byte| byte != 0) {
            return Err(Invalid::new("enum has the wrong length, or bytes after its variant"));
        }
        Checker::new(layout, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Layout = Layout::of(&[u8::SHAPE]);
    const LARGE: Layout = Layout::of(&[u8::SHAPE, u32::SHAPE]);
    const OPEN: Layout = Layout::of(&[u8::SHAPE, <Vec<u64>>::SHAPE]);

    #[test]
    fn fixed_variants_make_a_fixed_enum() {
        assert_eq!(Layout::one_of(&[SMALL, LARGE]), Shape::Fixed { size: 5 });
        assert_eq!(Layout::one_of(&[SMALL, LARGE, OPEN]), Shape::Var { align: 8 });
    }

    #[test]
    fn a_small_variant_is_padded_with_zeros() {
        let of = Layout::one_of(&[SMALL, LARGE]);
        let mut out = [0xEE; 6];
        let mut writer = Writer::new(SMALL, &mut out).unwrap();
        writer.put::<u8, u8>(&1).unwrap();
        assert_eq!(writer.finish_variant(of).unwrap(), 5);
        assert_eq!(out, [1, 0, 0, 0, 0, 0xEE]);
        assert_eq!(Measure::new(SMALL).finish_variant(of), 5);
        assert!(Checker::variant(SMALL, of, &out[..5]).is_ok());
        assert!(Checker::variant(SMALL, of, &out).is_err());
        assert!(Checker::variant(SMALL, of, &out[..4]).is_err());
        assert!(Checker::variant(SMALL, of, &[1, 0, 0, 0, 9]).is_err());
        assert!(Checker::variant(LARGE, of, &[]).is_err());
    }

    #[test]
    fn padding_needs_room() {
        let mut out = [0; 4];
        let mut writer = Writer::new(SMALL, &mut out).unwrap();
        writer.put::<u8, u8>(&1).unwrap();
        assert!(writer.finish_variant(Shape::Fixed { size: 5 }).is_err());
    }

    #[test]
    fn discriminants_are_read_from_the_front() {
        assert_eq!(tag::<u16>(&[1, 2, 3]), Ok(0x0201));
        assert!(tag::<u32>(&[1, 2, 3]).is_err());
    }
}
