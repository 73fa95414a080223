//! Removing everything at once: one empty segment takes the place of all.
//!
//! Must not know what the entries were. Invariant: the intent is committed before anything is let go, and finishing it
//! twice changes nothing.

use std::sync::atomic::Ordering;

use super::{Core, Writer, intent::Intent};
use crate::{
    crash,
    error::Result,
    heap::Freed,
    store::ByteStore,
    table::{Descriptor, Scheme, State, layout::MIN_BUCKETS},
};

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Removes all entries. Linear in the number of segments and heap blocks, not of entries.
    pub(crate) fn clear(&self, writer: &mut Writer) -> Result<()> {
        // Memory that cannot grow keeps the size it was given.
        let view = self.directory.view();
        let buckets = if B::GROWS { MIN_BUCKETS } else { view.mask() + 1 };
        let new = Descriptor {
            state: State::New,
            depth: 0,
            log2_buckets: buckets.ilog2() as u8,
            overflow: false,
            prefix: 0,
            next: None,
            generation: self.now(),
        };
        let id = match self.reserve_division().and_then(|()| self.new_segment(&new)) {
            Ok(id) => id,
            Err(_) if !B::GROWS => return self.clear_in_place(writer),
            Err(error) => return Err(error),
        };
        self.retire_writer(writer);
        crash::point("clear: segment made");
        let intent = self.announce(writer, Intent::Clear { new: id });
        crash::point("clear: intent committed");
        self.finish_clear(id, writer.freed());
        intent.done();
        crash::point("clear: intent cleared");
        self.directory.install(1, buckets - 1, |_| Self::entry_of(id, Self::small(buckets - 1)));
        self.bump(0, 0);
        let mut space = self.space();
        for other in (0..space.end()).filter(|&other| other != id) {
            space.retire(other);
        }
        drop(space);
        crash::point("clear: old retired");
        self.counts.iter().for_each(|count| count.0.store(0, Ordering::Relaxed));
        self.divide(writer, self.least_depth())
    }

    /// What a committed clear means for descriptors and heap.
    pub(super) fn finish_clear(&self, new: u32, freed: &mut Freed) {
        let descriptors = self.descriptors();
        descriptors.set_state(new, State::Live);
        crash::point("clear: new live");
        for id in (0..descriptors.len() as u32).filter(|&id| id != new) {
            descriptors.set_state(id, State::Free);
            crash::point("clear: old free");
        }
        if let Some(heap) = &self.heap {
            heap.clear(freed);
            crash::point("clear: live bits off");
        }
    }

    /// Memory with no room for the new segments: entry by entry, each removed whole.
    fn clear_in_place(&self, writer: &mut Writer) -> Result<()> {
        let mut walk = super::Walk::new(0);
        while let Some(spot) = walk.next(self) {
            self.remove_spot(writer, &mut walk, spot?)?;
        }
        Ok(())
    }
}
