//! Looking at everything: the directory, descriptors and chains, control words, entries and their records.
//!
//! Must not know key or value types: what is one, callbacks say. Invariant: nothing is written, no fault ends the look,
//! and every walk is bounded by the directory, by a segment's size or by the number of segments.

mod entries;
mod structure;

use super::{
    Core, INDEX_FILE, SEGMENTS_FILE, descriptors_at,
    intent::{INTENT, INTENTS_AT},
};
use crate::{
    format::manifest::Manifest,
    heap::survey::Survey,
    report::{Progress, Report},
    store::ByteStore,
    table::{Scheme, State, descriptor::DESCRIPTOR, layout::MIN_BUCKETS},
};

/// Entries between two calls of the progress callback.
const STEP: u64 = 256;

/// Why bytes are not a key, and why they are not a value.
#[derive(Clone, Copy)]
pub(crate) struct Validate {
    /// Of a key.
    pub key: fn(&[u8]) -> Result<(), &'static str>,
    /// Of a value.
    pub value: fn(&[u8]) -> Result<(), &'static str>,
}

/// A look at a map.
struct Inspector<'a, B, C> {
    core: &'a Core<B, C>,
    validate: Validate,
    report: &'a mut Report,
    progress: &'a mut dyn FnMut(Progress),
    survey: Option<Survey>,
    /// Segments that the directory leads to, by id.
    reached: Bits,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Looks at everything, and compares it with the last checkpoint if there is one. Nothing may change meanwhile,
    /// neither by a writer nor by a checkpoint.
    pub(crate) fn inspect(
        &self,
        validate: Validate,
        manifest: Option<&Manifest>,
        report: &mut Report,
        progress: &mut dyn FnMut(Progress),
    ) {
        let survey = self.heap.as_ref().map(|heap| heap.survey(report));
        let reached = Bits(vec![0; self.descriptors().len().div_ceil(64)]);
        let mut inspector = Inspector { core: self, validate, report, progress, survey, reached };
        inspector.intents();
        inspector.segments();
        if let Some(manifest) = manifest {
            inspector.checkpoint(manifest);
        }
        inspector.leaks();
    }
}

impl<B: ByteStore, C: Scheme> Inspector<'_, B, C> {
    /// No change is under way, so none may be announced.
    fn intents(&mut self) {
        let intents = self.core.intents();
        for record in (0..intents.len()).filter(|&record| intents.read(record) != Some(None)) {
            let what = format_args!("intent record {record} announces a change where none is under way");
            self.report.damage(SEGMENTS_FILE, INTENTS_AT + u64::from(record) * INTENT, what);
        }
    }

    /// All segments the directory leads to, and their entries.
    fn segments(&mut self) {
        let mut next = Some(0);
        while let Some(first) = next {
            let group;
            (group, next) = self.group(first);
            self.group_entries(&group);
        }
        let (counted, len) = (self.report.entries, self.core.len());
        if counted != len {
            let what = format_args!("there are {counted} entries in all segments, the map counts {len}");
            self.report.damage(INDEX_FILE, 0, what);
        }
        (self.progress)(Progress { done: len, total: len });
    }

    /// The segments and blocks that the last checkpoint refers to.
    fn checkpoint(&mut self, manifest: &Manifest) {
        for record in &manifest.segments {
            let at = u64::from(record.id) * Core::<B, C>::SEGMENT_BYTES;
            let size = MIN_BUCKETS.ilog2()..=C::LAYOUT.buckets.ilog2();
            let fits = size.contains(&u32::from(record.log2_buckets))
                && at + C::LAYOUT.used_bytes(1 << record.log2_buckets) as u64 <= self.core.index.len();
            if !fits {
                let what = format_args!("the last checkpoint refers to segment {}, which cannot be there", record.id);
                self.report.damage(INDEX_FILE, at, what);
                continue;
            }
            let segment = self.core.segment_by_id(record.id, record.log2_buckets);
            let (id, count) = (record.id, segment.count());
            if segment.checksum() != record.checksum {
                self.report.damage(INDEX_FILE, at, format_args!("segment {id} does not match its checksum"));
            } else if count != record.entries as usize {
                let counted = record.entries;
                let what =
                    format_args!("there are {count} entries in segment {id}, the last checkpoint counts {counted}");
                self.report.damage(INDEX_FILE, at, what);
            }
        }
        if let (Some(heap), Some(survey)) = (&self.core.heap, &self.survey) {
            heap.compare(survey, &manifest.blocks, self.report);
        }
    }

    /// What is in use though nothing leads to it.
    fn leaks(&mut self) {
        let descriptors = self.core.descriptors();
        for id in (0..descriptors.len() as u32).filter(|&id| !self.reached.has(id)) {
            match descriptors.read(id).map(|descriptor| descriptor.state) {
                None => self.report.damage(
                    SEGMENTS_FILE,
                    self.descriptor_at(id),
                    format_args!("the descriptor of segment {id} is impossible"),
                ),
                Some(State::Free) => {}
                Some(State::New | State::Live) => {
                    self.report.leaked_segments += 1;
                    self.report.leaked_bytes += Core::<B, C>::SEGMENT_BYTES;
                    let what = format_args!("segment {id} is in use, but no key leads to it");
                    self.report.leak(SEGMENTS_FILE, self.descriptor_at(id), what);
                }
            }
        }
        if let (Some(heap), Some(survey)) = (&self.core.heap, &self.survey) {
            heap.leaks(survey, self.report);
        }
    }

    fn descriptor_at(&self, id: u32) -> u64 {
        descriptors_at(self.core.intents) + u64::from(id) * DESCRIPTOR as u64
    }
}

/// A set of segment ids below a limit.
struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether it was not there.
    fn insert(&mut self, id: u32) -> bool {
        let Some(word) = self.0.get_mut(id as usize / 64) else { return false };
        let before = *word;
        *word |= 1 << (id % 64);
        *word != before
    }
}
