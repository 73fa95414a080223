//! Whether directory, descriptors and chains agree: each prefix leads to one segment, and each chain hangs on to one.
//!
//! Must not know entries. Invariant: where the files disagree with the directory, which was checked when the map was
//! opened, the directory is believed, so that the entries can be looked at all the same.

use super::{Core, Inspector};
use crate::{
    raw::SEGMENTS_FILE,
    store::ByteStore,
    table::{Descriptor, Scheme, Segment, State, directory::Entry},
};

/// A main segment and those chained to it.
pub(super) struct Group<C> {
    /// The positions that lead here.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The main segment first.
    pub segments: Vec<(u32, Segment<C>)>,
}

/// What the directory says of a main segment.
struct Place {
    prefix: u64,
    depth: u32,
    log2_buckets: u32,
}

impl<B: ByteStore, C: Scheme> Inspector<'_, B, C> {
    /// The segments at the `first`-th entry of the directory; where the next ones begin.
    pub(super) fn group(&mut self, first: usize) -> (Group<C>, Option<usize>) {
        let view = self.core.directory.view();
        let (shift, len) = (64 - view.depth(), 1usize << view.depth());
        let entry = view.entry_at(first);
        let end = (first + 1..len).find(|&i| view.entry_at(i).at() != entry.at()).unwrap_or(len);
        let (main, span) = (Core::<B, C>::id(entry), end - first);
        let place = Place {
            prefix: (first as u64) << shift,
            depth: view.depth() - span.ilog2(),
            log2_buckets: (view.mask() + 1).ilog2(),
        };
        if !span.is_power_of_two() || !first.is_multiple_of(span) {
            self.odd(main, "has no prefix of its own in the directory");
        }
        if !self.reached.insert(main) {
            self.odd(main, "is reached twice");
        }
        if let Some(descriptor) = self.descriptor(main) {
            self.compare(main, &descriptor, &place, false);
            if descriptor.next.is_some() != entry.has(Entry::CHAINED) {
                self.odd(main, "has a chain that the directory does not know, or lost one");
            }
        }
        let mut segments = vec![(main, self.core.segment(entry, view.mask()))];
        segments.extend(self.chained(main, &place).into_iter().map(|id| {
            let entry = Core::<B, C>::entry_of(id, 0);
            (id, self.core.segment(entry, view.mask()))
        }));
        self.report.segments += segments.len() as u64;
        self.report.index_bytes += (segments.len() * C::LAYOUT.used_bytes(view.mask() + 1)) as u64;
        // The last position has no successor: there the sum wraps to 0.
        let last = ((end as u64) << shift).wrapping_sub(1);
        (Group { first: place.prefix, last, segments }, (end < len).then_some(end))
    }

    /// The ids chained to a main segment, as far as the chain can be followed.
    fn chained(&mut self, main: u32, place: &Place) -> Vec<u32> {
        let descriptors = self.core.descriptors();
        let used = C::LAYOUT.used_bytes(1 << place.log2_buckets) as u64;
        let (mut ids, mut at) = (Vec::new(), main);
        while (at as usize) < descriptors.len() {
            let next = match descriptors.next(at) {
                Some(None) => break,
                Some(Some(next)) => next,
                None => {
                    self.odd(at, "has a link that leads nowhere");
                    break;
                }
            };
            let end = u64::from(next) * Core::<B, C>::SEGMENT_BYTES + used;
            if next as usize >= descriptors.len() || end > self.core.index.len() {
                self.odd(at, "has a link past the end of the index");
                break;
            }
            if !self.reached.insert(next) {
                self.odd(at, "is followed by one that was reached before: the chain does not end, or two are one");
                break;
            }
            if let Some(descriptor) = self.descriptor(next) {
                self.compare(next, &descriptor, place, true);
            }
            ids.push(next);
            at = next;
        }
        ids
    }

    fn compare(&mut self, id: u32, descriptor: &Descriptor, place: &Place, overflow: bool) {
        if descriptor.state != State::Live {
            self.odd(id, "is part of the map, but not marked live");
        }
        if descriptor.overflow != overflow {
            self.odd(
                id,
                if overflow { "is chained, but marked as a main one" } else { "is a main one, but marked as chained" },
            );
        }
        if u32::from(descriptor.depth) != place.depth || descriptor.prefix != place.prefix {
            self.odd(id, "has another prefix than the directory says");
        }
        if u32::from(descriptor.log2_buckets) != place.log2_buckets {
            self.odd(id, "has another size than the map's segments");
        }
    }

    fn descriptor(&mut self, id: u32) -> Option<Descriptor> {
        let descriptors = self.core.descriptors();
        let found = if (id as usize) < descriptors.len() { descriptors.read(id) } else { None };
        if found.is_none() {
            self.odd(id, "has an impossible descriptor");
        }
        found
    }

    fn odd(&mut self, id: u32, what: &str) {
        self.report.damage(SEGMENTS_FILE, self.descriptor_at(id), format_args!("segment {id} {what}"));
    }
}
