//! Bringing a map to life: empty, from its live descriptors after a kill, or from a checkpoint after anything else.
//!
//! Must not know file names or boot ids: the caller decides which root counts. Invariant: nothing read here is acted on
//! before it is checked, doing it twice gives the same map, and the segments found tile all positions exactly.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Core, INDEX_FILE, SEGMENTS_FILE,
    intent::{INTENT, INTENTS_AT, Intent},
    replace::{FREE_DEPTH, SPARE_DEPTH},
    space::{SegmentSpace, Sum},
};
use crate::{
    crash,
    error::{Error, Result},
    format::{
        identity::SECTOR,
        manifest::{Manifest, SegmentRecord},
    },
    hash::{BUCKET_BITS, PATH_BITS},
    heap::Heap,
    signals::Signals,
    store::ByteStore,
    table::{Descriptor, Directory, Scheme, State, descriptor::DESCRIPTOR, directory::Entry, layout::MIN_BUCKETS},
};

/// Bytes of the `segments` file before the first descriptor, for `intents` intent records.
pub(crate) const fn descriptors_at(intents: u32) -> u64 {
    INTENTS_AT + intents as u64 * INTENT
}

/// The stores of a map. `heap` (records, block table) only where a side has variable length.
pub(crate) struct Files<B> {
    /// Segments.
    pub index: B,
    /// Identity, intents and descriptors.
    pub segments: B,
    /// Records, and the table of their blocks.
    pub heap: Option<(B, B)>,
    /// Logarithm of the bytes of a heap block.
    pub block_shift: u32,
    /// Intent records.
    pub intents: u32,
}

/// Which state of the files counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The live descriptors: only a process ended since they were written.
    Live,
    /// The checkpoint, and the index is the very file that was closed with it.
    Closed,
    /// The checkpoint.
    Checkpoint,
}

/// The identity sector at the head of a `segments` store, if it is long enough.
pub(crate) fn read_identity<B: ByteStore>(segments: &B) -> Option<[u8; SECTOR]> {
    let mut sector = [0; SECTOR];
    if segments.len() < SECTOR as u64 {
        return None;
    }
    for (at, word) in sector.chunks_exact_mut(8).enumerate() {
        // SAFETY: the sector lies in the store (checked), 8-byte aligned, touched as atomics only.
        let stored = unsafe { AtomicU64::from_ptr(segments.base().add(8 * at).cast()).load(Ordering::Acquire) };
        word.copy_from_slice(&stored.to_le_bytes());
    }
    Some(sector)
}

/// Makes a stored identity sector invalid before anything it vouches for changes.
pub(crate) fn erase_identity<B: ByteStore>(segments: &B) {
    for at in 0..(SECTOR / 8).min(segments.len() as usize / 8) {
        // SAFETY: as in `read_identity`.
        unsafe { AtomicU64::from_ptr(segments.base().add(8 * at).cast()).store(0, Ordering::Release) };
        crash::point("identity: a word erased");
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// An empty map in empty stores, with one segment of `buckets` buckets (a power of two).
    pub(crate) fn create(scheme: C, files: Files<B>, signals: Arc<Signals>, buckets: usize) -> Result<Core<B, C>> {
        let Files { index, segments, heap, block_shift, intents } = files;
        let heap = heap.map(|(store, tables)| Heap::create(store, tables, block_shift, Arc::clone(&signals)));
        let core = Core::bare(scheme, index, segments, heap, intents, signals);
        core.begin(buckets)?;
        Ok(core)
    }

    /// The map in the stores, as `root` has it.
    pub(crate) fn open(
        scheme: C,
        files: Files<B>,
        signals: Arc<Signals>,
        manifest: &Manifest,
        root: Root,
    ) -> Result<Core<B, C>> {
        let Files { index, segments, heap, block_shift, intents } = files;
        let live = root == Root::Live;
        let head = descriptors_at(intents);
        let short = |advice| {
            Error::corrupt(SEGMENTS_FILE, segments.len(), format!("the file is shorter than its head{advice}"))
        };
        if live && segments.len() < head {
            return Err(short(""));
        }
        // It is never synced: a power cut may leave nothing but its name, and all that was in it follows from the checkpoint.
        segments.grow(head, head.next_multiple_of(4096)).map_err(|error| match error {
            Error::ReadOnly => short(" (opening the map for writing mends that)"),
            error => error,
        })?;
        let empty = !live && manifest.segments.is_empty();
        let heap = match heap {
            Some((store, tables)) => {
                Some(Heap::open(store, tables, block_shift, Arc::clone(&signals), &manifest.blocks, live)?)
            }
            None => None,
        };
        let core = Core::bare(scheme, index, segments, heap, intents, signals);
        let ids = core.index.len().div_ceil(Self::SEGMENT_BYTES).min(u64::from(u32::MAX)) as usize;
        if live {
            core.finish_intents()?;
        } else {
            core.restore(manifest, ids)?;
        }
        if empty {
            core.generation.fetch_max(manifest.generation.min(u64::MAX / 2) + 1, Ordering::Relaxed);
            core.begin(MIN_BUCKETS)?;
            return Ok(core);
        }
        let ids = ids.min(core.descriptors().len());
        let tree = core.read_tree(ids as u32)?;
        let sums: HashMap<u32, Sum> = manifest
            .segments
            .iter()
            .map(|record| (record.id, Sum { checksum: record.checksum, entries: record.entries }))
            .collect();
        if let Some(id) = sums.keys().find(|&&id| id as usize >= ids) {
            return Err(damaged(*id, "the checkpoint names a segment past the end of the index"));
        }
        let used: HashSet<u32> = tree.iter().flat_map(|node| node.ids.iter().copied()).collect();
        *core.space() = SegmentSpace::new(ids, |id| used.contains(&id), |id| sums.get(&id).copied());
        core.generation.fetch_max(manifest.generation.min(u64::MAX / 2) + 1, Ordering::Relaxed);
        let mut entries = 0u64;
        for node in &tree {
            let protected = node.ids.iter().any(|id| sums.contains_key(id));
            core.show(node.ids[0], &node.descriptor);
            if protected {
                let depth = u32::from(node.descriptor.depth);
                // A close returned after all of it was on the medium: it is not read once more.
                let unverified = if root == Root::Closed { 0 } else { Entry::UNVERIFIED };
                core.directory.flag(node.descriptor.prefix, depth, Entry::PROTECTED | unverified, 0);
            }
            for &id in &node.ids {
                entries += match sums.get(&id) {
                    Some(sum) => u64::from(sum.entries).min(C::LAYOUT.slots_in(C::LAYOUT.buckets) as u64),
                    None => core.segment_by_id(id, node.descriptor.log2_buckets).count() as u64,
                };
            }
        }
        core.counts[0].0.store(entries as i64, Ordering::Relaxed);
        Ok(core)
    }

    /// Makes the first segment.
    fn begin(&self, buckets: usize) -> Result<()> {
        self.grow_segments(0)?;
        let first = Descriptor {
            state: State::Live,
            depth: 0,
            log2_buckets: buckets.clamp(MIN_BUCKETS, C::LAYOUT.buckets).ilog2() as u8,
            overflow: false,
            prefix: 0,
            next: None,
            generation: self.now(),
        };
        let id = self.new_segment(&first)?;
        self.show(id, &first);
        Ok(())
    }

    /// Writes the identity sector.
    pub(crate) fn write_identity(&self, sector: &[u8; SECTOR]) {
        for (at, word) in sector.chunks_exact(8).enumerate() {
            let word = word.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
            // SAFETY: the sector lies in the store (`begin`, `open`), 8-byte aligned, touched as atomics only.
            unsafe { AtomicU64::from_ptr(self.segments.base().add(8 * at).cast()).store(word, Ordering::Release) };
            crash::point("identity: a word written");
        }
    }

    pub(super) fn bare(
        scheme: C,
        index: B,
        segments: B,
        heap: Option<Heap<B>>,
        intents: u32,
        signals: Arc<Signals>,
    ) -> Core<B, C> {
        Core {
            scheme,
            directory: Directory::new(1, C::LAYOUT.buckets - 1),
            index,
            heap,
            segments,
            intents,
            space: Mutex::default(),
            generation: AtomicU64::new(1),
            copies: AtomicU64::new(0),
            counts: Box::new([Arc::default()]),
            signals,
        }
    }

    fn grow_segments(&self, id: u32) -> Result<()> {
        let need = descriptors_at(self.intents) + (u64::from(id) + 1) * DESCRIPTOR as u64;
        if need > self.segments.len() { self.segments.grow(need, need.next_multiple_of(4096)) } else { Ok(()) }
    }

    /// Finishes what committed intents announce.
    fn finish_intents(&self) -> Result<()> {
        let intents = self.intents();
        for record in 0..intents.len() {
            let at = INTENTS_AT + u64::from(record) * INTENT;
            let damage = |what: &str| Error::corrupt(SEGMENTS_FILE, at, format!("intent record {record}: {what}"));
            match intents.read(record).ok_or_else(|| damage("unknown kind"))? {
                None => continue,
                Some(Intent::Replace { old, new }) => {
                    for id in old.into_iter().chain(new).flatten() {
                        self.checked(id)?;
                    }
                    self.finish_replace(old, new)?;
                }
                Some(Intent::Move { old, new }) => {
                    let old_segment = self.segment_by_id(old.0, self.checked(old.0)?.log2_buckets);
                    let new_segment = self.segment_by_id(new.0, self.checked(new.0)?.log2_buckets);
                    if [old.1, new.1]
                        .iter()
                        .any(|slot| slot.lane >= C::LAYOUT.slots || slot.bucket >= C::LAYOUT.buckets)
                    {
                        return Err(damage("a slot outside its segment"));
                    }
                    let lanes = new_segment.lanes();
                    if lanes.tag(new_segment.control(new.1.bucket), new.1.lane) != 0 {
                        old_segment.clear(old.1);
                    }
                }
                Some(Intent::Clear { new }) => {
                    self.checked(new)?;
                    self.finish_clear(new);
                }
            }
            crash::point("open: intent finished");
            intents.clear(record);
            crash::point("open: intent cleared");
        }
        Ok(())
    }

    /// Writes the descriptors as the checkpoint has them; all others are free.
    fn restore(&self, manifest: &Manifest, ids: usize) -> Result<()> {
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
    fn read_tree(&self, ids: u32) -> Result<Vec<Node>> {
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
    fn checked(&self, id: u32) -> Result<Descriptor> {
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
struct Node {
    /// The main segment first.
    ids: Vec<u32>,
    descriptor: Descriptor,
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

fn damaged(id: u32, what: &str) -> Error {
    Error::corrupt(SEGMENTS_FILE, u64::from(id), format!("segment {id}: {what}"))
}
