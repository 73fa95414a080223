//! Small files that are written whole: replaced atomically, read with a bound.
//!
//! Must not know their content. Invariant: at every instant, and after a power cut, the name shows either all of the old
//! bytes or all of the new ones.

use super::{
    allocate::size_limit,
    os::{growth_error, open_regular},
    watch::{self, Step},
};
use crate::{
    crash,
    error::{Error, Result},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use rustix::{buffer::spare_capacity, io::retry_on_intr};

/// Makes `dir/name` hold `bytes`, durably. An `Err` from the last step, syncing the directory, leaves the new bytes in
/// place, but it is unknown which ones a power cut would show.
pub(crate) fn replace_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = dir.join(name);
    let temp = dir.join(format!("{name}.tmp"));
    let rename = || fs::rename(&temp, &path);
    let written = write_new(&temp, bytes)
        .and_then(|()| watch::step(Step::Rename(&temp, &path), rename).map_err(|e| Error::io(&path, e)));
    if written.is_err() {
        // What is left of the temporary file is harmless; the first error is the one to tell.
        let _ = remove(&temp);
    }
    written?;
    crash::point("small file: renamed");
    sync_dir(dir)
}

/// Writes and syncs a new file, in place of what an earlier attempt may have left.
fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| growth_error(path, bytes.len() as u64, source);
    // Writing past the limit would be answered with a signal.
    if bytes.len() as u64 > size_limit() {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    match remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = watch::step(Step::Create(path), create).map_err(failed)?;
    crash::point("small file: made");
    watch::step(Step::Write(path), || file.write_all(bytes)).map_err(failed)?;
    crash::point("small file: written");
    watch::step(Step::Sync(path), || file.sync_all()).map_err(failed)?;
    crash::point("small file: synced");
    Ok(())
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    watch::step(Step::Remove(path), || fs::remove_file(path))
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    match watch::step(Step::SyncDir(dir), || File::open(dir).and_then(|dir| dir.sync_all())) {
        // Some file systems have no such operation; there, names are as durable as they get.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result.map_err(|source| Error::io(dir, source)),
    }
}

/// The whole of a file that may have at most `max_len` bytes.
pub(crate) fn read_file(path: &Path, max_len: u64) -> Result<Vec<u8>> {
    let (file, metadata) = open_regular(path, OpenOptions::new().read(true))?;
    let failed = |source| Error::io(path, source);
    let mut bytes = Vec::new();
    let expected = metadata.len().min(max_len);
    // With one more the end is found without asking for memory again.
    let reserved = usize::try_from(expected).is_ok_and(|len| bytes.try_reserve_exact(len.saturating_add(1)).is_ok());
    if !reserved {
        return Err(failed(io::ErrorKind::OutOfMemory.into()));
    }
    while bytes.len() as u64 <= max_len {
        if bytes.len() == bytes.capacity() {
            bytes.reserve(1);
        }
        match retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes))) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    if bytes.len() as u64 > max_len {
        let what = format!("the file has {} bytes, at most {max_len} make sense", metadata.len());
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, what)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .expect("dir")
            .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_bytes_replace_the_old_and_leave_nothing_else() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("MAP");
        fs::write(dir.path().join("MAP.tmp"), b"left by a crash, longer than the rest").expect("write");
        for bytes in [&b"one"[..], b"", b"three"] {
            replace_file(dir.path(), "MAP", bytes).expect("replace");
            assert_eq!(read_file(&path, 100).expect("read"), bytes);
        }
        assert_eq!(names(dir.path()), ["MAP"]);
    }

    #[test]
    fn a_failed_step_leaves_the_old_bytes_and_no_temporary_file() {
        let dir = tempfile::tempdir().expect("dir");
        fs::create_dir(dir.path().join("MAP")).expect("a directory in the way of the rename");
        let error = replace_file(dir.path(), "MAP", b"new").expect_err("refused");
        assert!(matches!(&error, Error::Io { path, .. } if path.ends_with("MAP")), "{error}");
        assert_eq!(names(dir.path()), ["MAP"]);
        assert!(replace_file(&dir.path().join("missing"), "MAP", b"new").is_err());
    }

    #[test]
    fn a_reader_beside_the_writer_sees_whole_contents() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("checkpoint");
        replace_file(dir.path(), "checkpoint", &[0; 5000]).expect("replace");
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for round in 1..50 {
                    replace_file(dir.path(), "checkpoint", &[round; 5000]).expect("replace");
                }
            });
            while !writer.is_finished() {
                let bytes = read_file(&path, 5000).expect("read");
                assert!(bytes.len() == 5000 && bytes.iter().all(|byte| Some(byte) == bytes.first()));
            }
        });
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("MAP");
        fs::write(&path, [7; 10]).expect("write");
        assert_eq!(read_file(&path, 10).expect("fits").len(), 10);
        assert!(
            matches!(read_file(&path, 9), Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidData)
        );
        assert!(matches!(read_file(&path.join("x"), 9), Err(Error::Io { .. })));
    }
}
