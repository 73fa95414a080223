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

mod before;
mod part;
mod read;
mod variant;
mod write;

use super::{MAX_ALIGN, Shape};

pub use before::{Before, Parts};
#[doc(hidden)]
pub use part::{KeyPart, NativePartOf, NotStored, PartFrom, PartOf, StoredKeyPart};
pub use read::{Checker, Viewer};
pub use variant::tag;
pub use write::{Measure, Writer};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
