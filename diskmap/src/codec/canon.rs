//! Floats that can be keys: one NaN, one zero.
//!
//! It knows nothing of plain floats' codec. The invariant: a value in memory or in bytes is always canonical, so that
//! equal values have equal bits.

use std::{cmp::Ordering, fmt, hash};

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, copy_into};
use crate::error::Result;

macro_rules! canon {
    ($canon:ident $float:ident $schema:ident $nan:literal) => {
        #[doc = concat!("An `", stringify!($float), "` that can be a key: all NaNs are one, `-0.0` is `0.0`.")]
        ///
        #[doc = concat!("The map side takes `", stringify!($float), "` as well; the order is total, with NaN last.")]
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use diskmap::codec::", stringify!($canon), ";")]
        ///
        #[doc = concat!("assert_eq!(", stringify!($canon), "::new(-0.0), ", stringify!($canon), "::new(0.0));")]
        #[doc = concat!("let nan = ", stringify!($canon), "::new(", stringify!($float), "::NAN);")]
        /// assert_eq!(nan, nan);
        /// ```
        #[derive(Clone, Copy, Default)]
        pub struct $canon($float);

        impl $canon {
            /// The canonical form of `value`.
            #[inline]
            pub const fn new(value: $float) -> $canon {
                if value.is_nan() {
                    $canon($float::from_bits($nan))
                } else if value == 0.0 {
                    $canon(0.0)
                } else {
                    $canon(value)
                }
            }

            /// The value.
            #[inline]
            pub const fn get(self) -> $float {
                self.0
            }
        }

        impl From<$float> for $canon {
            #[inline]
            fn from(value: $float) -> $canon {
                $canon::new(value)
            }
        }

        impl From<$canon> for $float {
            #[inline]
            fn from(value: $canon) -> $float {
                value.0
            }
        }

        impl PartialEq for $canon {
            #[inline]
            fn eq(&self, other: &$canon) -> bool {
                self.0.to_bits() == other.0.to_bits()
            }
        }

        impl Eq for $canon {}

        impl PartialOrd for $canon {
            #[inline]
            fn partial_cmp(&self, other: &$canon) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $canon {
            #[inline]
            fn cmp(&self, other: &$canon) -> Ordering {
                self.0.total_cmp(&other.0)
            }
        }

        impl hash::Hash for $canon {
            #[inline]
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.0.to_bits().hash(state);
            }
        }

        impl fmt::Debug for $canon {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $canon {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        // SAFETY: what `validate` accepts, `f32`/`f64` accepted at the same shape; their view is a copy.
        unsafe impl DiskValue for $canon {
            type View<'a> = $canon;
            const SHAPE: Shape = <$float as DiskValue>::SHAPE;
            const SCHEMA: Schema = Schema::$schema;

            #[inline]
            fn validate(bytes: &[u8]) -> Result<(), Invalid> {
                let value = <$float as DiskValue>::read(bytes)?;
                if $canon::new(value).0.to_bits() == value.to_bits() {
                    Ok(())
                } else {
                    Err(Invalid::new("float key is not canonical"))
                }
            }

            #[inline]
            unsafe fn view(bytes: &[u8]) -> $canon {
                // SAFETY: `validate` accepted the bytes, and with them the float's `validate`.
                $canon(unsafe { <$float as DiskValue>::view(bytes) })
            }
        }

        impl DiskKey for $canon {}

        canon!(@encode $canon: $float, |q: $float| $canon::new(q).0.to_le_bytes());
        canon!(@encode $canon: $canon, |q: $canon| q.0.to_le_bytes());

        impl IntoOwned for $canon {
            type Owned = $canon;

            #[inline]
            fn into_owned(view: $canon) -> Result<$canon> {
                Ok(view)
            }
        }
    };
    (@encode $canon:ident: $query:ident, $bytes:expr) => {
        impl Encode<$query> for $canon {
            #[inline]
            fn encoded_len(_: &$query) -> Result<usize> {
                Ok(size_of::<$query>())
            }

            #[inline]
            fn encode_into(q: &$query, out: &mut [u8]) -> Result<usize> {
                copy_into(&$bytes(*q), out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &$query, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                Ok(f(&$bytes(*q)))
            }
        }
    };
}

canon!(CanonF32 f32 CANON_F32 0x7fc0_0000);
canon!(CanonF64 f64 CANON_F64 0x7ff8_0000_0000_0000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let bytes = |value: f64| CanonF64::with_bytes(&value, <[u8]>::to_vec).unwrap();
        assert_eq!(bytes(-0.0), bytes(0.0));
        assert_eq!(bytes(-f64::NAN), bytes(f64::from_bits(0x7ff0_0000_0000_0001)));
        assert_ne!(bytes(1.0), bytes(-1.0));
        assert_eq!(CanonF64::read(&bytes(1.5)).unwrap().get(), 1.5);
    }

    #[test]
    fn other_forms_are_refused() {
        assert!(CanonF64::read(&(-0.0_f64).to_le_bytes()).is_err());
        assert!(CanonF32::read(&0xffc0_0000_u32.to_le_bytes()).is_err());
        assert!(CanonF32::read(&f32::INFINITY.to_le_bytes()).is_ok());
        assert!(CanonF32::read(&[0; 3]).is_err());
    }

    #[test]
    fn order_is_total() {
        let mut all = [f32::NAN, 1.0, f32::NEG_INFINITY, 0.0].map(CanonF32::new);
        all.sort();
        assert_eq!(all, [f32::NEG_INFINITY, 0.0, 1.0, f32::NAN].map(CanonF32::new));
    }
}
