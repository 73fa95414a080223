//! A slot whose address is known: its words.
//!
//! Must not know its segment, nor what the words mean. Invariant: words are touched only as whole aligned atomics.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{layout::Scheme, prefetch::prefetch_second};

/// A slot in mapped memory. Copying it copies the pointer.
pub(crate) struct Place<C> {
    at: *mut u8,
    scheme: PhantomData<fn() -> C>,
}

impl<C> Clone for Place<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Place<C> {}

impl<C: Scheme> Place<C> {
    /// The slot at `at`.
    ///
    /// # Safety
    /// `at` is 8-byte aligned, and `LAYOUT.stride` bytes from it are readable and writable as atomics for as long as the
    /// place or a copy of it is used.
    #[inline(always)]
    pub(crate) unsafe fn new(at: *mut u8) -> Place<C> {
        Place { at, scheme: PhantomData }
    }

    /// A word of the slot.
    #[inline(always)]
    pub(crate) fn word(self, word: usize) -> u64 {
        // SAFETY: `word_at` gives an aligned word of the slot (`new`).
        unsafe { AtomicU64::from_ptr(self.word_at(word)).load(Ordering::Acquire) }
    }

    /// Asks for the slot's first line, for a lookup that comes to it later.
    #[inline(always)]
    pub(crate) fn prefetch(self) {
        prefetch_second(self.at);
    }

    /// The address of a word of the slot.
    #[inline(always)]
    pub(super) fn word_at(self, word: usize) -> *mut u64 {
        debug_assert!(word < C::LAYOUT.words());
        self.at.wrapping_add(8 * word).cast()
    }
}
