//! The bytes of a key or a value, as something to hold.
//!
//! Must not know types. Invariant: what lay in a slot is a copy; what lies in a record stays there.

use std::ptr;

use crate::table::layout::MAX_INLINE;

/// Bytes that were read: a copy of up to 64 of them, or where they lie.
#[derive(Clone, Copy)]
pub struct Stored(Bytes);

#[derive(Clone, Copy)]
enum Bytes {
    Copied { words: [u64; MAX_INLINE / 8], len: u8 },
    Record { at: *const u8, len: usize },
}

// SAFETY: a record does not change; who looks at the bytes vouches for it, in whatever thread (`bytes`).
unsafe impl Send for Stored {}
// SAFETY: as above.
unsafe impl Sync for Stored {}

impl Stored {
    /// No bytes.
    pub(super) const NOTHING: Stored = Stored(Bytes::Record { at: ptr::dangling(), len: 0 });

    #[inline(always)]
    pub(super) fn new(bytes: &[u8], in_record: bool) -> Stored {
        if in_record {
            return Stored(Bytes::Record { at: bytes.as_ptr(), len: bytes.len() });
        }
        let mut words = [0; MAX_INLINE / 8];
        let out: &mut [u8] = bytemuck::bytes_of_mut(&mut words);
        let len = bytes.len().min(out.len());
        out[..len].copy_from_slice(&bytes[..len]);
        Stored(Bytes::Copied { words, len: len as u8 })
    }

    /// The bytes.
    ///
    /// # Safety
    /// If they lie in a record, that is not reclaimed while they are looked at.
    #[inline(always)]
    pub unsafe fn bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Copied { words, len } => {
                let bytes: &[u8] = bytemuck::bytes_of(words);
                &bytes[..usize::from(*len)]
            }
            // SAFETY: they lay there when this was made, and as the caller says still do.
            Bytes::Record { at, len } => unsafe { std::slice::from_raw_parts(*at, *len) },
        }
    }
}
