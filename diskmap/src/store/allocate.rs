//! File space, allocated before it is used: a store to a page that the disk has no block for would be a SIGBUS.
//!
//! Must not know mappings. Invariant: on `Ok` every byte of the range has its block (as far as the file system keeps its
//! word), and no byte that was in the file before has changed.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
};

/// Extends `file` from `from`, its end, to `to`, with zeros. On `Err` the file may be longer than it was.
pub(super) fn extend(file: &File, from: u64, to: u64) -> io::Result<()> {
    match reserve_blocks(file, from, to) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => write_zeros(file, from, to),
        result => result,
    }
}

/// Gives blocks to the holes of a file, as sparse copies of a map have them. A file system that cannot say so is believed.
pub(super) fn fill_holes(file: &File, metadata: &Metadata) -> io::Result<()> {
    let missing = metadata.len().saturating_sub(metadata.blocks().saturating_mul(512));
    if missing == 0 {
        return Ok(());
    }
    // Trying would leave the disk full.
    let disk = rustix::fs::fstatvfs(file)?;
    if missing > disk.f_bavail.saturating_mul(disk.f_frsize) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    match reserve_blocks(file, 0, metadata.len()) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        result => result,
    }
}

/// The longest a file may get (`ulimit -f`). Going beyond would not only fail but kill the process by SIGXFSZ.
pub(super) fn size_limit() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX).min(i64::MAX.cast_unsigned())
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple"))]
fn reserve_blocks(file: &File, from: u64, to: u64) -> io::Result<()> {
    use rustix::{
        fs::{FallocateFlags, fallocate},
        io::Errno,
    };
    let mut at = from;
    let mut piece = to.saturating_sub(from);
    while at < to {
        let len = piece.min(to - at);
        match fallocate(file, FallocateFlags::empty(), at, len) {
            Ok(()) => at += len,
            // tmpfs undoes everything on a signal: under a profiler's timer a long piece would never end.
            Err(Errno::INTR) => piece = (piece / 2).next_multiple_of(super::PAGE),
            // Some file systems say EINVAL where others say EOPNOTSUPP; FreeBSD's ZFS does.
            Err(Errno::NOSYS | Errno::INVAL) => return Err(io::ErrorKind::Unsupported.into()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_vendor = "apple")))]
fn reserve_blocks(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut at = from;
    while at < to {
        let len = (to - at).min(ZEROS.len() as u64);
        file.write_all_at(ZEROS.get(..len as usize).unwrap_or(&ZEROS), at)?;
        at += len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extending_keeps_what_is_there() {
        let file = tempfile::tempfile().expect("file");
        file.write_all_at(b"abc", 0).expect("write");
        extend(&file, 3, 200_000).expect("extend");
        write_zeros(&file, 200_000, 300_001).expect("zeros");
        let mut bytes = vec![1; 300_001];
        file.read_exact_at(&mut bytes, 0).expect("read");
        assert!(bytes.starts_with(b"abc\0") && bytes.iter().skip(3).all(|byte| *byte == 0));
        assert_eq!(file.metadata().expect("metadata").len(), 300_001);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn holes_get_blocks_and_data_stays() {
        let file = tempfile::tempfile().expect("file");
        file.write_all_at(b"end", 1 << 20).expect("write");
        fill_holes(&file, &file.metadata().expect("metadata")).expect("fill");
        let metadata = file.metadata().expect("metadata");
        assert!(metadata.blocks() * 512 >= metadata.len());
        assert_eq!(metadata.len(), (1 << 20) + 3);
        let mut end = [0; 3];
        file.read_exact_at(&mut end, 1 << 20).expect("read");
        assert_eq!(&end, b"end");
    }
}
