//! Looking a key up in steps, each of which asks for the line that the next one reads: for many keys at a time.
//!
//! Writes nothing. Invariant: what was found out stays right until the map is changed; what is not known for certain is left
//! to `find`.

use super::{
    Core,
    find::{Key, Way},
    peek::{Glance, Peek},
};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{Place, Reference, Scheme, layout::MAX_PROBE},
};

/// A key whose lookup was begun.
#[derive(Clone, Copy)]
pub(crate) struct Prepared {
    /// The key's hash.
    pub hashed: Hashed,
    /// Byte offset in the index, first of the lines of the key's segment, then of the slot that has its tag; or one of the
    /// constants below, which are offsets of neither.
    at: u64,
}

impl Prepared {
    /// In place of an offset: more must be looked at.
    const UNSURE: u64 = 0;
    /// In place of an offset: the key is not there.
    const ABSENT: u64 = 1;
    /// What stands for keys without a hash: they are looked up with care.
    pub(crate) const NOTHING: Prepared = Prepared { hashed: Hashed::ZERO, at: Self::UNSURE };
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Asks for the lines that `lookup` will read first.
    #[inline(always)]
    pub(crate) fn prefetch(&self, hashed: Hashed) {
        let Way { segment, home, .. } = self.way_by(self.directory.view().entry(hashed.position()), hashed);
        segment.prefetch_all(home);
    }

    /// Asks for the lines that `read` will read first.
    #[inline(always)]
    pub(crate) fn prefetch_view(&self, hashed: Hashed) {
        let entry = self.directory.view().entry(hashed.position());
        let segment = self.segment_view(entry, C::LAYOUT.buckets - 1);
        segment.prefetch_all(segment.home(hashed));
    }

    /// First step: asks for the control word; if the second step comes `soon`, also for the slots of the home bucket.
    #[inline(always)]
    pub(crate) fn prepare(&self, hashed: Hashed, soon: bool) -> Prepared {
        let Way { entry, segment, home } = self.way_by(self.directory.view().entry(hashed.position()), hashed);
        segment.prefetch_control(home);
        if soon {
            segment.prefetch(home);
        }
        let lines = entry.at() + C::LAYOUT.lines_at() as u64;
        Prepared { hashed, at: if entry.reads_plainly() { lines } else { Prepared::UNSURE } }
    }

    /// Second step: reads control words until one has the key's tag, and asks for the slot.
    #[inline(always)]
    pub(crate) fn aim(&self, prepared: &mut Prepared) {
        let Prepared { hashed, at: lines } = *prepared;
        if lines == Prepared::UNSURE {
            return;
        }
        let segment = self.full_segment_at(lines - C::LAYOUT.lines_at() as u64);
        let mut bucket = segment.home(hashed);
        prepared.at = Prepared::UNSURE;
        for _ in 0..MAX_PROBE {
            match Self::candidate(segment, bucket, hashed.tag()) {
                Peek::Here(slot) => {
                    segment.place(slot).prefetch();
                    prepared.at = lines + C::LAYOUT.slot_at(slot.bucket, slot.lane) as u64;
                    break;
                }
                Peek::Nowhere => {
                    prepared.at = Prepared::ABSENT;
                    break;
                }
                Peek::Further | Peek::Unsure => bucket = segment.after(bucket, 1),
            }
        }
    }

    /// Third step, if entries have records: reads the slot and asks for its record.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, prepared: &Prepared) {
        if let Glance::Found(place) = self.sighted(prepared) {
            self.heap().prefetch(Reference(place.word(C::LAYOUT.reference_word())).at());
        }
    }

    /// Last step: compares the slot with the key.
    #[inline(always)]
    pub(crate) fn glance_at(&self, prepared: &Prepared, bytes: &[u8]) -> Checked<Glance<Place<C>>> {
        Ok(match self.sighted(prepared) {
            Glance::Found(place) if !self.is_key(place, &Key::new::<C>(prepared.hashed, bytes), || true)? => {
                Glance::Unsure
            }
            known => known,
        })
    }

    #[inline(always)]
    fn sighted(&self, prepared: &Prepared) -> Glance<Place<C>> {
        match prepared.at {
            Prepared::UNSURE => Glance::Unsure,
            Prepared::ABSENT => Glance::Absent,
            // SAFETY: `aim` left the offset of a slot in a segment of the index. The base is loaded after it, so it reaches the
            // slot, and nothing is changed while keys are being looked up (`map` is borrowed).
            at => Glance::Found(unsafe { Place::new(self.index.base().wrapping_add(at as usize)) }),
        }
    }
}
