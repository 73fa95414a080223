//! The locks of the writers: one for each range of positions.
//!
//! Must not know what is written. Invariant: whoever holds a shard's lock is the only one who changes keys of its range, and a
//! thread that holds one never waits for another one of the same map.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use diskmap::{Error, Result, engine::Writer};
use parking_lot::{Mutex, MutexGuard};

/// How long a lock that is held is looked at before its thread sleeps: what holds others up is mostly a segment being split,
/// which takes about as long, and to be woken takes longer in a virtual machine.
const PATIENCE: Duration = Duration::from_micros(60);

/// The shards of a map.
pub(crate) struct Shards {
    all: Box<[Shard]>,
    /// Bits to shift a position by to get its shard's number; 64 for a single shard.
    shift: u32,
}

/// One shard, alone in the lines that a core fetches at a time.
#[repr(align(128))]
struct Shard {
    writer: Mutex<Writer>,
    /// The thread that holds the lock; 0 if none does.
    owner: AtomicUsize,
}

/// A shard whose lock is held. It stays in its thread.
pub(crate) struct Held<'m> {
    writer: MutexGuard<'m, Writer>,
    owner: &'m AtomicUsize,
}

thread_local! {
    /// How many locks of shards this thread holds, of all maps. Its address stands for the thread.
    static HOLDS: Cell<usize> = const { Cell::new(0) };
}

impl Shards {
    /// A shard for each writer: a power of two of them.
    pub(crate) fn new(writers: Vec<Writer>) -> Shards {
        debug_assert!(writers.len().is_power_of_two());
        let shift = 64 - writers.len().ilog2();
        let shard = |writer| Shard { writer: Mutex::new(writer), owner: AtomicUsize::new(0) };
        Shards { all: writers.into_iter().map(shard).collect(), shift }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Locks the shard of a position.
    ///
    /// # Errors
    /// `Reentrant` if this thread holds any shard of the map already.
    #[inline]
    pub(crate) fn lock(&self, position: u64) -> Result<Held<'_>> {
        let me = self.enter()?;
        let shard = self.of(position);
        Ok(Held::new(shard, shard.lock(), me))
    }

    /// Locks the shard of a position if nobody, this thread included, holds it.
    pub(crate) fn try_lock(&self, position: u64) -> Option<Held<'_>> {
        let shard = self.of(position);
        let me = HOLDS.with(|holds| std::ptr::from_ref(holds).addr());
        shard.writer.try_lock().map(|writer| Held::new(shard, writer, me))
    }

    /// Locks all shards.
    ///
    /// # Errors
    /// As [`lock`](Shards::lock).
    pub(crate) fn lock_all<'m>(&'m self) -> Result<Vec<Held<'m>>> {
        let me = self.enter()?;
        // Always in the same order: two that do this never wait for each other.
        let lock = |shard: &'m Shard| Held::new(shard, shard.writer.lock(), me);
        Ok(self.all.iter().map(lock).collect())
    }

    /// The shards whose locks this thread holds.
    pub(crate) fn mine(&self) -> impl Iterator<Item = usize> {
        let (me, holds) = HOLDS.with(|holds| (std::ptr::from_ref(holds).addr(), holds.get()));
        let all = if holds != 0 { &*self.all } else { &[] };
        (0..).zip(all).filter(move |(_, shard)| shard.owner.load(Ordering::Relaxed) == me).map(|(number, _)| number)
    }

    /// The writers, for whom there are no locks any more.
    pub(crate) fn into_writers(self) -> impl Iterator<Item = Writer> {
        self.all.into_iter().map(|shard| shard.writer.into_inner())
    }

    fn of(&self, position: u64) -> &Shard {
        &self.all[position.checked_shr(self.shift).unwrap_or(0) as usize]
    }

    /// The name of this thread, if it may wait for a lock of the map.
    #[inline(always)]
    fn enter(&self) -> Result<usize> {
        let (me, holds) = HOLDS.with(|holds| (std::ptr::from_ref(holds).addr(), holds.get()));
        if holds != 0 { self.enter_again(me) } else { Ok(me) }
    }

    #[cold]
    fn enter_again(&self, me: usize) -> Result<usize> {
        // Only this thread ever stores its own name.
        match self.all.iter().any(|shard| shard.owner.load(Ordering::Relaxed) == me) {
            true => Err(Error::Reentrant),
            false => Ok(me),
        }
    }
}

impl Shard {
    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.try_lock().unwrap_or_else(|| self.wait())
    }

    /// Locks it when whoever holds it lets go.
    #[cold]
    #[inline(never)]
    fn wait(&self) -> MutexGuard<'_, Writer> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            std::hint::spin_loop();
            // Only looked at while it is held, so that its line stays with the holder.
            if !self.writer.is_locked()
                && let Some(writer) = self.writer.try_lock()
            {
                return writer;
            }
        }
        self.writer.lock()
    }
}

impl<'m> Held<'m> {
    #[inline(always)]
    fn new(shard: &'m Shard, writer: MutexGuard<'m, Writer>, me: usize) -> Held<'m> {
        shard.owner.store(me, Ordering::Relaxed);
        HOLDS.with(|holds| holds.set(holds.get() + 1));
        Held { writer, owner: &shard.owner }
    }

    /// The shard's writer.
    #[inline(always)]
    pub(crate) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }
}

impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.owner.store(0, Ordering::Relaxed);
        HOLDS.with(|holds| holds.set(holds.get() - 1));
    }
}
