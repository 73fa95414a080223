//! Advice to the kernel about pages, where it takes any.
//!
//! Must not know why pages are wanted. Invariant: no content changes, and a refusal costs speed only.

use super::HUGE;
use memmap2::{Advice, MmapOptions, MmapRaw};
use std::fs::File;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;

/// What became of [`load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Populated {
    /// All that can be done has been done.
    Done,
    /// This system has no such advice: touch the pages by hand.
    Unknown,
}

/// Brings the pages of `from..to` of a file in for writing, large ones where there are whole huge pages.
pub(super) fn load(file: &File, map: &MmapRaw, from: u64, to: u64) -> Populated {
    let (first, last) = (from.next_multiple_of(HUGE), to - to % HUGE);
    if first < last {
        load_huge(file, first, last);
    }
    populate(map, from, to)
}

/// Any page may be next: none is to be read before it is asked for.
pub(super) fn expect_any_page(map: &MmapRaw) {
    let _ = map.advise(Advice::Random);
}

/// Asks for huge pages in `from..to`.
#[cfg(target_os = "linux")]
pub(super) fn prefer_huge(map: &MmapRaw, from: u64, to: u64) {
    let _ = map.advise_range(Advice::HugePage, from as usize, (to - from) as usize);
}

/// Brings `from..to` of a file, whole huge pages that have blocks, into memory as huge pages.
///
/// By a mapping for this alone: where huge pages are preferred, the kernel reads 2 MiB for each page that it has taken away
/// and that is looked at again, which makes a map larger than memory hundreds of times slower. Pages that are there already
/// are mapped as they are.
#[cfg(target_os = "linux")]
fn load_huge(file: &File, from: u64, to: u64) {
    let Ok(map) = MmapOptions::new().offset(from).len((to - from) as usize).map_raw(file) else { return };
    let _ = map.advise(Advice::HugePage);
    let _ = map.advise(Advice::PopulateWrite);
}

/// Brings the pages of `from..to` in for writing.
#[cfg(target_os = "linux")]
fn populate(map: &MmapRaw, from: u64, to: u64) -> Populated {
    match map.advise_range(Advice::PopulateWrite, from as usize, (to - from) as usize) {
        // Kernels before 5.14. Any other refusal means that a page cannot be had, and touching it would be fatal: leave
        // that to whoever really needs it.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Populated::Unknown,
        _ => Populated::Done,
    }
}

/// Has what was written to a file go to the medium, without waiting for it or asking what became of it: a failure is told to
/// whoever syncs the file.
#[cfg(target_os = "linux")]
pub(super) fn begin_writing(file: &File) {
    // SAFETY: the call reads and writes no memory of ours; the descriptor is open, and 0 bytes from 0 on are all of the file.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Has what was written to a file go to the medium.
#[cfg(not(target_os = "linux"))]
pub(super) fn begin_writing(_: &File) {}

/// Asks for huge pages in `from..to`.
#[cfg(not(target_os = "linux"))]
pub(super) fn prefer_huge(_: &MmapRaw, _: u64, _: u64) {}

/// Brings `from..to` of a file, whole huge pages that have blocks, into memory as huge pages.
#[cfg(not(target_os = "linux"))]
fn load_huge(_: &File, _: u64, _: u64) {}

/// Brings the pages of `from..to` in for writing.
#[cfg(not(target_os = "linux"))]
fn populate(_: &MmapRaw, _: u64, _: u64) -> Populated {
    Populated::Unknown
}
