//! Advice to the kernel about pages, where it takes any.
//!
//! Must not know why pages are wanted. Invariant: no content changes, and a refusal costs speed only.

use memmap2::MmapRaw;

/// What became of [`populate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Populated {
    /// All that can be done has been done.
    Done,
    /// This system has no such advice: touch the pages by hand.
    Unknown,
}

/// Asks for huge pages in `from..to`.
#[cfg(target_os = "linux")]
pub(super) fn prefer_huge(map: &MmapRaw, from: u64, to: u64) {
    let _ = map.advise_range(memmap2::Advice::HugePage, from as usize, (to - from) as usize);
}

/// Brings the pages of `from..to` in for writing.
#[cfg(target_os = "linux")]
pub(super) fn populate(map: &MmapRaw, from: u64, to: u64) -> Populated {
    match map.advise_range(memmap2::Advice::PopulateWrite, from as usize, (to - from) as usize) {
        // Kernels before 5.14. Any other refusal means that a page cannot be had, and touching it would be fatal: leave
        // that to whoever really needs it.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Populated::Unknown,
        _ => Populated::Done,
    }
}

/// Asks for huge pages in `from..to`.
#[cfg(not(target_os = "linux"))]
pub(super) fn prefer_huge(_: &MmapRaw, _: u64, _: u64) {}

/// Brings the pages of `from..to` in for writing.
#[cfg(not(target_os = "linux"))]
pub(super) fn populate(_: &MmapRaw, _: u64, _: u64) -> Populated {
    Populated::Unknown
}
