//! What the operating system knows about this boot and these files, and how its refusals become errors.
//!
//! Must not know a file of a map by name. Invariant: two equal identities within one boot are the same, never copied, file.

use crate::error::{Error, Result};
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::UNIX_EPOCH,
};

/// The identity of the running boot; `None` where the platform has none, which makes every open a recovery from the last
/// checkpoint.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    parse_uuid(kernel_text("/proc/sys/kernel/random/boot_id").ok()?.trim())
}

/// A file that the kernel makes when it is read; short ones with a single call.
pub(super) fn kernel_text(path: &str) -> io::Result<String> {
    let mut bytes = [0; 1024];
    match File::open(path)?.read(&mut bytes)? {
        // There may be more.
        1024 => std::fs::read_to_string(path),
        len => str::from_utf8(&bytes[..len]).map(String::from).map_err(|_| io::ErrorKind::InvalidData.into()),
    }
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut digits = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16));
    let mut id = [0; 16];
    for byte in &mut id {
        *byte = (digits.next()?? * 16 + digits.next()??) as u8;
    }
    digits.next().is_none().then_some(id)
}

/// What tells a file from a copy of it, within one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// The device it is on.
    pub(crate) dev: u64,
    /// Its inode there.
    pub(crate) inode: u64,
    /// When the inode was made, in nanoseconds since 1970; 0 if unknown. Tells an inode from its reuse.
    pub(crate) birth_nanos: u128,
}

impl FileIdentity {
    /// The identity of an open file.
    pub(crate) fn of(metadata: &Metadata) -> FileIdentity {
        let birth = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        FileIdentity {
            dev: metadata.dev(),
            inode: metadata.ino(),
            birth_nanos: birth.map_or(0, |since| since.as_nanos()),
        }
    }
}

/// 16 random bytes.
pub(crate) fn uuid() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes).map_err(|source| Error::io("/dev/urandom", source))?;
    Ok(bytes)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn fill_random(bytes: &mut [u8; 16]) -> io::Result<()> {
    use rustix::{
        io::retry_on_intr,
        rand::{GetRandomFlags, getrandom},
    };
    // The kernel fills requests of up to 256 bytes completely.
    match retry_on_intr(|| getrandom(&mut bytes[..], GetRandomFlags::empty()))? {
        16 => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn fill_random(bytes: &mut [u8; 16]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// Opens a file and makes sure that it is one: a pipe in its place would block, a device would not be what it says.
pub(super) fn open_regular(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata)> {
    let mut open = || {
        let file = options.custom_flags(libc::O_NONBLOCK).open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() {
            Ok((file, metadata))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    };
    open().map_err(|source| Error::io(path, source))
}

/// The error for a file that could not get `needed` bytes more: running out of space is told from other failures.
pub(super) fn growth_error(path: &Path, needed: u64, source: io::Error) -> Error {
    if is_out_of_space(&source) {
        Error::OutOfSpace { path: path.into(), needed, source }
    } else {
        Error::io(path, source)
    }
}

/// Whether less might still fit.
pub(super) fn is_out_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_has_one_id() {
        if cfg!(target_os = "linux") {
            assert!(boot_id().is_some());
        }
        assert_eq!(boot_id(), boot_id());
    }

    #[test]
    fn only_uuids_parse() {
        let text = "0a2f5ac5-b29d-11ee-8c90-0242ac120002";
        let id = [0x0a, 0x2f, 0x5a, 0xc5, 0xb2, 0x9d, 0x11, 0xee, 0x8c, 0x90, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02];
        assert_eq!(parse_uuid(text), Some(id));
        for bad in
            ["", "-", "0a2f", "0a2f5ac5-b29d-11ee-8c90-0242ac12000", "0a2f5ac5-b29d-11ee-8c90-0242ac1200022", "zz"]
        {
            assert_eq!(parse_uuid(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_copy_is_another_file() {
        let dir = tempfile::tempdir().expect("dir");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::write(&one, b"x").expect("write");
        let identity = |path| FileIdentity::of(&std::fs::metadata(path).expect("metadata"));
        let before = identity(&one);
        std::fs::copy(&one, &two).expect("copy");
        std::fs::write(&one, b"changed").expect("write");
        assert_eq!(identity(&one), before);
        assert_ne!(identity(&two), before);
    }

    #[test]
    fn uuids_differ() {
        assert_ne!(uuid().expect("uuid"), uuid().expect("uuid"));
    }

    #[test]
    fn a_directory_or_a_pipe_is_no_file() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(open_regular(dir.path(), OpenOptions::new().read(true)).is_err());
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            assert!(open_regular(&pipe, OpenOptions::new().read(true)).is_err());
        }
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        for code in [libc::ENOSPC, libc::EDQUOT, libc::EFBIG] {
            let error = growth_error(Path::new("heap"), 7, io::Error::from_raw_os_error(code));
            assert!(matches!(error, Error::OutOfSpace { needed: 7, .. }), "{error:?}");
        }
        assert!(matches!(growth_error(Path::new("heap"), 7, io::ErrorKind::NotFound.into()), Error::Io { .. }));
    }
}
