//! The segments of a map that is opened, as a checkpoint or the descriptors have them.
//!
//! Must not know which of the two counts. Invariant: the segments found tile all positions exactly, and each lies in the
//! index with a size and a depth that are possible.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering,
};

use super::{
    Core, INDEX_FILE, SEGMENTS_FILE,
    replace::{FREE_DEPTH, SPARE_DEPTH},
};
use crate::{
    crash,
    error::{Error, Result},
    format::manifest::{Manifest, SegmentRecord},
    hash::{BUCKET_BITS, PATH_BITS},
    store::ByteStore,
    table::{Descriptor, Scheme, State, layout::MIN_BUCKETS},
};

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Writes the descriptors as the checkpoint has them; all others are free.
    pub(super) fn restore(&self, manifest: &Manifest, ids: usize) -> Result<()> {
        for record in 0..self.intents().len() {
            self.intents().clear(record);
        }
        let highest = manifest.segments.iter().map(|record| record.id).max();
        if let Some(highest) = highest {
            if highest as usize >= ids {
                return Err(damaged(highest, "the checkpoint names a segment past the end of the index"));
            }
            self.grow_segments(highest)?;
        }
        let descriptors = self.descriptors();
        let records: HashMap<u32, &SegmentRecord> =
            manifest.segments.iter().map(|record| (record.id, record)).collect();
        if records.len() != manifest.segments.len() {
            return Err(damaged(0, "the checkpoint names a segment twice"));
        }
        let mut next = HashMap::new();
        for record in manifest.segments.iter().filter(|record| record.chained_after != SegmentRecord::NONE) {
            if next.insert(record.chained_after, record.id).is_some() {
                return Err(damaged(record.id, "two segments of the checkpoint are chained to the same one"));
            }
        }
        for id in 0..descriptors.len() as u32 {
            let wanted = match records.get(&id) {
                Some(record) => Descriptor {
                    state: State::Live,
                    depth: record.depth,
                    log2_buckets: record.log2_buckets,
                    overflow: record.chained_after != SegmentRecord::NONE,
                    prefix: record.prefix,
                    next: next.get(&id).copied(),
                    generation: manifest.generation,
                },
                None => Descriptor {
                    state: State::Free,
                    depth: 0,
                    log2_buckets: 0,
                    overflow: false,
                    prefix: 0,
                    next: None,
                    generation: 0,
                },
            };
            if descriptors.read(id) != Some(wanted) {
                descriptors.write(id, &wanted);
                crash::point("open: descriptor restored");
            }
        }
        let slots = |record: &SegmentRecord| C::LAYOUT.slots_in(1 << record.log2_buckets.min(BUCKET_BITS as u8));
        if let Some(record) = manifest.segments.iter().find(|record| record.entries as usize > slots(record)) {
            return Err(damaged(record.id, "the checkpoint counts more entries in it than it has slots"));
        }
        let sum: u64 = manifest.segments.iter().map(|record| u64::from(record.entries)).sum();
        if sum != manifest.entries {
            return Err(damaged(0, "the checkpoint's entries do not add up"));
        }
        Ok(())
    }

    /// The live main segments with their chains, checked to tile all positions. What is live but unreachable is freed.
    pub(super) fn read_tree(&self, ids: u32) -> Result<Vec<Node>> {
        let descriptors = self.descriptors();
        let mut nodes = Vec::new();
        let mut overflow = HashSet::new();
        let mut newest = 0;
        for id in 0..ids {
            let descriptor = descriptors.read(id).ok_or_else(|| self.damaged_descriptor(id))?;
            match descriptor.state {
                State::Free => continue,
                State::New => {
                    descriptors.set_state(id, State::Free);
                    crash::point("open: new segment freed");
                }
                State::Live => {
                    newest = newest.max(descriptor.generation.min(u64::MAX / 2));
                    self.checked(id)?;
                    if descriptor.overflow {
                        overflow.insert(id);
                    } else {
                        nodes.push(Node { ids: vec![id], descriptor });
                    }
                }
            }
        }
        self.generation.fetch_max(newest, Ordering::Relaxed);
        for node in &mut nodes {
            for id in self.chain(node.ids[0])? {
                let descriptor = self.checked(id)?;
                if !overflow.remove(&id) || descriptor.log2_buckets != node.descriptor.log2_buckets {
                    return Err(damaged(id, "a chain leads to a segment that cannot be in it"));
                }
                node.ids.push(id);
            }
        }
        for id in overflow {
            descriptors.set_state(id, State::Free);
            crash::point("open: unreachable segment freed");
        }
        nodes.sort_unstable_by_key(|node| node.descriptor.prefix);
        tile(&nodes)?;
        Ok(nodes)
    }

    /// A descriptor whose numbers are possible and whose segment lies in the index.
    pub(super) fn checked(&self, id: u32) -> Result<Descriptor> {
        let descriptor = self.descriptor(id)?;
        let size = usize::from(descriptor.log2_buckets);
        // A damaged depth must not ask for a directory of any size; what splits make is far below this.
        let segments = (self.index.len() / Self::SEGMENT_BYTES).max(1);
        let deepest = (segments.ilog2() + SPARE_DEPTH + 2).clamp(FREE_DEPTH + SPARE_DEPTH, PATH_BITS);
        let small = size < C::LAYOUT.buckets.ilog2() as usize;
        let possible = size >= MIN_BUCKETS.ilog2() as usize
            && size <= C::LAYOUT.buckets.ilog2() as usize
            && u32::from(descriptor.depth) <= deepest
            && (!small || descriptor.depth == 0);
        let end =
            u64::from(id) * Self::SEGMENT_BYTES + if possible { C::LAYOUT.used_bytes(1 << size) as u64 } else { 0 };
        if !possible {
            return Err(self.damaged_descriptor(id));
        }
        if end > self.index.len() {
            return Err(Error::corrupt(INDEX_FILE, self.index.len(), format!("segment {id} reaches past the end")));
        }
        Ok(descriptor)
    }
}

/// A live main segment and its chain.
pub(super) struct Node {
    /// The main segment first.
    pub ids: Vec<u32>,
    pub descriptor: Descriptor,
}

/// Checks that the prefixes, in order, cover all positions once.
fn tile(nodes: &[Node]) -> Result<()> {
    let mut next = Some(0u64);
    for Node { ids, descriptor } in nodes {
        if next != Some(descriptor.prefix) {
            return Err(damaged(ids[0], "the segments overlap or leave a gap"));
        }
        next = match descriptor.depth {
            0 => None,
            depth => descriptor.prefix.checked_add(1 << (64 - u32::from(depth))),
        };
        let misplaced = match descriptor.depth {
            0 => nodes.len() > 1,
            depth => descriptor.prefix << depth != 0,
        };
        if misplaced {
            return Err(damaged(ids[0], "a segment's prefix does not fit its depth"));
        }
    }
    if next.is_some() || nodes.is_empty() { Err(damaged(0, "segments are missing")) } else { Ok(()) }
}

pub(super) fn damaged(id: u32, what: &str) -> Error {
    Error::corrupt(SEGMENTS_FILE, u64::from(id), format!("segment {id}: {what}"))
}
