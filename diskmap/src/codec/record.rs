//! The layout of several parts in one run of bytes: tuples, arrays, `Option` and derived records.
//!
//! Fixed parts come first, little-endian and packed, in order; then a `u32` end offset (from the start of the record)
//! for each variable part but the last; then the variable parts, each at the next multiple of its alignment, with
//! zeroed gaps. A record is as aligned as its most aligned part, and fixed when all its parts are.
//!
//! It knows parts only by their [`Shape`] and their codec, never by name. The invariant: [`Layout`], and the order of
//! parts, are the same in [`Measure`], [`Writer`], [`Checker`] and [`Viewer`].
//!
//! # Examples
//!
//! ```
//! use diskmap::codec::{DiskValue, record::{Checker, Layout, Measure, Viewer, Writer}};
//!
//! const LAYOUT: Layout = Layout::of(&[<u16 as DiskValue>::SHAPE, <str as DiskValue>::SHAPE]);
//!
//! let mut measure = Measure::new(LAYOUT);
//! measure.add::<u16, u16>(&7)?;
//! measure.add::<str, str>("bolt")?;
//! let mut bytes = vec![0; measure.finish()];
//!
//! let mut writer = Writer::new(LAYOUT, &mut bytes)?;
//! writer.put::<u16, u16>(&7)?;
//! writer.put::<str, str>("bolt")?;
//! assert_eq!(writer.finish(), 6);
//! assert_eq!(bytes, b"\x07\0bolt");
//!
//! let mut checker = Checker::new(LAYOUT, &bytes).unwrap();
//! checker.check::<u16>().unwrap();
//! checker.check::<str>().unwrap();
//!
//! // SAFETY: a checker with the same layout and parts accepted the bytes.
//! let view = unsafe {
//!     let mut viewer = Viewer::new(LAYOUT, &bytes);
//!     (viewer.view::<u16>(), viewer.view::<str>())
//! };
//! assert_eq!(view, (7, "bolt"));
//! # Ok::<(), diskmap::Error>(())
//! ```

mod part;
mod variant;

use super::{DiskValue, Encode, Invalid, MAX_ALIGN, MAX_LEN, Shape, copy_into, overrun, too_large};
use crate::error::Result;

#[doc(hidden)]
pub use part::{KeyPart, NativePartOf, NotStored, PartFrom, PartOf, StoredKeyPart};
pub use variant::tag;

/// Bytes of one end offset.
const END_BYTES: usize = size_of::<u32>();

/// Where the parts of a record lie, as far as that is known without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of all fixed parts: where the end offsets begin.
    fixed: usize,
    /// Bytes before the first variable part: fixed parts and end offsets.
    head: usize,
    /// How many parts are variable.
    vars: usize,
    /// The largest alignment of a part.
    align: usize,
}

impl Layout {
    /// The layout of these parts, in this order.
    ///
    /// # Panics
    ///
    /// If an alignment is not a power of two up to 16; at compile time when used in a `const`.
    pub const fn of(parts: &[Shape]) -> Layout {
        let mut layout = Layout { fixed: 0, head: 0, vars: 0, align: 1 };
        let mut i = 0;
        while i < parts.len() {
            layout = layout.with(parts[i], 1);
            i += 1;
        }
        layout
    }

    /// The layout of `count` parts of one shape.
    ///
    /// # Panics
    ///
    /// As [`of`](Layout::of), and if the size of all parts exceeds `usize`.
    pub const fn repeat(part: Shape, count: usize) -> Layout {
        Layout { fixed: 0, head: 0, vars: 0, align: 1 }.with(part, count)
    }

    const fn with(self, part: Shape, count: usize) -> Layout {
        let Layout { mut fixed, mut vars, mut align, .. } = self;
        match part {
            Shape::Fixed { size } => fixed += size * count,
            Shape::Var { align: wanted } => {
                assert!(wanted.is_power_of_two() && wanted <= MAX_ALIGN, "an alignment is a power of two up to 16");
                vars += count;
                if count > 0 && wanted > align {
                    align = wanted;
                }
            }
        }
        let head = fixed + END_BYTES * vars.saturating_sub(1);
        Layout { fixed, head, vars, align }
    }

    /// The shape of the record as a whole.
    #[inline]
    pub const fn shape(self) -> Shape {
        if self.vars == 0 { Shape::Fixed { size: self.fixed } } else { Shape::Var { align: self.align } }
    }
}

/// Adds up how many bytes a record can take.
#[derive(Debug)]
pub struct Measure {
    len: usize,
}

impl Measure {
    /// Nothing but the head so far.
    #[inline]
    pub const fn new(layout: Layout) -> Measure {
        Measure { len: layout.head }
    }

    /// Adds the next part.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 4 GiB − 1, else those of the part's `encoded_len`.
    #[inline]
    pub fn add<T: Encode<Q> + ?Sized, Q: ?Sized>(&mut self, q: &Q) -> Result<()> {
        match T::SHAPE {
            Shape::Fixed { .. } => Ok(()),
            Shape::Var { align } => self.add_var(align, T::encoded_len(q)?),
        }
    }

    /// Adds the next part, encoded before.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`](crate::Error::TooLarge) beyond 4 GiB − 1.
    #[inline]
    pub fn add_bytes(&mut self, shape: Shape, part: &[u8]) -> Result<()> {
        match shape {
            Shape::Fixed { .. } => Ok(()),
            Shape::Var { align } => self.add_var(align, part.len()),
        }
    }

    #[inline]
    fn add_var(&mut self, align: usize, part: usize) -> Result<()> {
        let len = self.len.next_multiple_of(align).saturating_add(part);
        if len > MAX_LEN {
            return Err(too_large("entry", len));
        }
        self.len = len;
        Ok(())
    }

    /// The length in bytes.
    #[inline]
    pub const fn finish(self) -> usize {
        self.len
    }
}

/// Writes the parts of a record, in order.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    /// Where the next fixed part goes.
    fixed: usize,
    /// Where the next end offset goes.
    end: usize,
    /// Where the bytes written so far end: the next variable part begins at or after it.
    tail: usize,
    /// Variable parts not yet written.
    vars: usize,
}

impl<'a> Writer<'a> {
    /// A record at the front of `out`, which is aligned to the layout's shape.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode) if `out` is shorter than the head.
    #[inline]
    pub fn new(layout: Layout, out: &'a mut [u8]) -> Result<Writer<'a>> {
        if out.len() < layout.head {
            return Err(overrun(layout.head, out.len()));
        }
        Ok(Writer { out, fixed: 0, end: layout.fixed, tail: layout.head, vars: layout.vars })
    }

    /// Writes the next part.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode) if it does not fit or a fixed part does not fill its size; [`Error::TooLarge`](crate::Error::TooLarge) beyond
    /// 4 GiB − 1; else those of the part's `encode_into`.
    #[inline]
    pub fn put<T: Encode<Q> + ?Sized, Q: ?Sized>(&mut self, q: &Q) -> Result<()> {
        self.put_with(T::SHAPE, |out| T::encode_into(q, out))
    }

    /// Writes the next part, encoded before.
    ///
    /// # Errors
    ///
    /// As for [`put`](Writer::put).
    #[inline]
    pub fn put_bytes(&mut self, shape: Shape, part: &[u8]) -> Result<()> {
        self.put_with(shape, |out| copy_into(part, out))
    }

    #[inline]
    fn put_with(&mut self, shape: Shape, encode: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        match shape {
            Shape::Fixed { size } => self.put_fixed(size, encode),
            Shape::Var { align } => self.put_var(align, encode),
        }
    }

    #[inline]
    fn put_fixed(&mut self, size: usize, encode: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        let room = self.out.len();
        let Some(out) = self.out.get_mut(self.fixed..self.fixed + size) else {
            return Err(overrun(self.fixed + size, room));
        };
        let written = encode(out)?;
        if written != size {
            return Err(overrun(written, size));
        }
        self.fixed += size;
        Ok(())
    }

    #[inline]
    fn put_var(&mut self, align: usize, encode: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<()> {
        let room = self.out.len();
        let start = self.tail.next_multiple_of(align);
        let Some(gap) = self.out.get_mut(self.tail..start) else { return Err(overrun(start, room)) };
        gap.fill(0);
        let written = encode(&mut self.out[start..])?;
        if written > room - start {
            return Err(overrun(written, room - start));
        }
        self.tail = start + written;
        if self.vars > 1 {
            let end = u32::try_from(self.tail).map_err(|_| too_large("entry", self.tail))?;
            let Some(slot) = self.out.get_mut(self.end..self.end + END_BYTES) else {
                return Err(overrun(self.end + END_BYTES, room));
            };
            slot.copy_from_slice(&end.to_le_bytes());
            self.end += END_BYTES;
        }
        self.vars = self.vars.saturating_sub(1);
        Ok(())
    }

    /// How many bytes the record took.
    #[inline]
    pub fn finish(self) -> usize {
        self.tail
    }
}

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
    use crate::error::Error;

    const FIXED: Shape = Shape::Fixed { size: 3 };

    #[test]
    fn layout_counts_heads() {
        assert_eq!(Layout::of(&[]).shape(), Shape::Fixed { size: 0 });
        assert_eq!(Layout::of(&[FIXED, FIXED]).shape(), Shape::Fixed { size: 6 });
        assert_eq!(Layout::of(&[FIXED, Shape::Var { align: 1 }]).head, 3);
        let two = Layout::of(&[Shape::Var { align: 1 }, FIXED, Shape::Var { align: 8 }]);
        assert_eq!((two.fixed, two.head, two.vars), (3, 7, 2));
        assert_eq!(two.shape(), Shape::Var { align: 8 });
        assert_eq!(Layout::repeat(Shape::Var { align: 4 }, 3).head, 8);
        assert_eq!(Layout::repeat(Shape::Var { align: 4 }, 0).shape(), Shape::Fixed { size: 0 });
    }

    #[test]
    fn writer_refuses_a_short_buffer() {
        let layout = Layout::of(&[<u32 as DiskValue>::SHAPE, <str as DiskValue>::SHAPE]);
        assert!(matches!(Writer::new(layout, &mut [0; 3]), Err(Error::Encode { .. })));
        let mut out = [0; 6];
        let mut writer = Writer::new(layout, &mut out).unwrap();
        writer.put::<u32, u32>(&1).unwrap();
        assert!(matches!(writer.put::<str, str>("abc"), Err(Error::Encode { .. })));
    }

    #[test]
    fn checker_survives_more_parts_than_the_layout_has() {
        let layout = Layout::of(&[<u8 as DiskValue>::SHAPE]);
        let mut checker = Checker::new(layout, &[1]).unwrap();
        assert!(checker.check::<u8>().is_ok());
        assert!(checker.check::<u64>().is_err());
        assert!(checker.check::<str>().is_ok());
    }
}
