//! Bytes in a file, mapped once over a range far longer than the file.
//!
//! Must not know what the file is for. Invariants: every byte below `len` is in the file and has its block, so touching it
//! cannot fault; every mapping there ever was stays until drop.

use super::{
    ByteStore, HUGE, LEAD, PAGE,
    advice::{self, Populated},
    ahead, allocate, locked,
    memory::{ALWAYS_FITS, memory},
    os::{FileIdentity, growth_error, is_out_of_space, open_regular},
    pace::Pace,
    reserve, sealed,
    watch::{self, Step},
};
use crate::error::{Error, Result};
use memmap2::MmapRaw;
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering},
    },
    time::Instant,
};

/// The store of a map on disk: one mapped file.
#[derive(Debug)]
pub struct MMapFile {
    /// Of the newest mapping. Stored before the length that needs it.
    base: AtomicPtr<u8>,
    /// Of the newest mapping that is only read from, or `base`. Stored before the length that needs it.
    view: AtomicPtr<u8>,
    len: AtomicU64,
    /// Pages below it have been brought in or asked for (or were there before us).
    prepared: AtomicU64,
    /// All mappings that are written to, the newest last; never empty. Held while pages are brought in or cut off.
    mappings: Mutex<Vec<Arc<MmapRaw>>>,
    /// All mappings that are only read from, if there are any. Taken after `mappings`.
    views: Mutex<Vec<MmapRaw>>,
    /// Held while the length changes; taken before `mappings`.
    pace: Mutex<Pace>,
    /// The kernel was told that any page may be next.
    random: AtomicBool,
    access: Access,
    file: Arc<File>,
    /// What tells the file from its copies.
    identity: FileIdentity,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Shared,
    /// What is written stays in this process.
    Private,
}

impl MMapFile {
    /// A new, empty file.
    pub(crate) fn create(path: &Path, reserve: u64) -> Result<MMapFile> {
        watch::before(Step::Create(path)).map_err(|source| Error::io(path, source))?;
        let (file, metadata) = open_regular(path, OpenOptions::new().read(true).write(true).create_new(true))?;
        watch::after(Step::Create(path));
        MMapFile::shared(path, file, &metadata, reserve)
    }

    /// An existing file, of any length.
    pub(crate) fn open(path: &Path, reserve: u64) -> Result<MMapFile> {
        let (file, metadata) = open_regular(path, OpenOptions::new().read(true).write(true))?;
        let len = metadata.len();
        watch::step(Step::Resize(path, len), || allocate::fill_holes(&file, &metadata))
            .map_err(|source| growth_error(path, len, source))?;
        MMapFile::shared(path, file, &metadata, reserve)
    }

    /// An existing file, copy-on-write: the file stays as it is, and the bytes may be written all the same.
    pub(crate) fn open_private(path: &Path) -> Result<MMapFile> {
        let (file, metadata) = open_regular(path, OpenOptions::new().read(true))?;
        let mapping = reserve::private(&file, metadata.len()).map_err(|source| Error::io(path, source))?;
        Ok(MMapFile::new(path, file, &metadata, mapping, Access::Private))
    }

    fn shared(path: &Path, file: File, metadata: &Metadata, reserve: u64) -> Result<MMapFile> {
        let len = metadata.len();
        let want = if len > reserve { len.saturating_mul(2) } else { reserve };
        let mapping = reserve::shared(&file, want, len.max(PAGE)).map_err(|source| Error::io(path, source))?;
        let store = MMapFile::new(path, file, metadata, mapping, Access::Shared);
        store.heed_memory(len);
        Ok(store)
    }

    fn new(path: &Path, file: File, metadata: &Metadata, mapping: MmapRaw, access: Access) -> MMapFile {
        let len = metadata.len();
        MMapFile {
            base: AtomicPtr::new(mapping.as_mut_ptr()),
            view: AtomicPtr::new(mapping.as_mut_ptr()),
            len: AtomicU64::new(len),
            prepared: AtomicU64::new(if access == Access::Private { u64::MAX } else { len }),
            mappings: Mutex::new(vec![Arc::new(mapping)]),
            views: Mutex::default(),
            pace: Mutex::new(Pace::new()),
            random: AtomicBool::new(false),
            access,
            file: Arc::new(file),
            identity: FileIdentity::of(metadata),
            path: path.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(test)]
    pub(crate) fn file_len(&self) -> Result<u64> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|source| Error::io(&self.path, source))
    }

    /// What tells the file from its copies.
    pub(crate) fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Makes sure that `need` bytes are mapped, and says how many are.
    fn map(&self, need: u64) -> io::Result<u64> {
        let mut mappings = locked(&self.mappings);
        let mapped = mappings.last().map_or(0, |mapping| mapping.len() as u64);
        if need <= mapped {
            return Ok(mapped);
        }
        let mapping = self.one_more(mapped.saturating_mul(2).max(need), need)?;
        let mapped = mapping.len() as u64;
        let mut views = locked(&self.views);
        let divided = self.view() != self.base();
        if !divided || !self.add_view(&mut views, mapped) {
            self.view.store(mapping.as_mut_ptr(), Ordering::Release);
        }
        self.base.store(mapping.as_mut_ptr(), Ordering::Release);
        mappings.push(Arc::new(mapping));
        Ok(mapped)
    }

    /// A mapping of `want` bytes, or fewer if the address space has no such range, but at least `least`.
    fn one_more(&self, want: u64, least: u64) -> io::Result<MmapRaw> {
        let mapping = reserve::shared(&self.file, want, least)?;
        if self.random.load(Ordering::Relaxed) {
            advice::expect_any_page(&mapping);
        }
        Ok(mapping)
    }

    /// Maps all of `len` bytes once more, if the address space has room for that, and still for what the file may need when it
    /// outgrows them.
    fn add_view(&self, views: &mut Vec<MmapRaw>, len: u64) -> bool {
        let next = len.saturating_mul(2);
        let Ok(view) = self.one_more(len, len) else { return false };
        if reserve::shared(&self.file, next, next).is_err() {
            return false;
        }
        self.view.store(view.as_mut_ptr(), Ordering::Release);
        views.push(view);
        true
    }

    /// Allocates up to `target`, or as little as `least` if the disk has no more, and says how far it got.
    fn allocate(&self, len: u64, least: u64, target: u64, pace: &mut Pace) -> io::Result<u64> {
        let start = Instant::now();
        let mut end = target;
        let mut result = self.extend(len, target);
        if target > least && result.as_ref().is_err_and(is_out_of_space) {
            pace.failed(target - len);
            end = least;
            result = self.extend(len, least);
        } else {
            pace.took(target - len, start.elapsed());
        }
        result.map(|()| end)
    }

    /// Extends the file, or leaves it as it is.
    fn extend(&self, len: u64, end: u64) -> io::Result<()> {
        let extended = watch::step(Step::Resize(&self.path, end), || allocate::extend(&self.file, len, end));
        extended.inspect_err(|_| {
            // If not even this works, the file stays longer than its granted part: harmless zeros.
            let _ = self.file.set_len(len);
        })
    }

    /// Around a page that it must read, the kernel reads more, up to megabytes. That warms a file that fits the memory; of
    /// one that does not, it throws out what is needed for what is not.
    fn heed_memory(&self, len: u64) {
        if len > ALWAYS_FITS && len > memory() / 2 && !self.random.swap(true, Ordering::Relaxed) {
            locked(&self.mappings).iter().for_each(|mapping| advice::expect_any_page(mapping));
            locked(&self.views).iter().for_each(advice::expect_any_page);
        }
    }

    #[cold]
    fn prepare_up_to(&self, end: u64) {
        let mappings = locked(&self.mappings);
        let Some(mapping) = mappings.last() else { return };
        let len = self.len();
        let aligned = |end: u64| end.checked_next_multiple_of(HUGE).unwrap_or(end).min(len);
        let prepared = self.prepared.load(Ordering::Relaxed);
        let now = aligned(end).max(prepared);
        if now > prepared {
            populate(&self.file, mapping, prepared, now);
        }
        let soon = aligned(end.saturating_add(LEAD));
        let asked = soon >= now + HUGE && ahead::wish(&self.file, mapping, now, soon);
        self.prepared.store(if asked { soon } else { now }, Ordering::Relaxed);
    }
}

impl sealed::Sealed for MMapFile {}

// SAFETY: `len` never exceeds the newest mapping, whose base is stored before, as is that of the newest view, which is as long or
// the mapping itself; no mapping goes before the store does, and all
// shared ones show the same file (a private one is the only one). File space is allocated before it is granted, so that
// touching it does not fault, and extending a file reads zero.
unsafe impl ByteStore for MMapFile {
    const DURABLE: bool = true;

    #[inline]
    fn base(&self) -> *mut u8 {
        self.base.load(Ordering::Acquire)
    }

    #[inline]
    fn view(&self) -> *mut u8 {
        self.view.load(Ordering::Acquire)
    }

    /// A sync has the kernel forbid writing to pages that are mapped for writing. The first write to one after that takes it, and
    /// the huge page around it, out of the mapping and may wait for the file system before it is mapped again; in a mapping where
    /// nobody wrote the page stays. (Writing is allowed in both: what is forbidden there is only what the memory model has to
    /// say of atomic reads from memory that cannot be written to.)
    fn divide_view(&self) {
        if self.access == Access::Private {
            return;
        }
        let mappings = locked(&self.mappings);
        let mut views = locked(&self.views);
        let Some(mapping) = mappings.last() else { return };
        match views.last() {
            Some(view) if view.len() == mapping.len() => self.view.store(view.as_mut_ptr(), Ordering::Release),
            _ => {
                self.add_view(&mut views, mapping.len() as u64);
            }
        }
    }

    fn join_view(&self) {
        let _mappings = locked(&self.mappings);
        self.view.store(self.base(), Ordering::Release);
    }

    #[inline]
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn grow(&self, need: u64, wish: u64) -> Result<()> {
        let mut pace = locked(&self.pace);
        let len = self.len();
        if need <= len {
            return Ok(());
        }
        if self.access == Access::Private {
            return Err(Error::ReadOnly);
        }
        let failed = |source| growth_error(&self.path, need - len, source);
        let limit = allocate::size_limit();
        if need > limit {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        let least = need.checked_next_multiple_of(PAGE).unwrap_or(need).min(limit);
        let mapped = self.map(least).map_err(failed)?;
        let target = pace.target(len, least, wish.min(limit).min(mapped));
        let end = self.allocate(len, least, target, &mut pace).map_err(failed)?;
        self.len.store(end, Ordering::Release);
        self.heed_memory(end);
        Ok(())
    }

    #[inline]
    fn prepare(&self, end: u64) {
        if end.saturating_add(LEAD) > self.prepared.load(Ordering::Relaxed) {
            self.prepare_up_to(end);
        }
    }

    fn truncate(&self, len: u64) -> Result<()> {
        let _pace = locked(&self.pace);
        let _mappings = locked(&self.mappings);
        let old = self.len();
        let len = len.checked_next_multiple_of(PAGE).unwrap_or(len);
        if len >= old {
            return Ok(());
        }
        if self.access == Access::Private {
            return Err(Error::ReadOnly);
        }
        self.len.store(len, Ordering::Release);
        if let Err(source) = watch::step(Step::Resize(&self.path, len), || self.file.set_len(len)) {
            self.len.store(old, Ordering::Release);
            return Err(Error::io(&self.path, source));
        }
        self.prepared.fetch_min(len, Ordering::Relaxed);
        Ok(())
    }

    fn begin_sync(&self) {
        if self.access == Access::Shared {
            advice::begin_writing(&self.file);
        }
    }

    fn sync(&self) -> Result<()> {
        match self.access {
            Access::Shared => watch::step(Step::Sync(&self.path), || self.file.sync_data())
                .map_err(|source| Error::io(&self.path, source)),
            Access::Private => Ok(()),
        }
    }
}

/// Brings the pages of `from..to`, which is within the file, in for writing; their content stays.
fn populate(file: &File, mapping: &MmapRaw, from: u64, to: u64) {
    if advice::load(file, mapping, from, to) == Populated::Unknown {
        touch(mapping, from, to);
    }
}

fn touch(mapping: &MmapRaw, from: u64, to: u64) {
    for at in (from.next_multiple_of(PAGE)..to).step_by(PAGE as usize) {
        // SAFETY: `at` is page-aligned and below `to`, so at least a byte of its page is in the file, hence all of the page
        // is mapped; the mapping is never behind a Rust reference.
        let word = unsafe { AtomicU64::from_ptr(mapping.as_mut_ptr().add(at as usize).cast()) };
        // Exchanging a value for itself keeps it, also beside other writers; an `or 0` may be compiled to a mere load.
        let seen = word.load(Ordering::Relaxed);
        let _ = word.compare_exchange(seen, seen, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_by_hand_keeps_content() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("heap");
        std::fs::write(&path, [5; 10_000]).expect("write");
        let store = MMapFile::open(&path, 1 << 20).expect("open");
        touch(locked(&store.mappings).last().expect("mapping"), 0, 10_000);
        store.sync().expect("sync");
        assert_eq!(std::fs::read(&path).expect("read"), [5; 10_000]);
    }
}
