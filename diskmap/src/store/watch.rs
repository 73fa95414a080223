//! What is asked of the medium, step by step, so that tests can look on between any two steps and let any one fail.
//!
//! Must not know what a file is for. Invariant: outside of tests nothing of it is left.

use std::{io, path::Path};

/// Something that is asked of the medium, of a file or directory with the given path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'p> {
    /// A new, empty file.
    Create(&'p Path),
    /// All bytes of a new file.
    Write(&'p Path),
    /// Another length, or blocks for the length there is.
    Resize(&'p Path, u64),
    /// All bytes and the length to be durable.
    Sync(&'p Path),
    /// A file's name to be gone.
    Remove(&'p Path),
    /// A file to have the name of another, in the same directory.
    Rename(&'p Path, &'p Path),
    /// The names in a directory to be durable.
    SyncDir(&'p Path),
    /// Nothing: a moment at which it is worth looking at a directory.
    Moment(&'p Path),
}

/// Runs a step.
#[inline(always)]
pub(crate) fn step<T>(step: Step<'_>, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    before(step)?;
    let done = run()?;
    after(step);
    Ok(done)
}

/// Lets tests look at a directory.
#[inline(always)]
pub(crate) fn moment(dir: &Path) {
    after(Step::Moment(dir));
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) fn before(_: Step<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) fn after(_: Step<'_>) {}

#[cfg(test)]
pub(crate) use self::watched::{Watch, Watched, after, before, watch};

#[cfg(test)]
mod watched {
    use std::{
        collections::BTreeMap,
        io,
        path::{Path, PathBuf},
        sync::{Arc, Mutex, MutexGuard, PoisonError},
    };

    use super::Step;

    /// Looks on while files in a directory are used.
    pub(crate) trait Watch: Send + Sync {
        /// A step is about to be taken; with an error, it fails without having been taken.
        fn before(&self, step: Step<'_>) -> io::Result<()>;
        /// It was taken.
        fn after(&self, step: Step<'_>);
    }

    /// By directory: tests run side by side.
    static WATCHES: Mutex<BTreeMap<PathBuf, Arc<dyn Watch>>> = Mutex::new(BTreeMap::new());

    /// Ends the watch of a directory.
    pub(crate) struct Watched(PathBuf);

    /// Has a directory and all below it watched.
    pub(crate) fn watch(dir: &Path, by: Arc<dyn Watch>) -> Watched {
        watches().insert(dir.into(), by);
        Watched(dir.into())
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            watches().remove(&self.0);
        }
    }

    pub(crate) fn before(step: Step<'_>) -> io::Result<()> {
        watcher(step).map_or(Ok(()), |watcher| watcher.before(step))
    }

    pub(crate) fn after(step: Step<'_>) {
        if let Some(watcher) = watcher(step) {
            watcher.after(step);
        }
    }

    fn watcher(step: Step<'_>) -> Option<Arc<dyn Watch>> {
        let watches = watches();
        step.path().ancestors().find_map(|dir| watches.get(dir).cloned())
    }

    fn watches() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<dyn Watch>>> {
        WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl<'p> Step<'p> {
        /// Where it is taken.
        pub(crate) fn path(self) -> &'p Path {
            match self {
                Step::Create(path)
                | Step::Write(path)
                | Step::Resize(path, _)
                | Step::Sync(path)
                | Step::Remove(path)
                | Step::Rename(path, _)
                | Step::SyncDir(path)
                | Step::Moment(path) => path,
            }
        }
    }
}
