//! Asking for a cache line before it is needed.
//!
//! Knows addresses only. Invariant: no memory is touched, so any address will do.

use super::layout::LINE;

/// Asks for the line at an address.
#[inline(always)]
pub(crate) fn prefetch(at: *const u8) {
    ask(at, true);
}

/// Asks for the line at an address to be in the second level of caches. More of them can be on their way than to the first.
#[inline(always)]
pub(crate) fn prefetch_second(at: *const u8) {
    ask(at, false);
}

#[inline(always)]
fn ask(at: *const u8, first_level: bool) {
    const { assert!(LINE == 64) };
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        match first_level {
            true => _mm_prefetch::<_MM_HINT_T0>(at.cast()),
            false => _mm_prefetch::<_MM_HINT_T1>(at.cast()),
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::asm;
        match first_level {
            true => asm!("prfm pldl1keep, [{0}]", in(reg) at, options(nostack, readonly, preserves_flags)),
            false => asm!("prfm pldl2keep, [{0}]", in(reg) at, options(nostack, readonly, preserves_flags)),
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = (at, first_level);
}
