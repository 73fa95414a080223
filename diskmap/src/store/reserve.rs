//! Reserving address ranges: far more than is used, so that what is used never has to move.
//!
//! Must not know who uses them. Invariant: a range is at least as long as the least that was asked for.

use memmap2::{MmapOptions, MmapRaw};
use std::{fs::File, io};

/// Maps `file`, shared, from its start. The range may go far beyond its end.
pub(super) fn shared(file: &File, want: u64, least: u64) -> io::Result<MmapRaw> {
    largest(want, least, |len| MmapOptions::new().len(len).map_raw(file))
}

/// Maps all `len` bytes of `file`; what is written stays in this process.
pub(super) fn private(file: &File, len: u64) -> io::Result<MmapRaw> {
    let len = usize::try_from(len).map_err(|_| too_long(len))?;
    // SAFETY: the mapping becomes an `MmapRaw` before anything can make a reference to its bytes, and whoever truncates the
    // file meanwhile ignores the directory's lock, which is outside the promises.
    let map = unsafe { MmapOptions::new().len(len).no_reserve_swap().map_copy(file)? };
    Ok(map.into())
}

/// Maps fresh zero bytes without committing memory for them.
pub(super) fn anonymous(want: u64, least: u64) -> io::Result<MmapRaw> {
    largest(want, least, |len| MmapOptions::new().len(len).no_reserve_swap().map_anon().map(MmapRaw::from))
}

/// The longest range that can be had by halving `want`, as `ulimit -v` or strict overcommit may forbid long ones.
fn largest(want: u64, least: u64, map: impl Fn(usize) -> io::Result<MmapRaw>) -> io::Result<MmapRaw> {
    let mut len = want.max(least);
    loop {
        match usize::try_from(len).map_err(|_| too_long(len)).and_then(&map) {
            Ok(map) => return Ok(map),
            Err(error) if len <= least => return Err(refused(least, &error)),
            Err(_) => len = (len / 2).max(least),
        }
    }
}

fn too_long(len: u64) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, format!("{len} bytes are more than an address space"))
}

fn refused(len: u64, source: &io::Error) -> io::Error {
    io::Error::new(
        source.kind(),
        format!("no address range of {len} bytes ({source}); raise `ulimit -v` or close other maps"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_reserves_are_halved_down_to_the_least() {
        let map = anonymous(1 << 60, 1 << 20).expect("some range");
        assert!(map.len() >= 1 << 20 && map.len() < 1 << 60);
        assert!(anonymous(1 << 60, 1 << 60).is_err());
        assert!(anonymous(u64::MAX, u64::MAX).is_err());
    }
}
