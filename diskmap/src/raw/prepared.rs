//! Looking a key up in steps, each of which asks for the line that the next one reads: for many keys at a time.
//!
//! Writes nothing. Invariant: what was found out stays right until the map is changed; what is not known for certain is left
//! to `find`.

use super::{
    Core,
    find::{Found, Key, Way},
    peek::{Glance, Peek},
};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{Reference, Scheme, Segment, directory::Entry, segment::Slot},
};

/// A key whose lookup was begun.
#[derive(Clone, Copy)]
pub(crate) struct Prepared {
    /// The key's hash.
    pub hashed: Hashed,
    entry: Entry,
    aim: Aim,
}

/// What control words tell of a key.
#[derive(Clone, Copy)]
enum Aim {
    /// If it is there, then nearly always in this slot.
    At { bucket: u16, lane: u8 },
    /// It is not there.
    Absent,
    /// More must be looked at.
    Unsure,
}

impl Aim {
    #[inline(always)]
    fn slot(self) -> Option<Slot> {
        match self {
            Aim::At { bucket, lane } => Some(Slot { bucket: bucket.into(), lane: lane.into() }),
            Aim::Absent | Aim::Unsure => None,
        }
    }
}

impl Prepared {
    /// What stands for keys without a hash: they are looked up with care.
    pub(crate) const NOTHING: Prepared = Prepared { hashed: Hashed::ZERO, entry: Entry::NOWHERE, aim: Aim::Unsure };
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

    /// First step: asks for the control word.
    #[inline(always)]
    pub(crate) fn prepare(&self, hashed: Hashed) -> Prepared {
        let Way { entry, segment, home } = self.way_by(self.directory.view().entry(hashed.position()), hashed);
        segment.prefetch_control(home);
        Prepared { hashed, entry, aim: Aim::Unsure }
    }

    /// Second step: reads the control word, of the home bucket or the next one, and asks for the slot.
    #[inline(always)]
    pub(crate) fn aim(&self, prepared: &mut Prepared) {
        let Prepared { hashed, entry, .. } = *prepared;
        if !entry.reads_plainly() {
            return;
        }
        let Way { segment, home, .. } = self.way_by(entry, hashed);
        prepared.aim = match Self::aim_in(segment, home, hashed) {
            Aim::Unsure => Self::aim_in(segment, segment.after(home, 1), hashed),
            aim => aim,
        };
    }

    #[inline(always)]
    fn aim_in(segment: Segment<C>, bucket: usize, hashed: Hashed) -> Aim {
        match Self::candidate(segment, bucket, hashed.tag()) {
            Peek::Here(slot) => {
                segment.prefetch_slot(slot);
                Aim::At { bucket: slot.bucket as u16, lane: slot.lane as u8 }
            }
            Peek::Nowhere => Aim::Absent,
            Peek::Further | Peek::Unsure => Aim::Unsure,
        }
    }

    /// Third step, if entries have records: reads the slot and asks for its record.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, prepared: &Prepared) {
        if let Some(slot) = prepared.aim.slot() {
            let word = self.full_segment(prepared.entry).word(slot, C::LAYOUT.reference_word());
            self.heap().prefetch(Reference(word).at());
        }
    }

    /// Last step: compares the slot with the key.
    #[inline(always)]
    pub(crate) fn glance_at(&self, prepared: &Prepared, bytes: &[u8]) -> Checked<Glance<C>> {
        let Prepared { hashed, entry, aim } = *prepared;
        if let Aim::Absent = aim {
            return Ok(Glance::Absent);
        }
        let Some(slot) = aim.slot() else { return Ok(Glance::Unsure) };
        let segment = self.full_segment(entry);
        let is_key = self.is_key(segment, slot, &Key::new::<C>(hashed, bytes), || true)?;
        Ok(if is_key { Glance::Found(Found { entry, segment, slot, overflow: None }) } else { Glance::Unsure })
    }
}
