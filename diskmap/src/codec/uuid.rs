//! `uuid::Uuid` (feature `uuid`): its 16 bytes in the order of its text.
//!
//! It knows nothing of versions and variants. The invariant: any 16 bytes are a UUID.

use uuid::Uuid;

use super::{DiskKey, DiskValue, Encode, IntoOwned, Invalid, Schema, Shape, copy_into};
use crate::error::Result;

// SAFETY: `validate` accepts only 16 bytes, the shape's exact length; the view is a copy.
unsafe impl DiskValue for Uuid {
    type View<'a> = Uuid;
    const SHAPE: Shape = Shape::Fixed { size: 16 };
    const SCHEMA: Schema = Schema::UUID;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        if bytes.len() == 16 { Ok(()) } else { Err(Invalid::new("UUID is not 16 bytes long")) }
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> Uuid {
        // SAFETY: `validate` accepted the bytes, so there are 16; an array of bytes has no alignment.
        Uuid::from_bytes(unsafe { bytes.as_ptr().cast::<[u8; 16]>().read() })
    }
}

impl DiskKey for Uuid {}

impl Encode<Uuid> for Uuid {
    #[inline]
    fn encoded_len(_: &Uuid) -> Result<usize> {
        Ok(16)
    }

    #[inline]
    fn encode_into(q: &Uuid, out: &mut [u8]) -> Result<usize> {
        copy_into(q.as_bytes(), out)
    }

    #[inline(always)]
    fn with_bytes<R>(q: &Uuid, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        Ok(f(q.as_bytes()))
    }
}

impl IntoOwned for Uuid {
    type Owned = Uuid;

    #[inline]
    fn into_owned(view: Uuid) -> Result<Uuid> {
        Ok(view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_the_order_of_the_text() {
        let uuid = Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let bytes = Uuid::with_bytes(&uuid, <[u8]>::to_vec).unwrap();
        assert_eq!(bytes[..4], [0x00, 0x11, 0x22, 0x33]);
        assert_eq!(Uuid::read(&bytes), Ok(uuid));
        assert!(Uuid::read(&bytes[1..]).is_err());
    }
}
