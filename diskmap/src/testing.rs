//! Checks for the tests of those who write keys.
//!
//! It knows codecs, no maps. The invariant: what it asserts is what maps rely on, and a failure names the bytes.

use std::fmt::Debug;

use crate::codec::{DiskKey, Encode, IntoOwned};

/// Bytes at whose every bit [`assert_canonical`] looks.
const FLIPPED: usize = 256;

/// Asserts that the encoding of a key type is canonical, as far as two values can show it.
///
/// * The values are equal exactly when their bytes are.
/// * Each reads back as an equal value.
/// * No other bytes, one bit away from theirs, read back as a value with these bytes (the first 256 bytes are tried).
///
/// Maps compare keys by their bytes and never call `Eq` or `Hash`. Call this in a property test, with values that differ
/// in one place and with equal ones that were made differently. O(n²) in the length of the encoding.
///
/// # Panics
///
/// If one of these is not so; that is what it is for.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use diskmap::{DiskKey, DiskValue, testing::assert_canonical};
///
/// #[derive(Debug, PartialEq, DiskKey, DiskValue)]
/// struct Sku {
///     maker: u16,
///     part: String,
/// }
///
/// let bolt = Sku { maker: 7, part: "bolt".into() };
/// assert_canonical(&bolt, &Sku { maker: 7, part: "bolt".into() });
/// assert_canonical(&bolt, &Sku { maker: 7, part: "bolts".into() });
/// # }
/// ```
#[track_caller]
pub fn assert_canonical<K>(a: &K, b: &K)
where
    K: DiskKey + Encode<K> + IntoOwned<Owned = K> + PartialEq + Debug,
{
    let (bytes_a, bytes_b) = (encoded(a), encoded(b));
    assert_eq!(
        a == b,
        bytes_a == bytes_b,
        "equal values must have equal bytes, unequal ones unequal bytes: {a:?} is {bytes_a:?}, {b:?} is {bytes_b:?}"
    );
    for (value, bytes) in [(a, &bytes_a), (b, &bytes_b)] {
        match decoded::<K>(bytes) {
            Some(read) => assert!(read == *value, "{value:?} is {bytes:?}, which reads back as {read:?}"),
            None => panic!("{value:?} is {bytes:?}, which does not read back"),
        }
        assert_no_neighbour(value, bytes);
    }
}

#[track_caller]
fn assert_no_neighbour<K>(value: &K, bytes: &[u8])
where
    K: DiskKey + Encode<K> + IntoOwned<Owned = K> + PartialEq + Debug,
{
    let mut other = bytes.to_vec();
    for at in 0..bytes.len().min(FLIPPED) {
        for bit in 0..8 {
            other[at] ^= 1 << bit;
            if let Some(read) = decoded::<K>(&other) {
                assert!(read != *value, "{value:?} is {bytes:?}, but {other:?} reads back as the same");
                assert!(encoded(&read) == other, "{other:?} reads back as {read:?}, whose bytes are others");
            }
            other[at] ^= 1 << bit;
        }
    }
}

#[track_caller]
fn encoded<K: Encode<K> + Debug>(value: &K) -> Vec<u8> {
    match K::with_bytes(value, <[u8]>::to_vec) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{value:?} has no encoding: {error}"),
    }
}

/// The value that the bytes are, read at an address that suits any codec.
fn decoded<K: IntoOwned>(bytes: &[u8]) -> Option<K::Owned> {
    let mut aligned = vec![0_u128; bytes.len().div_ceil(16)];
    let room = &mut bytemuck::cast_slice_mut::<u128, u8>(&mut aligned)[..bytes.len()];
    room.copy_from_slice(bytes);
    K::read(room).ok().and_then(|view| K::into_owned(view).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{CanonF64, DiskValue, Invalid, Schema, Shape},
        error::Result,
    };

    #[test]
    fn built_in_keys_are_canonical() {
        assert_canonical(&7_u64, &8);
        assert_canonical(&(1_u8, "x".to_owned()), &(1, "y".to_owned()));
        assert_canonical(&Some(vec![1_u32]), &None);
        assert_canonical(&CanonF64::new(0.0), &CanonF64::new(-0.0));
        assert_canonical(&CanonF64::new(f64::NAN), &CanonF64::new(1.0));
    }

    /// Text that forgets case only when it is compared.
    #[derive(Clone, Debug)]
    struct Word(String);

    impl PartialEq for Word {
        fn eq(&self, other: &Word) -> bool {
            self.0.eq_ignore_ascii_case(&other.0)
        }
    }

    // SAFETY: `str` keeps all promises.
    unsafe impl DiskValue for Word {
        type View<'a> = &'a str;
        const SHAPE: Shape = <str as DiskValue>::SHAPE;
        const SCHEMA: Schema = Schema::STR;
        fn validate(bytes: &[u8]) -> Result<(), Invalid> {
            str::validate(bytes)
        }
        unsafe fn view(bytes: &[u8]) -> &str {
            // SAFETY: `validate` is that of `str`.
            unsafe { <str as DiskValue>::view(bytes) }
        }
    }

    impl DiskKey for Word {}

    impl Encode<Word> for Word {
        fn encoded_len(q: &Word) -> Result<usize> {
            str::encoded_len(&q.0)
        }
        fn encode_into(q: &Word, out: &mut [u8]) -> Result<usize> {
            str::encode_into(&q.0, out)
        }
    }

    impl IntoOwned for Word {
        type Owned = Word;
        fn into_owned(view: &str) -> Result<Word> {
            Ok(Word(view.to_owned()))
        }
    }

    #[test]
    #[should_panic(expected = "equal values must have equal bytes")]
    fn equality_that_bytes_do_not_share_is_found() {
        assert_canonical(&Word("a".into()), &Word("A".into()));
    }

    #[test]
    #[should_panic(expected = "reads back as the same")]
    fn bytes_of_a_second_form_are_found() {
        assert_canonical(&Word("a".into()), &Word("b".into()));
    }
}
