//! Reading the parts of a record: checked once, then viewed.
//!
//! It knows parts only by their [`Shape`] and their codec. The invariant: [`Viewer`] takes the very ranges that [`Checker`]
//! found to lie inside the bytes, and a gap that is not zero is refused.

use super::{END_BYTES, Layout};
use crate::{
    codec::{DiskValue, Invalid, Shape},
    error::Result,
};

/// Checks the parts of a record, in order. When every part was accepted, so is the record.
#[derive(Debug)]
pub struct Checker<'a> {
    bytes: &'a [u8],
    fixed: usize,
    end: usize,
    tail: usize,
    vars: usize,
}

impl<'a> Checker<'a> {
    /// Checks the length of the head (of everything, for a fixed record).
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `bytes` cannot hold the record.
    #[inline]
    pub fn new(layout: Layout, bytes: &'a [u8]) -> Result<Checker<'a>, Invalid> {
        if bytes.len() < layout.head || (layout.vars == 0 && bytes.len() != layout.head) {
            return Err(Invalid::new("record has the wrong length"));
        }
        Ok(Checker { bytes, fixed: 0, end: layout.fixed, tail: layout.head, vars: layout.vars })
    }

    /// Checks where the next part lies, that the gap before it is zero, and the part itself.
    ///
    /// # Errors
    ///
    /// [`Invalid`] with the first fault.
    #[inline]
    pub fn check<T: DiskValue + ?Sized>(&mut self) -> Result<(), Invalid> {
        T::validate(self.part(T::SHAPE)?)
    }

    /// The bytes of the next part, unchecked themselves.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if they do not lie inside the record or follow a gap that is not zero.
    #[inline]
    pub fn part(&mut self, shape: Shape) -> Result<&'a [u8], Invalid> {
        match shape {
            Shape::Fixed { size } => {
                let start = self.fixed;
                self.fixed += size;
                self.bytes.get(start..self.fixed).ok_or(Invalid::new("record has the wrong length"))
            }
            Shape::Var { align } => self.var_part(align),
        }
    }

    #[inline]
    fn var_part(&mut self, align: usize) -> Result<&'a [u8], Invalid> {
        let start = self.tail.next_multiple_of(align);
        let end = if self.vars > 1 { self.next_end()? } else { self.bytes.len() };
        self.vars = self.vars.saturating_sub(1);
        let (Some(gap), Some(part)) = (self.bytes.get(self.tail..start), self.bytes.get(start..end)) else {
            return Err(Invalid::new("end offset lies outside its record"));
        };
        if gap.iter().any(|&byte| byte != 0) {
            return Err(Invalid::new("gap between the parts of a record is not zero"));
        }
        self.tail = end;
        Ok(part)
    }

    #[inline]
    fn next_end(&mut self) -> Result<usize, Invalid> {
        let stored = self.bytes.get(self.end..).and_then(|rest| rest.first_chunk::<END_BYTES>());
        let Some(stored) = stored else { return Err(Invalid::new("record is shorter than its end offsets")) };
        self.end += END_BYTES;
        Ok(u32::from_le_bytes(*stored) as usize)
    }
}

/// Reads the parts of a checked record, in order.
#[derive(Debug)]
pub struct Viewer<'a> {
    bytes: &'a [u8],
    fixed: usize,
    end: usize,
    tail: usize,
    vars: usize,
}

impl<'a> Viewer<'a> {
    /// A record that a [`Checker`] accepted.
    #[inline]
    pub const fn new(layout: Layout, bytes: &'a [u8]) -> Viewer<'a> {
        Viewer { bytes, fixed: 0, end: layout.fixed, tail: layout.head, vars: layout.vars }
    }

    /// The view of the next part.
    ///
    /// # Safety
    ///
    /// A [`Checker`] of the same layout accepted the bytes, which have not changed and do not change during `'a`, with
    /// the same parts in the same order up to this one.
    #[inline]
    pub unsafe fn view<T: DiskValue + ?Sized>(&mut self) -> T::View<'a> {
        // SAFETY: the caller's promise, handed on.
        let part = unsafe { self.part(T::SHAPE) };
        // SAFETY: the checker called `T::validate` on exactly these bytes, at the same alignment, and got `Ok`.
        unsafe { T::view(part) }
    }

    /// The bytes of the next part.
    ///
    /// # Safety
    ///
    /// As for [`view`](Viewer::view).
    #[inline]
    pub unsafe fn part(&mut self, shape: Shape) -> &'a [u8] {
        let (start, end) = match shape {
            Shape::Fixed { size } => (self.fixed, self.fixed + size),
            Shape::Var { align } => {
                // SAFETY: the caller's promise, handed on.
                let end = if self.vars > 1 { unsafe { self.next_end() } } else { self.bytes.len() };
                (self.tail.next_multiple_of(align), end)
            }
        };
        match shape {
            Shape::Fixed { .. } => self.fixed = end,
            Shape::Var { .. } => {
                self.tail = end;
                self.vars = self.vars.saturating_sub(1);
            }
        }
        debug_assert!(start <= end && end <= self.bytes.len());
        // SAFETY: the checker computed the same range from the same bytes and found it inside them.
        unsafe { self.bytes.get_unchecked(start..end) }
    }

    /// # Safety
    ///
    /// As for [`view`](Viewer::view).
    #[inline]
    unsafe fn next_end(&mut self) -> usize {
        debug_assert!(self.end + END_BYTES <= self.bytes.len());
        // SAFETY: the checker read an end offset at the same place, so four bytes are there; they are read unaligned.
        let stored = unsafe { self.bytes.as_ptr().add(self.end).cast::<u32>().read_unaligned() };
        self.end += END_BYTES;
        u32::from_le(stored) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checker_survives_more_parts_than_the_layout_has() {
        let layout = Layout::of(&[<u8 as DiskValue>::SHAPE]);
        let mut checker = Checker::new(layout, &[1]).unwrap();
        assert!(checker.check::<u8>().is_ok());
        assert!(checker.check::<u64>().is_err());
        assert!(checker.check::<str>().is_ok());
    }
}
