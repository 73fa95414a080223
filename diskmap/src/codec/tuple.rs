//! Tuples of one to eight codecs: a record of unnamed parts.
//!
//! It knows its parts only by their codec. The invariant: impls list the parts in the tuple's order everywhere.

use super::{
    DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape,
    record::{Checker, Layout, Measure, Viewer, Writer},
};
use crate::error::Result;

macro_rules! tuple {
    ($($part:ident $query:ident $at:tt),+) => {
        // SAFETY: `validate` checks every part where `view` finds it; the record's alignment keeps that of the parts. A
        // fixed tuple has fixed parts, whose views borrow nothing.
        unsafe impl<$($part: DiskValue),+> DiskValue for ($($part,)+) {
            type View<'a> = ($($part::View<'a>,)+);
            const SHAPE: Shape = Layout::of(&[$($part::SHAPE),+]).shape();
            const SCHEMA: Schema = Schema::tuple(const { &[$($part::SCHEMA),+] });

            #[inline]
            fn validate(bytes: &[u8]) -> Result<(), Invalid> {
                let mut checker = Checker::new(const { Layout::of(&[$($part::SHAPE),+]) }, bytes)?;
                $(checker.check::<$part>()?;)+
                Ok(())
            }

            #[inline]
            unsafe fn view(bytes: &[u8]) -> ($($part::View<'_>,)+) {
                let mut viewer = Viewer::new(const { Layout::of(&[$($part::SHAPE),+]) }, bytes);
                // SAFETY: `validate` checked these parts, in this order, with this layout in these bytes.
                unsafe { ($(viewer.view::<$part>(),)+) }
            }
        }

        impl<$($part: DiskKey),+> DiskKey for ($($part,)+) {}

        impl<$($part: Encode<$query>, $query),+> Encode<($($query,)+)> for ($($part,)+) {
            #[inline]
            fn encoded_len(q: &($($query,)+)) -> Result<usize> {
                let mut measure = Measure::new(const { Layout::of(&[$($part::SHAPE),+]) });
                $(measure.add::<$part, $query>(&q.$at)?;)+
                Ok(measure.finish())
            }

            #[inline]
            fn encode_into(q: &($($query,)+), out: &mut [u8]) -> Result<usize> {
                let mut writer = Writer::new(const { Layout::of(&[$($part::SHAPE),+]) }, out)?;
                $(writer.put::<$part, $query>(&q.$at)?;)+
                Ok(writer.finish())
            }
        }

        impl<$($part: IntoOwned),+> IntoOwned for ($($part,)+) {
            type Owned = ($($part::Owned,)+);

            #[inline]
            fn into_owned(view: ($($part::View<'_>,)+)) -> Result<($($part::Owned,)+)> {
                Ok(($($part::into_owned(view.$at)?,)+))
            }
        }
    };
}

tuple!(A QA 0);
tuple!(A QA 0, B QB 1);
tuple!(A QA 0, B QB 1, C QC 2);
tuple!(A QA 0, B QB 1, C QC 2, D QD 3);
tuple!(A QA 0, B QB 1, C QC 2, D QD 3, E QE 4);
tuple!(A QA 0, B QB 1, C QC 2, D QD 3, E QE 4, F QF 5);
tuple!(A QA 0, B QB 1, C QC 2, D QD 3, E QE 4, F QF 5, G QG 6);
tuple!(A QA 0, B QB 1, C QC 2, D QD 3, E QE 4, F QF 5, G QG 6, H QH 7);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Encode<Q>, Q>(q: &Q) -> Vec<u8> {
        T::with_bytes(q, <[u8]>::to_vec).unwrap()
    }

    #[test]
    fn fixed_parts_are_packed() {
        assert_eq!(<(u8, u32, bool)>::SHAPE, Shape::Fixed { size: 6 });
        assert_eq!(bytes::<(u8, u32, bool), _>(&(1, 2, true)), [1, 2, 0, 0, 0, 1]);
        assert_eq!(<(u8, u32, bool)>::read(&[1, 2, 0, 0, 0, 1]), Ok((1, 2, true)));
        assert!(<(u8, u32, bool)>::read(&[1, 2, 0, 0, 0, 2]).is_err());
        assert!(<(u8, u32, bool)>::read(&[1, 2, 0, 0, 0]).is_err());
    }

    #[test]
    fn fixed_parts_come_first_then_ends_then_tails() {
        type Mixed = (String, u16, Vec<u8>, u8, String);
        let expected = b"\x02\x01\x09\x0d\0\0\0\x0e\0\0\0ab\xffc";
        assert_eq!(bytes::<Mixed, _>(&("ab", 0x0102, b"\xff", 9, "c")), expected);
        assert_eq!(Mixed::read(expected), Ok(("ab", 0x0102, &b"\xff"[..], 9, "c")));
        assert_eq!(
            Mixed::into_owned(("ab", 1, b"\xff", 9, "c")).unwrap(),
            ("ab".to_owned(), 1, vec![0xff], 9, "c".to_owned())
        );
    }

    #[test]
    fn tails_are_aligned_and_gaps_zeroed() {
        type Gaps = (u8, Vec<u32>, Vec<u64>);
        assert_eq!(Gaps::SHAPE, Shape::Var { align: 8 });
        let mut out = [0xEE; 32];
        let len = Gaps::encode_into(&(7, &[1_u32], &[2_u64]), &mut out).unwrap();
        let expected = [7, 12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(out[..len], expected);
        assert_eq!(Gaps::encoded_len(&(7, &[1_u32], &[2_u64])).unwrap(), len);
        assert!(Gaps::read(&expected).is_ok());
        for gap in [5, 6, 7, 12, 15] {
            let mut rotten = expected;
            rotten[gap] = 1;
            assert!(Gaps::read(&rotten).is_err());
        }
    }

    #[test]
    fn an_empty_aligned_tail_keeps_its_gap() {
        type Tail = (u8, Vec<u64>);
        assert_eq!(bytes::<Tail, _>(&(7, &[])), [7, 0, 0, 0, 0, 0, 0, 0]);
        assert!(Tail::read(&[7]).is_err());
        assert!(Tail::read(&[7, 0, 0, 0, 0, 0, 0, 0]).is_ok());
    }

    #[test]
    fn references_are_queries() {
        let name = String::from("bolt");
        assert_eq!(bytes::<(u32, String), _>(&(1, &name)), bytes::<(u32, String), _>(&(1, "bolt")));
        assert_eq!(bytes::<(u32, Vec<u8>), _>(&(1, b"k")), [1, 0, 0, 0, b'k']);
        assert_eq!(bytes::<((u8, String), u8), _>(&((1, "x"), 2)), [2, 1, b'x']);
    }
}
