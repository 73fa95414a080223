//! Byte equality is key equality, for every shape that can be a key.

use diskmap::{DiskKey, DiskValue, Encode, IntoOwned, testing::assert_canonical};
use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::shapes::*;

fn holds<K>(a: &K, b: &K) -> TestCaseResult
where
    K: Sample + DiskKey + Encode<K> + IntoOwned<Owned = K>,
    K: for<'x> Encode<&'x K> + for<'x> Encode<<K as DiskValue>::View<'x>>,
{
    assert_canonical(a, b);
    assert_canonical(a, &a.clone());
    for value in [a, b] {
        let bytes = K::with_bytes(value, <[u8]>::to_vec)?;
        let again = K::with_bytes(value, |bytes| -> diskmap::Result<Vec<u8>> {
            let view = K::read(bytes).expect("what was encoded reads back");
            <K as Encode<K::View<'_>>>::with_bytes(&view, <[u8]>::to_vec)
        })??;
        prop_assert_eq!(&bytes, &again, "the view of {:?} is encoded otherwise", value);
        prop_assert_eq!(&bytes, &<K as Encode<&K>>::with_bytes(&value, <[u8]>::to_vec)?);
        let mut exact = vec![0xEE_u8; K::encoded_len(value)? + 16];
        let written = K::encode_into(value, &mut exact[..])?;
        prop_assert_eq!(&bytes[..], &exact[..written]);
    }
    Ok(())
}

macro_rules! canonical {
    ($($name:ident: $type:ty),+) => {
        proptest! {
            $(#[test]
            fn $name(a in <$type>::any(), b in <$type>::any()) {
                holds::<$type>(&a, &b)?;
            })+
        }
    };
}

each_key!(canonical);
