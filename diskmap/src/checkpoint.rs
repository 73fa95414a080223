//! Checkpoints: when they are made, in which order, and what happens when one fails.
//!
//! On `raw`; must not know key or value types. Invariant: the manifest is replaced only after everything it refers to is
//! on the medium, and nothing it refers to is let go before the next one is there.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    crash,
    disk::{CHECKPOINT, Disk},
    error::{Error, Result},
    format::manifest::Manifest,
    gate::Gates,
    raw::{Core, Writer},
    signals,
    store::{ByteStore, lock::DirLock, replace::replace_file},
    table::Scheme,
};

/// Syncing takes at most one part in this many of the time.
const STRETCH: u32 = 10;

/// A map's memory and the gates of its writers.
pub(crate) struct Shared<B, C> {
    /// The untyped map.
    pub core: Core<B, C>,
    /// Keep the writers out while a checkpoint begins.
    pub gates: Gates,
}

/// Makes the checkpoints of one map.
pub(crate) struct Keeper {
    job: Arc<dyn Job>,
    clock: Arc<Clock>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a keeper can ask of a map without knowing its types.
pub(crate) trait Job: Send + Sync {
    /// Makes the current state durable. `closed` if nothing will be written after it.
    fn checkpoint(&self, closed: bool) -> Result<()>;
    /// Waits for the checkpoint that is being made, if one is.
    fn wait(&self) -> bool;
    /// Moves segments to where they leave no gaps, if there are enough gaps in the index. The writer is the caller's.
    fn tidy(&self, writer: &mut Writer) -> Result<()>;
    /// Makes it known, also across a power cut, that the map is no longer as it was closed.
    fn reopened(&self) -> Result<()>;
    /// Makes the name of the last checkpoint durable.
    fn keep_manifest(&self) -> Result<()>;
    /// After the last checkpoint: cuts the files and says that nothing is newer than the checkpoint.
    fn seal(&self) -> Result<()>;
    /// Calls `look` with the map's files while no checkpoint is made.
    fn pause(&self, look: &mut dyn FnMut(&Disk) -> Result<()>) -> Result<()>;
    /// Why the map takes no more writes.
    fn poison(&self) -> Option<String>;
    /// The map's directory.
    fn dir(&self) -> PathBuf;
    /// A hold on the directory's lock.
    fn lock(&self) -> Arc<DirLock>;
}

struct DiskJob<B, C> {
    shared: Arc<Shared<B, C>>,
    disk: Disk,
    /// One checkpoint at a time; holds the failure that ended them.
    running: Mutex<()>,
    cause: Mutex<Option<String>>,
}

#[derive(Default)]
struct Clock {
    state: Mutex<Time>,
    wake: Condvar,
}

#[derive(Default)]
struct Time {
    /// When the first change since the last checkpoint was made.
    changed: Option<Instant>,
    due: bool,
    /// The map was closed and has changed since.
    reopened: bool,
    ended: bool,
    interval: Option<Duration>,
    /// Not before this.
    earliest: Option<Instant>,
}

impl Keeper {
    /// A keeper for a map on disk. `interval` from the first change to the checkpoint; `None` for none by itself.
    pub(crate) fn new<B, C>(shared: Arc<Shared<B, C>>, disk: Disk, interval: Option<Duration>) -> Keeper
    where
        B: ByteStore + 'static,
        C: Scheme + Send + Sync + 'static,
    {
        let job = DiskJob { shared, disk, running: Mutex::new(()), cause: Mutex::new(None) };
        let clock = Arc::new(Clock { state: Mutex::new(Time { interval, ..Time::default() }), wake: Condvar::new() });
        Keeper { job: Arc::new(job), clock, thread: Mutex::default() }
    }

    /// Makes a checkpoint now, in this thread.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        timed(&self.clock, || self.job.checkpoint(false))
    }

    /// Waits for the checkpoint that is being made, or makes one: space is let go of either way.
    pub(crate) fn relieve(&self) -> Result<()> {
        if self.job.wait() { Ok(()) } else { self.checkpoint() }
    }

    /// What the thread does when a checkpoint is due.
    #[cfg(test)]
    pub(crate) fn beside(&self) -> impl FnOnce() -> Result<()> + Send + 'static {
        let (job, clock) = (Arc::clone(&self.job), Arc::clone(&self.clock));
        move || timed(&clock, || job.checkpoint(false))
    }

    /// Whether checkpoints are made without being asked for.
    pub(crate) fn is_automatic(&self) -> bool {
        self.clock.time().interval.is_some()
    }

    /// Changes follow that a power cut would undo: a map that was closed is marked as open first. In the helper thread if
    /// there is one.
    pub(crate) fn reopened(&self) -> Result<()> {
        if self.is_automatic() {
            self.clock.time().reopened = true;
            return Ok(());
        }
        self.job.reopened()
    }

    /// Space is about to be handed out for the first time since the map was found as a killed process left it.
    pub(crate) fn keep_manifest(&self) -> Result<()> {
        self.job.keep_manifest()
    }

    /// The first change since a checkpoint is about to be made (`due`: or the last one for a while).
    pub(crate) fn changed(&self, due: bool) {
        let mut time = self.clock.time();
        if time.interval.is_none() {
            return;
        }
        time.changed.get_or_insert_with(Instant::now);
        time.due |= due;
        drop(time);
        self.clock.wake.notify_one();
        let mut helper = self.helper();
        if helper.is_none() {
            let (job, clock) = (Arc::clone(&self.job), Arc::clone(&self.clock));
            let thread = std::thread::Builder::new().name("diskmap-checkpoint".into());
            match thread.spawn(move || keep(&*job, &clock)) {
                Ok(thread) => *helper = Some(thread),
                Err(error) => log::warn!("no thread for checkpoints, only explicit ones will be made: {error}"),
            }
        }
    }

    /// Calls `look` with the map's files while no checkpoint is made.
    pub(crate) fn pause(&self, look: &mut dyn FnMut(&Disk) -> Result<()>) -> Result<()> {
        self.job.pause(look)
    }

    /// A hold on the directory's lock.
    pub(crate) fn lock(&self) -> Arc<DirLock> {
        self.job.lock()
    }

    /// Why the map takes no more writes.
    pub(crate) fn poison(&self) -> Error {
        Error::Poisoned { cause: self.job.poison().unwrap_or_else(|| "unknown".into()) }
    }

    /// Ends the thread and, if `sync`, makes the last checkpoint and cuts the files.
    pub(crate) fn close(&self, writer: &mut Writer, sync: bool) -> Result<()> {
        self.stop();
        if !sync {
            return Ok(());
        }
        self.job.tidy(writer)?;
        self.job.checkpoint(true)?;
        self.job.seal()
    }

    fn helper(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.clock.time().ended = true;
        self.clock.wake.notify_one();
        if let Some(thread) = self.helper().take() {
            // A panic in the thread was reported when it happened; the state it left is a checkpoint that is not there.
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Clock {
    fn time(&self) -> MutexGuard<'_, Time> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread: a checkpoint whenever one is due.
fn keep(job: &dyn Job, clock: &Clock) {
    loop {
        let mut time = clock.time();
        loop {
            if time.ended {
                return;
            }
            if std::mem::take(&mut time.reopened) {
                drop(time);
                if let Err(error) = job.reopened() {
                    log::warn!("{} still counts as closed: {error}", job.dir().display());
                }
                time = clock.time();
                continue;
            }
            let now = Instant::now();
            let wanted = match (time.due, time.changed, time.interval) {
                (true, ..) => Some(now),
                (_, Some(changed), Some(interval)) => Some(changed + interval),
                _ => None,
            };
            let at = wanted.map(|at| time.earliest.map_or(at, |earliest| at.max(earliest)));
            time = match at {
                Some(at) if at <= now => break,
                Some(at) => clock.wake.wait_timeout(time, at - now).unwrap_or_else(PoisonError::into_inner).0,
                None => clock.wake.wait(time).unwrap_or_else(PoisonError::into_inner),
            };
        }
        drop(time);
        if let Err(error) = timed(clock, || job.checkpoint(false)) {
            log::error!("checkpoint of {} failed: {error}", job.dir().display());
        }
    }
}

/// Runs a checkpoint and sets the clock by it.
fn timed(clock: &Clock, run: impl FnOnce() -> Result<()>) -> Result<()> {
    {
        let mut time = clock.time();
        (time.changed, time.due) = (None, false);
    }
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    clock.time().earliest = Some(Instant::now() + took * (STRETCH - 1));
    result
}

impl<B: ByteStore + 'static, C: Scheme + Send + Sync + 'static> Job for DiskJob<B, C> {
    fn checkpoint(&self, closed: bool) -> Result<()> {
        let _one_at_a_time = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cause) = self.poison() {
            return Err(Error::Poisoned { cause });
        }
        let Shared { core, gates } = &*self.shared;
        core.make_room_for_copies(self.disk.room());
        // Where nothing was changed or counted since the opening, this counts; not while the writers have to wait.
        core.len();
        let captured = gates.closed(core.signals(), || core.capture());
        crash::point("checkpoint: captured");
        core.begin_sync();
        let (segments, blocks) = (core.captured_segments(&captured)?, core.captured_blocks());
        core.sync().map_err(|error| self.fail(error))?;
        crash::point("checkpoint: synced");
        let manifest = Manifest {
            uuid: self.disk.uuid,
            generation: captured.generation,
            entries: captured.entries,
            closed,
            segments,
            blocks,
        };
        self.publish(&manifest)?;
        crash::point("checkpoint: manifest replaced");
        core.release();
        crash::point("checkpoint: released");
        Ok(())
    }

    fn wait(&self) -> bool {
        match self.running.try_lock() {
            Ok(_) | Err(TryLockError::Poisoned(_)) => false,
            Err(TryLockError::WouldBlock) => {
                drop(self.running.lock());
                true
            }
        }
    }

    fn tidy(&self, writer: &mut Writer) -> Result<()> {
        let core = &self.shared.core;
        core.retire_writer(writer);
        if !core.is_sparse() || self.poison().is_some() {
            return Ok(());
        }
        // The gaps are what earlier checkpoints refer to.
        self.checkpoint(false)?;
        core.move_to_front(writer)
    }

    fn reopened(&self) -> Result<()> {
        let _one_at_a_time = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = self.disk.manifest()?;
        if !manifest.closed {
            return Ok(());
        }
        self.publish(&Manifest { closed: false, ..manifest })?;
        crash::point("reopen: manifest marked");
        Ok(())
    }

    fn keep_manifest(&self) -> Result<()> {
        let _one_at_a_time = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.disk.keep_manifest().map_err(|error| self.fail(error))
    }

    fn seal(&self) -> Result<()> {
        // The last checkpoint ended the generation before this one.
        let closed = self.shared.core.generation() - 1;
        self.shared.core.write_identity(&self.disk.identity(Some(closed)).encode());
        crash::point("close: identity written");
        self.shared.core.trim()?;
        crash::point("close: files cut");
        Ok(())
    }

    fn pause(&self, look: &mut dyn FnMut(&Disk) -> Result<()>) -> Result<()> {
        let _no_checkpoint = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        look(&self.disk)
    }

    fn poison(&self) -> Option<String> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn dir(&self) -> PathBuf {
        self.disk.dir.clone()
    }

    fn lock(&self) -> Arc<DirLock> {
        self.disk.lock()
    }
}

impl<B: ByteStore, C: Scheme> DiskJob<B, C> {
    /// Replaces the manifest.
    fn publish(&self, manifest: &Manifest) -> Result<()> {
        match replace_file(&self.disk.dir, CHECKPOINT, &manifest.encode()) {
            Ok(()) => Ok(()),
            // Nothing was synced in vain: there was no room for the manifest, and the one before is still there.
            Err(error @ Error::OutOfSpace { .. }) => Err(error),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// After a failed sync nobody knows what is on the medium: the map takes no more writes.
    fn fail(&self, error: Error) -> Error {
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        self.shared.core.signals().raise(signals::POISONED);
        error
    }
}
