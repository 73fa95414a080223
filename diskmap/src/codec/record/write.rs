//! Writing the parts of a record.
//!
//! It knows parts only by their [`Shape`] and their codec. The invariant: what [`Measure`] adds up is enough for [`Writer`],
//! which puts the parts where [`Layout`] says and leaves no byte of what it took unwritten.

use super::{END_BYTES, Layout};
use crate::{
    codec::{Encode, MAX_LEN, Shape, copy_into, overrun, too_large},
    error::Result,
};

/// Adds up how many bytes a record can take.
#[derive(Debug)]
pub struct Measure {
    pub(super) len: usize,
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
    pub(super) out: &'a mut [u8],
    /// Where the next fixed part goes.
    fixed: usize,
    /// Where the next end offset goes.
    end: usize,
    /// Where the bytes written so far end: the next variable part begins at or after it.
    pub(super) tail: usize,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codec::DiskValue, error::Error};

    #[test]
    fn writer_refuses_a_short_buffer() {
        let layout = Layout::of(&[<u32 as DiskValue>::SHAPE, <str as DiskValue>::SHAPE]);
        assert!(matches!(Writer::new(layout, &mut [0; 3]), Err(Error::Encode { .. })));
        let mut out = [0; 6];
        let mut writer = Writer::new(layout, &mut out).unwrap();
        writer.put::<u32, u32>(&1).unwrap();
        assert!(matches!(writer.put::<str, str>("abc"), Err(Error::Encode { .. })));
    }
}
