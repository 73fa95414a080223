//! Text: `str`, `String` and the marker [`Str`] are one codec under three names.
//!
//! It knows nothing of bytes that are not UTF-8. The invariant: the encoding is the text itself, without length or
//! terminator.

use std::{borrow::Cow, rc::Rc, sync::Arc};

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, copy_into};
use crate::error::Result;

/// A side that stores text; the view is `&str`. `String` and `str` do the same.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{DiskValue, Str};
///
/// assert_eq!(Str::read("größe".as_bytes()), Ok("größe"));
/// assert!(Str::read(b"\xff").is_err());
/// ```
#[derive(Debug)]
pub enum Str {}

macro_rules! text {
    ($($codec:ty),+) => {$(
        // SAFETY: `validate` accepts UTF-8 only, whatever its address; the view is a shared borrow of it.
        unsafe impl DiskValue for $codec {
            type View<'a> = &'a str;
            const SHAPE: Shape = Shape::Var { align: 1 };
            const SCHEMA: Schema = Schema::STR;

            #[inline]
            fn validate(bytes: &[u8]) -> Result<(), Invalid> {
                match std::str::from_utf8(bytes) {
                    Ok(_) => Ok(()),
                    Err(_) => Err(Invalid::new("text is not UTF-8")),
                }
            }

            #[inline]
            unsafe fn view(bytes: &[u8]) -> &str {
                // SAFETY: `validate` accepted the bytes, so they are UTF-8.
                unsafe { std::str::from_utf8_unchecked(bytes) }
            }
        }

        impl DiskKey for $codec {}

        impl IntoOwned for $codec {
            type Owned = String;

            #[inline]
            fn into_owned(view: &str) -> Result<String> {
                Ok(view.to_owned())
            }
        }

        takes!($codec: str, String, Box<str>, Cow<'_, str>, Rc<str>, Arc<str>);

        #[diagnostic::do_not_recommend]
        impl<Q: ?Sized> Encode<&Q> for $codec
        where
            $codec: Encode<Q>,
        {
            #[inline]
            fn encoded_len(q: &&Q) -> Result<usize> {
                <$codec as Encode<Q>>::encoded_len(*q)
            }

            #[inline]
            fn encode_into(q: &&Q, out: &mut [u8]) -> Result<usize> {
                <$codec as Encode<Q>>::encode_into(*q, out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &&Q, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                <$codec as Encode<Q>>::with_bytes(*q, f)
            }
        }
    )+};
}

macro_rules! takes {
    ($codec:ty: $($query:ty),+) => {$(
        impl Encode<$query> for $codec {
            #[inline]
            fn encoded_len(q: &$query) -> Result<usize> {
                Ok(q.len())
            }

            #[inline]
            fn encode_into(q: &$query, out: &mut [u8]) -> Result<usize> {
                copy_into(q.as_bytes(), out)
            }

            #[inline(always)]
            fn with_bytes<R>(q: &$query, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
                Ok(f(q.as_bytes()))
            }
        }
    )+};
}

text!(str, String, Str);

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<T: Encode<Q> + ?Sized, Q: ?Sized>(q: &Q) -> Vec<u8> {
        T::with_bytes(q, <[u8]>::to_vec).unwrap()
    }

    #[test]
    fn takes_every_kind_of_text() {
        let text = "größe";
        let same = [
            bytes::<str, _>(text),
            bytes::<String, _>(&text),
            bytes::<Str, _>(&&text),
            bytes::<Str, _>(&text.to_owned()),
            bytes::<Str, Box<str>>(&text.into()),
            bytes::<Str, Cow<'_, str>>(&text.into()),
            bytes::<Str, Rc<str>>(&text.into()),
            bytes::<Str, Arc<str>>(&text.into()),
        ];
        assert!(same.iter().all(|bytes| bytes == text.as_bytes()));
    }

    #[test]
    fn borrows_what_it_is_given() {
        let text = String::from("key");
        let at = Str::with_bytes(&text, <[u8]>::as_ptr).unwrap();
        assert_eq!(at, text.as_ptr());
    }

    #[test]
    fn encode_into_leaves_the_rest_alone() {
        let mut out = *b"________";
        assert_eq!(Str::encode_into("abc", &mut out).unwrap(), 3);
        assert_eq!(&out, b"abc_____");
        assert!(Str::encode_into("abc", &mut out[..2]).is_err());
    }
}
