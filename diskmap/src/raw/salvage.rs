//! Taking what can be read out of a map that may not open: from the segments that a checkpoint or the descriptors name,
//! and, for what these do not cover, from anything in the index that looks like a segment.
//!
//! Must not know key or value types, and trusts no file. Invariant: nothing is written, and each entry is judged by itself:
//! its record, its bytes, and whether its key hashes to the place it is in.

use std::{collections::HashSet, sync::Arc};

use super::{Core, Files, INDEX_FILE, SEGMENTS_FILE, Validate, descriptors_at, reference};
use crate::{
    error::Result,
    format::manifest::{Manifest, SegmentRecord},
    hash::{Hashed, PATH_BITS},
    heap::Heap,
    report::Report,
    signals::Signals,
    store::ByteStore,
    table::{Scheme, Segment, SlotImage, State, descriptor::DESCRIPTOR, layout::MIN_BUCKETS, segment::Slot},
};

/// An index of at most so many segments may be that of a map of one segment, which can be a small one.
const FEW: u32 = 16;

/// What tells which segments are the map's.
#[derive(Clone, Copy)]
pub(crate) enum Source<'m> {
    /// The last checkpoint.
    Checkpoint(&'m Manifest),
    /// The descriptors.
    Descriptors,
    /// Nothing that can be read.
    Nothing,
}

/// A segment that the map's files name.
#[derive(Clone, Copy)]
struct Known {
    id: u32,
    log2_buckets: u8,
    list: bool,
    /// The positions that lead to it.
    first: u64,
    last: u64,
    generation: u64,
}

/// What is wrong with an entry.
type Verdict<T> = std::result::Result<T, &'static str>;

/// A segment that is read.
struct Part<C> {
    id: u32,
    segment: Segment<C>,
    /// It may be a plain list, where every bucket is home.
    list: bool,
}

/// Reads entries and hands them on.
struct Salvager<'a, B, C> {
    core: &'a Core<B, C>,
    validate: Validate,
    /// Records that were handed on.
    seen: HashSet<u64>,
    take: &'a mut dyn FnMut(&[u8], &[u8]) -> Result<()>,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// The files of a map as they are, to be salvaged and nothing else.
    pub(crate) fn wreck(scheme: C, files: Files<B>) -> Core<B, C> {
        let signals: Arc<Signals> = Arc::default();
        let Files { index, segments, heap, block_shift, intents } = files;
        let heap = heap.map(|(store, tables)| Heap::create(store, tables, block_shift, Arc::clone(&signals)));
        Core::bare(scheme, index, segments, heap, intents, signals)
    }

    /// Hands on every entry that can be read, those of newer segments first. What cannot be goes to the report; entries in
    /// segments that nothing names are handed on only where no segment is known for them, which is `true` then.
    ///
    /// # Errors
    /// Those of `take`.
    pub(crate) fn salvage(
        &self,
        source: Source<'_>,
        validate: Validate,
        report: &mut Report,
        take: &mut dyn FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut known = match source {
            Source::Checkpoint(manifest) => {
                manifest.segments.iter().filter_map(|record| self.recorded(record, report)).collect()
            }
            Source::Descriptors => self.described(report),
            Source::Nothing => Vec::new(),
        };
        known.sort_by_key(|segment| (std::cmp::Reverse(segment.generation), segment.id));
        known.dedup_by_key(|segment| segment.id);
        let mut salvager = Salvager { core: self, validate, seen: HashSet::new(), take };
        for &Known { id, log2_buckets, list, first, last, .. } in &known {
            let part = Part { id, segment: self.segment_by_id(id, log2_buckets), list };
            salvager.part(&part, |hashed| (first..=last).contains(&hashed.position()), Some(report))?;
        }
        let covered = Covered::by(&known);
        if covered.is_all() {
            return Ok(false);
        }
        let ids: HashSet<u32> = known.iter().map(|segment| segment.id).collect();
        let end = self.index.len().div_ceil(Self::SEGMENT_BYTES).min(u64::from(u32::MAX)) as u32;
        let is_free = |id| {
            let known = matches!(source, Source::Descriptors) && (id as usize) < self.descriptors().len();
            known && self.descriptors().read(id).is_some_and(|descriptor| descriptor.state == State::Free)
        };
        // What is in free ones is older.
        let (used, free): (Vec<_>, Vec<_>) = (0..end).filter(|id| !ids.contains(id)).partition(|&id| !is_free(id));
        for id in used.into_iter().chain(free) {
            if let Some(log2_buckets) = salvager.likely_size(id, end) {
                let part = Part { id, segment: self.segment_by_id(id, log2_buckets), list: C::LAYOUT.has_heap() };
                salvager.part(&part, |hashed| !covered.has(hashed.position()), None)?;
            }
        }
        Ok(true)
    }

    fn recorded(&self, record: &SegmentRecord, report: &mut Report) -> Option<Known> {
        let &SegmentRecord { id, log2_buckets, chained_after, prefix, depth, .. } = record;
        let (first, last) = span(prefix, depth)?;
        if !self.holds(id, log2_buckets) {
            let at = u64::from(id) * Self::SEGMENT_BYTES;
            report.damage(INDEX_FILE, at, format_args!("segment {id} of the last checkpoint is not there"));
            return None;
        }
        if self.segment_by_id(id, log2_buckets).checksum() != record.checksum {
            let what = format_args!("segment {id} does not match its checksum: values in it may be others");
            report.damage(INDEX_FILE, u64::from(id) * Self::SEGMENT_BYTES, what);
        }
        Some(Known { id, log2_buckets, list: chained_after != SegmentRecord::NONE, first, last, generation: 0 })
    }

    fn described(&self, report: &mut Report) -> Vec<Known> {
        let mut known = Vec::new();
        let descriptors = self.descriptors();
        for id in 0..descriptors.len() as u32 {
            let found = descriptors.read(id).map(|found| (found, span(found.prefix, found.depth)));
            match found {
                Some((found, _)) if found.state != State::Live => {}
                Some((found, Some((first, last)))) if self.holds(id, found.log2_buckets) => known.push(Known {
                    id,
                    log2_buckets: found.log2_buckets,
                    list: found.overflow,
                    first,
                    last,
                    generation: found.generation,
                }),
                _ => {
                    let at = descriptors_at(self.intents) + u64::from(id) * DESCRIPTOR as u64;
                    report.damage(SEGMENTS_FILE, at, format_args!("the descriptor of segment {id} is impossible"));
                }
            }
        }
        known
    }

    /// Whether a segment of this size lies in the index.
    fn holds(&self, id: u32, log2_buckets: u8) -> bool {
        (MIN_BUCKETS.ilog2()..=C::LAYOUT.buckets.ilog2()).contains(&u32::from(log2_buckets))
            && u64::from(id) * Self::SEGMENT_BYTES + C::LAYOUT.used_bytes(1 << log2_buckets) as u64 <= self.index.len()
    }
}

impl<B: ByteStore, C: Scheme> Salvager<'_, B, C> {
    /// Hands on the entries of a segment whose keys are `wanted`; what is wrong with others is reported.
    fn part(&mut self, part: &Part<C>, wanted: impl Fn(Hashed) -> bool, mut report: Option<&mut Report>) -> Result<()> {
        for (slot, tag) in slots(part.segment) {
            let image = part.segment.image(slot);
            let fault = match self.judge(part, slot, tag, &image) {
                Ok((key, value, hashed)) if wanted(hashed) => {
                    let record = reference(&C::LAYOUT, &image).map(|reference| reference.at());
                    if record.is_none_or(|at| self.seen.insert(at)) {
                        (self.take)(key, value)?;
                        continue;
                    }
                    "another entry has the same record"
                }
                Ok(_) => "it belongs to another segment",
                Err(fault) => fault,
            };
            if let Some(report) = &mut report {
                let at = u64::from(part.id) * Core::<B, C>::SEGMENT_BYTES;
                let place = format_args!("segment {}, bucket {}, slot {}", part.id, slot.bucket, slot.lane);
                report.damage(INDEX_FILE, at, format_args!("an entry is lost: {fault} ({place})"));
            }
        }
        Ok(())
    }

    /// Key, value and hash of an entry, if it may be believed.
    fn judge<'i>(
        &self,
        part: &Part<C>,
        slot: Slot,
        tag: u64,
        image: &'i SlotImage,
    ) -> Verdict<(&'i [u8], &'i [u8], Hashed)> {
        let (core, segment) = (self.core, part.segment);
        let reference = reference(&C::LAYOUT, image);
        if let Some(reference) = reference {
            core.heap().check_record(Core::<B, C>::RECORD, reference.at(), u64::MAX)?;
        }
        // SAFETY: nothing changes in the files of a wreck, which outlive this call as the image does.
        let (key, value) = unsafe { (core.key_of(image), core.value_of(image)) };
        let (Ok(key), Ok(value)) = (key, value) else { return Err("its bytes cannot be read") };
        (self.validate.key)(key)?;
        (self.validate.value)(value)?;
        let hashed = core.scheme.hash(key);
        let distance = segment.distance(segment.home(hashed), slot.bucket);
        let at_home =
            distance < segment.probe_limit() && reference.is_none_or(|found| found.displacement() == distance);
        let in_list = part.list && reference.is_none_or(|found| found.displacement() == 0);
        if tag != hashed.tag() || reference.is_some_and(|reference| !reference.may_be(hashed)) {
            return Err("its key has another hash");
        }
        if at_home || in_list { Ok((key, value, hashed)) } else { Err("it is not where its key belongs") }
    }

    /// The size of a segment that nothing names: that with which most of its entries are in their places.
    fn likely_size(&self, id: u32, ids: u32) -> Option<u8> {
        let full = C::LAYOUT.buckets.ilog2() as u8;
        let least = if ids <= FEW { MIN_BUCKETS.ilog2() as u8 } else { full };
        let plausible = |log2_buckets: u8| {
            let part = Part { id, segment: self.core.segment_by_id(id, log2_buckets), list: false };
            slots(part.segment)
                .filter(|&(slot, tag)| self.judge(&part, slot, tag, &part.segment.image(slot)).is_ok())
                .count()
        };
        (least..=full).filter(|&log2_buckets| self.core.holds(id, log2_buckets)).max_by_key(|&size| plausible(size))
    }
}

/// The slots that are in use, with their tags.
fn slots<C: Scheme>(segment: Segment<C>) -> impl Iterator<Item = (Slot, u64)> {
    (0..segment.buckets()).flat_map(move |bucket| {
        let control = segment.control(bucket);
        segment.lanes().used(control).map(move |lane| (Slot { bucket, lane }, segment.lanes().tag(control, lane)))
    })
}

/// The positions that begin with the `depth` top bits of `prefix`.
fn span(prefix: u64, depth: u8) -> Option<(u64, u64)> {
    let rest = u64::MAX.checked_shr(depth.into()).unwrap_or(0);
    (u32::from(depth) <= PATH_BITS && prefix & rest == 0).then_some((prefix, prefix | rest))
}

/// Positions that known segments cover.
struct Covered(Vec<(u64, u64)>);

impl Covered {
    fn by(known: &[Known]) -> Covered {
        let mut spans: Vec<_> = known.iter().map(|segment| (segment.first, segment.last)).collect();
        spans.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (first, last) in spans {
            match merged.last_mut() {
                Some(before) if before.1 == u64::MAX || first <= before.1 + 1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Covered(merged)
    }

    fn is_all(&self) -> bool {
        self.0 == [(0, u64::MAX)]
    }

    fn has(&self, position: u64) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= position);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|&(_, last)| position <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(prefix: u64, depth: u8) -> Known {
        let (first, last) = span(prefix, depth).expect("a prefix");
        Known { id: 0, log2_buckets: 10, list: false, first, last, generation: 0 }
    }

    #[test]
    fn prefixes_cover_positions() {
        assert!(Covered::by(&[known(0, 0)]).is_all());
        assert!(Covered::by(&[known(1 << 63, 1), known(0, 2), known(1 << 62, 2)]).is_all());
        let covered = Covered::by(&[known(0, 2), known(1 << 63, 1)]);
        assert!(!covered.is_all() && covered.has(0) && covered.has(u64::MAX) && !covered.has(1 << 62));
        assert!(!Covered::by(&[]).has(7));
        assert_eq!((span(1, 5), span(0, 64)), (None, None));
    }
}
