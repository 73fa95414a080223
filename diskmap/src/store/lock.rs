//! The lock of a map's directory: one writer, or any number of readers.
//!
//! Must not know what the directory holds. Invariant: while a `DirLock` lives, no conflicting one does, in this process or
//! in another on the same machine. The lock is the kernel's, so it ends with its process, however that ends.

use super::os::open_regular;
use crate::error::{Error, Result};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// The file that carries the lock. Its content means nothing.
const NAME: &str = "lock";

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub(crate) struct DirLock {
    /// `None` on a read-only file system without a lock file: nobody can write there.
    file: Option<File>,
}

impl DirLock {
    /// For the one writer.
    pub(crate) fn exclusive(dir: &Path) -> Result<DirLock> {
        let file = create(dir)?;
        held(dir, file.try_lock())?;
        Ok(DirLock { file: Some(file) })
    }

    /// For a reader. Needs no permission to write if the lock file exists.
    pub(crate) fn shared(dir: &Path) -> Result<DirLock> {
        let file = match open_regular(&dir.join(NAME), OpenOptions::new().read(true)) {
            Ok((file, _)) => file,
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => match create(dir) {
                Ok(file) => file,
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                    return Ok(DirLock { file: None });
                }
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        held(dir, file.try_lock_shared())?;
        Ok(DirLock { file: Some(file) })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // Closing is not enough: a child that another thread is just starting may still have the descriptor. If
            // unlocking fails, closing is what is left.
            let _ = file.unlock();
        }
    }
}

fn create(dir: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_regular(&dir.join(NAME), &mut options).map(|(file, _)| file)
}

fn held(dir: &Path, locked: Result<(), TryLockError>) -> Result<()> {
    locked.map_err(|error| match error {
        TryLockError::WouldBlock => Error::Locked { path: dir.into() },
        TryLockError::Error(source) => Error::io(dir.join(NAME), source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_is_alone_and_readers_are_many() {
        let dir = tempfile::tempdir().expect("dir");
        let dir = dir.path();
        let locked = |result: Result<DirLock>| matches!(result, Err(Error::Locked { path }) if path == dir);

        let writer = DirLock::exclusive(dir).expect("free");
        assert!(locked(DirLock::exclusive(dir)));
        assert!(locked(DirLock::shared(dir)));
        drop(writer);

        let readers = [DirLock::shared(dir).expect("free"), DirLock::shared(dir).expect("shared")];
        assert!(locked(DirLock::exclusive(dir)));
        drop(readers);
        assert!(DirLock::exclusive(dir).is_ok());
    }

    #[test]
    fn a_lock_ends_with_its_owner_even_if_the_descriptor_leaked() {
        let dir = tempfile::tempdir().expect("dir");
        let writer = DirLock::exclusive(dir.path()).expect("free");
        let leaked = writer.file.as_ref().map(|file| file.try_clone().expect("clone"));
        drop(writer);
        assert!(DirLock::exclusive(dir.path()).is_ok());
        drop(leaked);
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().expect("dir");
        let missing = dir.path().join("missing");
        assert!(matches!(DirLock::exclusive(&missing), Err(Error::Io { .. })));
        assert!(matches!(DirLock::shared(&missing), Err(Error::Io { .. })));
    }
}
