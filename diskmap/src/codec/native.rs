//! Numbers, `bool` and `char` as plain fixed-size values, and [`Native`] for any type whose memory is its encoding.
//!
//! It knows nothing of composed values. The invariant: a number's bytes are little-endian and any bytes of the right
//! length are a number; `bool` and `char` are checked.

use std::marker::PhantomData;

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, copy_into};
use crate::error::Result;

/// Types whose memory is their encoding, for [`Native`].
///
/// # Safety
///
/// The bytes of a value in memory are its encoding as [`DiskValue`] (little-endian numbers, no padding), and
/// `Self::SHAPE` is [`Shape::Fixed`] with `size_of::<Self>()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not stored as it lies in memory",
    note = "if it is your own `#[repr(C)]` type without padding: `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]` with `#[diskmap(codec = native)]`",
    note = "built in are all numbers but `usize`/`isize`, and arrays of them"
)]
pub unsafe trait NativeType: bytemuck::Pod + DiskValue {}

// SAFETY: elements lie packed, in memory as in the array codec.
unsafe impl<T: NativeType, const N: usize> NativeType for [T; N] where [T; N]: bytemuck::Pod {}

/// A side that stores `T` as it lies in memory; the view is a copy.
///
/// `Native<u64>` has the schema and the bytes of `u64`, and also takes references: `Encode<&u64>`.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{DiskValue, Native};
///
/// assert_eq!(Native::<u64>::read(&7_u64.to_le_bytes()), Ok(7));
/// assert_eq!(Native::<u64>::SCHEMA, u64::SCHEMA);
/// ```
#[derive(Debug)]
pub struct Native<T>(PhantomData<T>);

// SAFETY: `validate` accepts only `size_of::<T>()` bytes, the shape's exact length; `T: Pod` makes any such bytes a `T`,
// which is copied out unaligned, borrows nothing and has no interior mutability.
unsafe impl<T: NativeType> DiskValue for Native<T> {
    type View<'a> = T;
    const SHAPE: Shape = Shape::Fixed { size: size_of::<T>() };
    const SCHEMA: Schema = T::SCHEMA;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        check_size::<T>(bytes)
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> T {
        // SAFETY: `validate` accepted the bytes, so they are `size_of::<T>()` of them, and `T: Pod`.
        unsafe { load(bytes) }
    }
}

impl<T: NativeType + DiskKey> DiskKey for Native<T> {}

impl<T: NativeType> Encode<T> for Native<T> {
    #[inline]
    fn encoded_len(_: &T) -> Result<usize> {
        Ok(size_of::<T>())
    }

    #[inline]
    fn encode_into(q: &T, out: &mut [u8]) -> Result<usize> {
        copy_into(bytemuck::bytes_of(q), out)
    }

    #[inline(always)]
    fn with_bytes<R>(q: &T, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        Ok(f(bytemuck::bytes_of(q)))
    }
}

#[diagnostic::do_not_recommend]
impl<T: NativeType> Encode<&T> for Native<T> {
    #[inline]
    fn encoded_len(_: &&T) -> Result<usize> {
        Ok(size_of::<T>())
    }

    #[inline]
    fn encode_into(q: &&T, out: &mut [u8]) -> Result<usize> {
        copy_into(bytemuck::bytes_of(*q), out)
    }

    #[inline(always)]
    fn with_bytes<R>(q: &&T, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        Ok(f(bytemuck::bytes_of(*q)))
    }
}

impl<T: NativeType> IntoOwned for Native<T> {
    type Owned = T;

    #[inline]
    fn into_owned(view: T) -> Result<T> {
        Ok(view)
    }
}

/// Reads a `T` from the front of `bytes`, aligned or not.
///
/// # Safety
///
/// `bytes` are at least `size_of::<T>()` long.
#[inline]
unsafe fn load<T: bytemuck::Pod>(bytes: &[u8]) -> T {
    debug_assert!(bytes.len() >= size_of::<T>());
    // SAFETY: the caller has that many bytes, any of which make a `T: Pod`; the read asks for no alignment.
    unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
}

#[inline]
fn check_size<T>(bytes: &[u8]) -> Result<(), Invalid> {
    if bytes.len() == size_of::<T>() { Ok(()) } else { Err(Invalid::new("fixed-size value has the wrong length")) }
}

/// `Encode` of exactly one type – so that literals and `parse` infer – and an owned form that is the view.
macro_rules! plain {
    ($($type:ty: $bytes:expr;)+) => {$(
        impl Encode<$type> for $type {
            #[inline]
            fn encoded_len(_: &$type) -> Result<usize> {
                Ok(size_of::<$type>())
            }

            #[inline]
            fn encode_into(q: &$type, out: &mut [u8]) -> Result<usize> {
                copy_into(&$bytes(*q), out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &$type, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                Ok(f(&$bytes(*q)))
            }
        }

        impl IntoOwned for $type {
            type Owned = $type;

            #[inline]
            fn into_owned(view: $type) -> Result<$type> {
                Ok(view)
            }
        }
    )+};
}

macro_rules! numbers {
    ($($type:ident $schema:ident),+) => {$(
        // SAFETY: `validate` accepts only the shape's exact length, at which any bytes are a number; the view is a
        // copy, read unaligned.
        unsafe impl DiskValue for $type {
            type View<'a> = $type;
            const SHAPE: Shape = Shape::Fixed { size: size_of::<$type>() };
            const SCHEMA: Schema = Schema::$schema;

            #[inline]
            fn validate(bytes: &[u8]) -> Result<(), Invalid> {
                check_size::<$type>(bytes)
            }

            #[inline]
            unsafe fn view(bytes: &[u8]) -> $type {
                // SAFETY: `validate` accepted the bytes, so there are `size_of` of them.
                $type::from_le_bytes(unsafe { load(bytes) })
            }
        }

        // SAFETY: memory is little-endian on all supported targets, and a number has no padding.
        unsafe impl NativeType for $type {}

        plain! { $type: $type::to_le_bytes; }
    )+};
}

macro_rules! keys {
    ($($type:ident),+) => {
        $(impl DiskKey for $type {})+
    };
}

numbers!(u8 U8, u16 U16, u32 U32, u64 U64, u128 U128, i8 I8, i16 I16, i32 I32, i64 I64, i128 I128, f32 F32, f64 F64);
keys!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, bool, char);
plain! {
    bool: |q| [u8::from(q)];
    char: |q| u32::from(q).to_le_bytes();
}

// SAFETY: `validate` accepts only one byte that is 0 or 1; the view is a copy.
unsafe impl DiskValue for bool {
    type View<'a> = bool;
    const SHAPE: Shape = Shape::Fixed { size: 1 };
    const SCHEMA: Schema = Schema::BOOL;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        match bytes {
            [0 | 1] => Ok(()),
            _ => Err(Invalid::new("bool is not one byte of 0 or 1")),
        }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> bool {
        // SAFETY: `validate` accepted the bytes, so there is one.
        unsafe { load::<u8>(bytes) != 0 }
    }
}

// SAFETY: `validate` accepts only four bytes that are a Unicode scalar value; the view is a copy, read unaligned.
unsafe impl DiskValue for char {
    type View<'a> = char;
    const SHAPE: Shape = Shape::Fixed { size: 4 };
    const SCHEMA: Schema = Schema::CHAR;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        let scalar = bytes.try_into().ok().and_then(|bytes| char::from_u32(u32::from_le_bytes(bytes)));
        if scalar.is_some() { Ok(()) } else { Err(Invalid::new("char is not a Unicode scalar value in four bytes")) }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> char {
        // SAFETY: `validate` accepted the bytes, so there are four, and they are a Unicode scalar value.
        unsafe { char::from_u32_unchecked(u32::from_le_bytes(load(bytes))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(u32::with_bytes(&0x0403_0201, <[u8]>::to_vec).unwrap(), [1, 2, 3, 4]);
        assert_eq!(u32::read(&[1, 2, 3, 4]), Ok(0x0403_0201));
        assert_eq!(Native::<u32>::read(&[1, 2, 3, 4]), Ok(0x0403_0201));
        assert_eq!(Native::<[u16; 2]>::read(&[1, 2, 3, 4]), Ok([0x0201, 0x0403]));
        assert_eq!(Native::<[u16; 2]>::SCHEMA, <[u16; 2]>::SCHEMA);
    }

    #[test]
    fn reads_at_any_address() {
        let bytes: Vec<u8> = (0..40).collect();
        for at in 0..16 {
            let expected = u128::from_le_bytes(bytes[at..at + 16].try_into().unwrap());
            assert_eq!(u128::read(&bytes[at..at + 16]), Ok(expected));
            assert_eq!(Native::<u128>::read(&bytes[at..at + 16]), Ok(expected));
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(u64::read(&[0; 7]).is_err());
        assert!(u64::read(&[0; 9]).is_err());
        assert!(Native::<f64>::read(&[]).is_err());
        assert!(char::read(&[0; 3]).is_err());
        assert!(bool::read(&[]).is_err());
    }

    #[test]
    fn bool_and_char_are_checked() {
        assert_eq!(bool::read(&[1]), Ok(true));
        assert!(bool::read(&[2]).is_err());
        assert!(char::read(&0xD800_u32.to_le_bytes()).is_err());
        assert!(char::read(&0x11_0000_u32.to_le_bytes()).is_err());
        assert_eq!(char::read(&0x10_FFFF_u32.to_le_bytes()), Ok('\u{10FFFF}'));
    }

    #[test]
    fn queries_infer() {
        fn bytes<T: Encode<Q>, Q>(q: &Q) -> Vec<u8> {
            T::with_bytes(q, <[u8]>::to_vec).unwrap()
        }
        assert_eq!(bytes::<u64, _>(&"42".parse().unwrap()), bytes::<u64, _>(&42));
        assert_eq!(bytes::<Native<u64>, _>(&42), bytes::<Native<u64>, _>(&&42));
        assert_eq!(bytes::<char, _>(&'\u{20ac}'), [0xac, 0x20, 0, 0]);
    }

    #[test]
    fn encoding_into_too_little_room_is_an_error() {
        assert!(u64::encode_into(&1, &mut [0; 7]).is_err());
        assert_eq!(u64::encode_into(&1, &mut [0xff; 9]).unwrap(), 8);
    }
}
