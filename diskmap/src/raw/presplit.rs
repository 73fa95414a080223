//! Room for a number of entries: how many fit, and splitting ahead so that more do.
//!
//! Must not know keys. Invariant: what is expected in a segment follows from its depth alone, so the answer is the same
//! for an empty map and a full one.

use super::{Core, Writer};
use crate::{
    error::Result,
    hash::PATH_BITS,
    store::ByteStore,
    table::{
        Descriptor, Scheme,
        directory::Entry,
        layout::{Layout, MAX_PROBE, MIN_BUCKETS},
    },
};

/// How full full-size segments may be on average before the fullest of them is expected to split.
const FILL: f64 = 0.70;

/// Entries that fit into a lone segment of `buckets` buckets before it is doubled.
pub(crate) fn fits(layout: &Layout, buckets: usize) -> u64 {
    let slots = layout.slots_in(buckets);
    // With so few buckets a probe looks at all of them.
    if buckets <= MAX_PROBE { slots as u64 } else { (slots as f64 * FILL) as u64 }
}

/// The buckets of a lone segment for `entries`: as few as do, at most a full segment's.
pub(crate) fn buckets_for(layout: &Layout, entries: u64) -> usize {
    let mut buckets = MIN_BUCKETS;
    while buckets < layout.buckets && fits(layout, buckets) < entries {
        buckets *= 2;
    }
    buckets
}

/// Full-size segments that an empty map is split into for `entries`.
pub(crate) fn segments_for(layout: &Layout, entries: u64) -> u64 {
    let mut depth = 0;
    while depth < PATH_BITS && entries.div_ceil(1 << depth) > fits(layout, layout.buckets) {
        depth += 1;
    }
    1 << depth
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Slots in all segments.
    pub(crate) fn slots(&self) -> u64 {
        self.usage().segments * C::LAYOUT.slots_in(self.directory.view().mask() + 1) as u64
    }

    /// Entries that the map is expected to hold when its next segment splits. Linear in the number of segments.
    pub(crate) fn capacity(&self) -> u64 {
        let mut capacity = u64::MAX;
        let walked = self.each_main(|_, descriptor, _| {
            let fits = u128::from(fits(&C::LAYOUT, 1 << descriptor.log2_buckets)) << descriptor.depth;
            capacity = capacity.min(fits.try_into().unwrap_or(u64::MAX));
            Ok(false)
        });
        match walked {
            Ok(()) => capacity.max(self.len()),
            Err(_) => self.len(),
        }
    }

    /// Splits until `entries` are expected to fit.
    pub(crate) fn presplit(&self, writer: &mut Writer, entries: u64) -> Result<()> {
        let buckets = buckets_for(&C::LAYOUT, entries);
        self.each_main(|id, descriptor, entry| {
            let have = 1usize << descriptor.log2_buckets;
            let expected = entries.div_ceil(1 << descriptor.depth);
            if expected <= fits(&C::LAYOUT, have) || u32::from(descriptor.depth) >= PATH_BITS {
                return Ok(false);
            }
            if entry.has(Entry::UNVERIFIED) {
                self.verify(descriptor.prefix)?;
            }
            if have < C::LAYOUT.buckets {
                let doublings = (buckets / have).ilog2() as i8;
                self.rebuild(writer, id, descriptor, doublings, None)?;
            } else {
                self.split(writer, id, descriptor)?;
            }
            Ok(true)
        })
    }

    /// Calls `visit` with id, descriptor and directory entry of each main segment in order; again at the same position
    /// when it says that it changed something.
    pub(super) fn each_main(&self, mut visit: impl FnMut(u32, &Descriptor, Entry) -> Result<bool>) -> Result<()> {
        let mut at = Some(0u64);
        while let Some(position) = at {
            let entry = self.directory.view().entry(position);
            let id = Self::id(entry);
            let descriptor = self.descriptor(id)?;
            if visit(id, &descriptor, entry)? {
                continue;
            }
            at = match u32::from(descriptor.depth) {
                0 => None,
                depth => descriptor.prefix.checked_add(1 << (64 - depth)),
            };
        }
        Ok(())
    }
}
