//! Whether the entries of a segment are whole, where a lookup finds them, and each there once.
//!
//! Must not know other segments. Invariant: an entry that is damaged gives one fault, and what follows from it none.

use super::{Core, Inspector, STEP, structure::Group};
use crate::{
    hash::Hashed,
    heap::{HEAP_FILE, survey::Flaw},
    raw::{INDEX_FILE, find::Key, reference},
    report::Progress,
    store::ByteStore,
    table::{Reference, Scheme, Segment, SlotImage, segment::Slot},
};

/// The segment that is looked at.
struct Part<'g, C> {
    group: &'g Group<C>,
    id: u32,
    segment: Segment<C>,
    /// It is chained to another one: a plain list.
    list: bool,
}

impl<C> Clone for Part<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Part<'_, C> {}

/// A key in a group of several segments.
struct Sighting<C> {
    digest: u64,
    segment: Segment<C>,
    id: u32,
    slot: Slot,
    list: bool,
}

impl<B: ByteStore, C: Scheme> Inspector<'_, B, C> {
    /// Looks at all entries of a main segment and its chain.
    pub(super) fn group_entries(&mut self, group: &Group<C>) {
        let mut sightings = Vec::new();
        for (number, &(id, segment)) in group.segments.iter().enumerate() {
            self.segment_entries(Part { group, id, segment, list: number > 0 }, &mut sightings);
        }
        self.repeated(sightings);
    }

    fn segment_entries(&mut self, part: Part<'_, C>, sightings: &mut Vec<Sighting<C>>) {
        let (segment, lanes) = (part.segment, part.segment.lanes());
        let mut past = vec![0u64; segment.buckets()];
        for bucket in 0..segment.buckets() {
            let control = segment.control(bucket);
            if lanes.has_strays(control) {
                let what = format_args!("the control word of bucket {bucket} has bits that mean nothing");
                self.report.damage(INDEX_FILE, control_at::<B, C>(part.id, bucket), what);
            }
            for lane in lanes.used(control) {
                let slot = Slot { bucket, lane };
                let home = self.entry(part, slot, lanes.tag(control, lane), sightings);
                // A lookup does not come further than this, which is a fault of its own.
                if segment.distance(home, bucket) < segment.probe_limit() {
                    (0..segment.distance(home, bucket)).for_each(|i| past[segment.after(home, i)] += 1);
                }
                self.step();
            }
        }
        for (bucket, past) in past.into_iter().enumerate() {
            let count = lanes.overflow(segment.control(bucket));
            if count < past.min(lanes.saturated) {
                let what = format_args!("bucket {bucket} counts {count} entries past it, there are {past}");
                self.report.damage(INDEX_FILE, control_at::<B, C>(part.id, bucket), what);
            }
        }
    }

    /// Looks at an entry; the bucket where it belongs, its own in a list.
    fn entry(&mut self, part: Part<'_, C>, slot: Slot, tag: u64, sightings: &mut Vec<Sighting<C>>) -> usize {
        let (core, segment) = (self.core, part.segment);
        let image = segment.image(slot);
        let reference = reference(&C::LAYOUT, &image);
        let claimed = match reference {
            Some(reference) if !part.list => segment.distance(reference.displacement(), slot.bucket),
            _ => slot.bucket,
        };
        if let Some(reference) = reference
            && !self.record(part, slot, reference)
        {
            return claimed;
        }
        // SAFETY: nothing changes while the map is looked at.
        let (key, value) = unsafe { (core.key_of(&image), core.value_of(&image)) };
        let (Ok(key), Ok(value)) = (key, value) else {
            self.fault(part, slot, "an entry's bytes cannot be read");
            return claimed;
        };
        if let Err(reason) = (self.validate.key)(key) {
            self.invalid(part, slot, reference, "key", reason);
            return claimed;
        }
        if let Err(reason) = (self.validate.value)(value) {
            self.invalid(part, slot, reference, "value", reason);
        }
        let hashed = core.scheme.hash(key);
        let home = if part.list { slot.bucket } else { segment.home(hashed) };
        if let Some(what) = misplaced(part, slot, tag, hashed, home, reference) {
            self.fault(part, slot, what);
            return home;
        }
        if !part.list {
            self.look_up(part, slot, home, hashed, key);
        }
        if part.group.segments.len() > 1 {
            let digest = xxhash_rust::xxh3::xxh3_64(key);
            sightings.push(Sighting { digest, segment, id: part.id, slot, list: part.list });
        }
        home
    }

    /// Looks at a reference and its record; whether both are sound.
    fn record(&mut self, part: Part<'_, C>, slot: Slot, reference: Reference) -> bool {
        let (Some(heap), Some(survey)) = (&self.core.heap, &mut self.survey) else { return false };
        match heap.visit(survey, Core::<B, C>::RECORD, reference.at()) {
            Ok(bytes) => {
                self.report.records += 1;
                self.report.heap_bytes += bytes;
                return true;
            }
            Err(Flaw::Reference(what)) => self.fault(part, slot, what),
            Err(Flaw::Record(what)) => self.report.damage(HEAP_FILE, reference.at(), what),
        }
        false
    }

    /// Looks an entry's key up as any reader does.
    fn look_up(&mut self, part: Part<'_, C>, slot: Slot, home: usize, hashed: Hashed, key: &[u8]) {
        // An error is that of another entry on the way, and found there.
        match self.core.probe(part.segment, home, &Key::new::<C>(hashed, key), || true) {
            Ok(None) => self.fault(part, slot, "a lookup does not find an entry"),
            Ok(Some(found)) if found != slot => self.fault(part, slot, "a key is there twice"),
            _ => {}
        }
    }

    /// Keys that are in several segments of a group. Lookups have found those that are twice in the main one.
    fn repeated(&mut self, mut sightings: Vec<Sighting<C>>) {
        sightings.sort_by_key(|sighting| (sighting.digest, sighting.list));
        for same in sightings.chunk_by(|one, other| one.digest == other.digest) {
            let Some((first, others)) = same.split_first() else { continue };
            for other in others.iter().filter(|other| other.list) {
                let (one, two) = (first.segment.image(first.slot), other.segment.image(other.slot));
                if self.is_same_key(&one, &two) {
                    let at = slot_at::<B, C>(other.id, other.slot);
                    self.report.damage(INDEX_FILE, at, "a key is there twice");
                }
            }
        }
    }

    fn is_same_key(&self, one: &SlotImage, two: &SlotImage) -> bool {
        // SAFETY: nothing changes while the map is looked at.
        let keys = unsafe { (self.core.key_of(one), self.core.key_of(two)) };
        matches!(keys, (Ok(one), Ok(two)) if one == two)
    }

    fn step(&mut self) {
        self.report.entries += 1;
        let (entries, total) = (self.report.entries, self.core.len());
        if entries.is_multiple_of(STEP) {
            (self.progress)(Progress { done: entries.min(total), total });
        }
    }

    fn invalid(&mut self, part: Part<'_, C>, slot: Slot, reference: Option<Reference>, side: &str, reason: &str) {
        let inline = if side == "key" { C::LAYOUT.key_size() } else { C::LAYOUT.value_size() };
        let (file, at) = match (inline, reference) {
            (None, Some(reference)) => (HEAP_FILE, reference.at()),
            _ => (INDEX_FILE, slot_at::<B, C>(part.id, slot)),
        };
        self.report.damage(file, at, format_args!("stored bytes are not a {side} of this map: {reason}"));
    }

    fn fault(&mut self, part: Part<'_, C>, slot: Slot, what: &str) {
        let (id, bucket) = (part.id, slot.bucket);
        let what = format_args!("{what} (segment {id}, bucket {bucket}, slot {})", slot.lane);
        self.report.damage(INDEX_FILE, slot_at::<B, C>(id, slot), what);
    }
}

/// What an entry's slot has wrong of its key's hash.
fn misplaced<C: Scheme>(
    part: Part<'_, C>,
    slot: Slot,
    tag: u64,
    hashed: Hashed,
    home: usize,
    reference: Option<Reference>,
) -> Option<&'static str> {
    let distance = part.segment.distance(home, slot.bucket);
    if !(part.group.first..=part.group.last).contains(&hashed.position()) {
        Some("an entry belongs to another segment")
    } else if tag != hashed.tag() {
        Some("an entry's tag is not that of its key")
    } else if reference.is_some_and(|reference| !reference.may_be(hashed)) {
        Some("a reference keeps bits of another hash")
    } else if reference.is_some_and(|reference| reference.displacement() != distance) {
        Some("a reference has another distance from home than its slot")
    } else {
        None
    }
}

fn control_at<B: ByteStore, C: Scheme>(id: u32, bucket: usize) -> u64 {
    u64::from(id) * Core::<B, C>::SEGMENT_BYTES + (bucket * C::LAYOUT.control_bytes()) as u64
}

fn slot_at<B: ByteStore, C: Scheme>(id: u32, slot: Slot) -> u64 {
    let in_segment = C::LAYOUT.lines_at() + slot.bucket * C::LAYOUT.bucket_bytes() + slot.lane * C::LAYOUT.stride;
    u64::from(id) * Core::<B, C>::SEGMENT_BYTES + in_segment as u64
}
