//! Sharing a map between threads: segments deep enough that none spans two writers' ranges, and cells that are kept for
//! readers.
//!
//! Must not know threads. Invariant: while a map is shared no segment has fewer bits of depth than it was shared for, and
//! neither the index nor the descriptors are cut, because a reader may look at a segment that is no longer the map's.

use std::sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering};

use super::{
    Core, Writer,
    intent::{Intent, Intents},
};
use crate::{
    error::Result,
    row,
    store::ByteStore,
    table::{Descriptor, Scheme, State, directory::Entry},
};

/// Writers at most.
pub(crate) const MAX_WRITERS: u32 = row::MOST;

/// The intent record of a change that is under way.
pub(super) struct Announced<'c> {
    intents: Intents,
    record: u32,
    /// Where several writers have the same record.
    _alone: Option<MutexGuard<'c, ()>>,
}

impl Announced<'_> {
    /// The change is done.
    pub(super) fn done(self) {
        self.intents.clear(self.record);
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Commits a writer to a change.
    pub(super) fn announce(&self, writer: &Writer, intent: Intent) -> Announced<'_> {
        let record = writer.number % self.intents;
        let lock: Option<&Mutex<()>> = self.records.get().map(|locks| &locks[record as usize]);
        let alone = lock.map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        let intents = self.intents();
        intents.commit(record, intent);
        Announced { intents, record, _alone: alone }
    }

    /// Begins to share the map: no segment spans two prefixes of `depth` bits. There is one writer yet.
    pub(crate) fn share(&self, writer: &mut Writer, depth: u32) -> Result<()> {
        self.divide(writer, depth)?;
        // Whoever asks for it later waits for nobody.
        self.len();
        if let Some(heap) = &self.heap {
            heap.keep_freed()?;
            heap.divide_view();
        }
        self.index.divide_view();
        self.shared.store(depth + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Tells readers of the positions that start with the `depth` top bits of `position` that what they read before may have
    /// moved or gone, if there are any.
    #[inline]
    pub(super) fn bump(&self, position: u64, depth: u32) {
        if self.is_shared() {
            self.sequences.bump(position, depth);
        }
    }

    /// Splits until every segment has at least `depth` bits of depth.
    pub(super) fn divide(&self, writer: &mut Writer, depth: u32) -> Result<()> {
        self.each_main(|id, descriptor, entry| {
            if u32::from(descriptor.depth) >= depth {
                return Ok(false);
            }
            if entry.has(Entry::UNVERIFIED) {
                self.verify(descriptor.prefix)?;
            }
            let doublings = (C::LAYOUT.buckets >> descriptor.log2_buckets).ilog2() as i8;
            if doublings > 0 {
                self.rebuild(writer, id, descriptor, doublings, None)?;
            } else {
                self.split(writer, id, descriptor)?;
            }
            Ok(true)
        })
    }

    /// Makes sure that a lone segment can be divided to the least depth: as many segments as that takes at any time are free
    /// afterwards, and stay so until the caller takes them.
    pub(super) fn reserve_division(&self) -> Result<()> {
        let depth = self.least_depth();
        if depth == 0 {
            return Ok(());
        }
        let unused = Descriptor {
            state: State::New,
            depth: 0,
            log2_buckets: C::LAYOUT.buckets.ilog2() as u8,
            overflow: false,
            prefix: 0,
            next: None,
            generation: 0,
        };
        let mut ids = Vec::new();
        let made = (0..2u32 << depth).try_for_each(|_| self.new_segment(&unused).map(|id| ids.push(id)));
        self.discard(&ids);
        made
    }
}

impl<B: ByteStore, C> Core<B, C> {
    /// Ends it. There are no readers, and writers have nothing open.
    pub(crate) fn unshare(&self) {
        self.shared.store(0, Ordering::Relaxed);
        self.index.join_view();
        if let Some(heap) = &self.heap {
            heap.join_view();
            heap.forget_freed();
        }
    }

    /// The bits of depth that every segment has at least; 0 if the map is not shared, or has one writer.
    pub(super) fn least_depth(&self) -> u32 {
        self.shared.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Whether there may be readers in other threads beside a writer.
    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed) > 0
    }
}
