//! The segments of a map that is opened, as a checkpoint or the descriptors have them.
//!
//! Must not know which of the two counts. Invariant: the segments found tile all positions exactly, and each lies in the
//! index with a size and a depth that are possible.

use std::{
    cmp::Ordering as CmpOrdering,
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use super::{
    Core, INDEX_FILE, SEGMENTS_FILE,
    recorded::Recorded,
    replace::{FREE_DEPTH, SPARE_DEPTH},
};
use crate::{
    crash,
    error::{Error, Result},
    format::manifest::SegmentRecord,
    hash::{BUCKET_BITS, PATH_BITS},
    store::ByteStore,
    table::{Descriptor, Scheme, State, directory::Entry, layout::MIN_BUCKETS},
};

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Writes the descriptors as the checkpoint has them; all others are free.
    pub(super) fn restore(&self, recorded: &Recorded, generation: u64, entries: u64) -> Result<()> {
        for record in 0..self.intents().len() {
            self.intents().clear(record);
        }
        if let Some(highest) = recorded.iter().map(|record| record.id).max() {
            self.grow_segments(highest)?;
        }
        let descriptors = self.descriptors();
        let mut next = BTreeMap::new();
        for record in recorded.iter().filter(|record| record.chained_after != SegmentRecord::NONE) {
            if next.insert(record.chained_after, record.id).is_some() {
                return Err(damaged(record.id, "two segments of the checkpoint are chained to the same one"));
            }
        }
        for id in 0..descriptors.len() as u32 {
            let wanted = match recorded.get(id) {
                Some(record) => Descriptor {
                    state: State::Live,
                    depth: record.depth,
                    log2_buckets: record.log2_buckets,
                    overflow: record.chained_after != SegmentRecord::NONE,
                    prefix: record.prefix,
                    next: next.get(&id).copied(),
                    generation,
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
            // One that has not changed since an earlier generation says so.
            let same = |found: Descriptor| {
                found.generation <= generation && Descriptor { generation: wanted.generation, ..found } == wanted
            };
            if !descriptors.read(id).is_some_and(same) {
                descriptors.write(id, &wanted);
                crash::point("open: descriptor restored");
            }
        }
        let slots = |record: &SegmentRecord| C::LAYOUT.slots_in(1 << record.log2_buckets.min(BUCKET_BITS as u8));
        if let Some(record) = recorded.iter().find(|record| record.entries as usize > slots(record)) {
            return Err(damaged(record.id, "the checkpoint counts more entries in it than it has slots"));
        }
        let sum: u64 = recorded.iter().map(|record| u64::from(record.entries)).sum();
        if sum != entries {
            return Err(damaged(0, "the checkpoint's entries do not add up"));
        }
        Ok(())
    }

    /// The live segments, of which the main ones have prefixes that could tile all positions. What is live but unreachable
    /// is freed.
    pub(super) fn read_tree(&self, ids: u32) -> Result<Tree> {
        let descriptors = self.descriptors();
        let mut tree = Tree { nodes: Vec::with_capacity(ids as usize), chains: BTreeMap::new(), used: Vec::new() };
        tree.used.resize(ids as usize, false);
        let mut overflow = BTreeSet::new();
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
                    self.check(id, &descriptor)?;
                    if descriptor.overflow {
                        overflow.insert(id);
                    } else {
                        let Descriptor { prefix, depth, log2_buckets, next, .. } = descriptor;
                        tree.nodes.push(Node { prefix, id, depth, log2_buckets, chained: next.is_some() });
                        tree.used[id as usize] = true;
                    }
                }
            }
        }
        self.generation.fetch_max(newest, Ordering::Relaxed);
        for node in tree.nodes.iter().filter(|node| node.chained) {
            let chain = self.chain(node.id)?;
            for &id in &chain {
                let descriptor = self.checked(id)?;
                if !overflow.remove(&id) || descriptor.log2_buckets != node.log2_buckets {
                    return Err(damaged(id, "a chain leads to a segment that cannot be in it"));
                }
                tree.used[id as usize] = true;
            }
            tree.chains.insert(node.id, chain);
        }
        for id in overflow {
            descriptors.set_state(id, State::Free);
            crash::point("open: unreachable segment freed");
        }
        could_tile(&tree.nodes)?;
        Ok(tree)
    }

    /// The directory that leads to a tree's segments, with flags beside those that follow from a segment itself.
    pub(super) fn show_tree(&self, tree: &Tree, flags: impl Fn(&Node) -> u64) -> Result<()> {
        let Some(first) = tree.nodes.first() else { return Err(damaged(0, "segments are missing")) };
        let depth = tree.nodes.iter().map(|node| u32::from(node.depth)).max().unwrap_or(0).max(1);
        // Only a map of one segment has a small one (`check`, `could_tile`).
        let mask = (1usize << first.log2_buckets) - 1;
        let tiles = tree.nodes.iter().map(|node| {
            let chained = if node.chained { Entry::CHAINED } else { 0 };
            let entry = Self::entry_of(node.id, chained | Self::small(mask) | flags(node));
            (node.prefix, u32::from(node.depth), entry)
        });
        let installed = self.directory.install_tiles(depth, mask, tiles);
        installed.map_err(|at| damaged(tree.nodes[at].id, "the segments overlap or leave a gap"))
    }

    /// A descriptor whose numbers are possible and whose segment lies in the index.
    pub(super) fn checked(&self, id: u32) -> Result<Descriptor> {
        let descriptor = self.descriptor(id)?;
        self.check(id, &descriptor)?;
        Ok(descriptor)
    }

    /// Checks that a descriptor's numbers are possible and that its segment lies in the index.
    #[inline]
    fn check(&self, id: u32, descriptor: &Descriptor) -> Result<()> {
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
        Ok(())
    }
}

/// The live segments.
pub(super) struct Tree {
    /// Main segments, by id.
    pub nodes: Vec<Node>,
    /// What hangs on to some of them, by their ids.
    pub chains: BTreeMap<u32, Vec<u32>>,
    /// By id: whether it is one of these segments.
    pub used: Vec<bool>,
}

impl Tree {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() + self.chains.values().map(Vec::len).sum::<usize>()
    }
}

/// A live main segment.
pub(super) struct Node {
    pub prefix: u64,
    pub id: u32,
    pub depth: u8,
    pub log2_buckets: u8,
    pub chained: bool,
}

/// Checks that each prefix fits its depth, and that together they are as long as all positions: if no two of them overlap they
/// then cover all, and the deepest is less deep than there are segments, whatever the file says.
fn could_tile(nodes: &[Node]) -> Result<()> {
    let mut covered = 0u128;
    for node in nodes {
        let misplaced = match node.depth {
            0 => nodes.len() > 1 || node.prefix != 0,
            depth => node.prefix << depth != 0,
        };
        if misplaced {
            return Err(damaged(node.id, "a segment's prefix does not fit its depth"));
        }
        covered += 1 << (64 - u32::from(node.depth));
    }
    match covered.cmp(&(1 << 64)) {
        CmpOrdering::Less => Err(damaged(0, "segments are missing")),
        CmpOrdering::Equal => Ok(()),
        CmpOrdering::Greater => Err(damaged(0, "the segments overlap")),
    }
}

pub(super) fn damaged(id: u32, what: &str) -> Error {
    Error::corrupt(SEGMENTS_FILE, u64::from(id), format!("segment {id}: {what}"))
}
