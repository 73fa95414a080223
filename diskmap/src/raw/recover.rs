//! Bringing a map to life: empty, from its live descriptors after a kill, or from a checkpoint after anything else.
//!
//! Must not know file names or boot ids: the caller decides which root counts. Invariant: nothing read here is acted on
//! before it is checked, and doing it twice gives the same map.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use super::{
    Core, SEGMENTS_FILE,
    intent::{INTENT, INTENTS_AT, Intent},
    recorded::Recorded,
    space::SegmentSpace,
};
use crate::{
    crash,
    error::{Error, Result},
    format::{identity::SECTOR, manifest::Manifest},
    heap::{Freed, Heap},
    row::Row,
    signals::Signals,
    store::ByteStore,
    table::{
        Descriptor, Directory, Scheme, Sequences, State, descriptor::DESCRIPTOR, directory::Entry, layout::MIN_BUCKETS,
    },
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
        core.len();
        Ok(core)
    }

    /// The map in the stores, as `root` has it. If that is [`Root::Live`], what was written since the checkpoint has not been
    /// counted yet: ask for [`Core::len`] before the first change.
    pub(crate) fn open(
        scheme: C,
        files: Files<B>,
        signals: Arc<Signals>,
        manifest: Manifest,
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
        let mut ids = core.index.len().div_ceil(Self::SEGMENT_BYTES).min(u64::from(u32::MAX)) as usize;
        let recorded;
        if live {
            core.finish_intents()?;
            ids = ids.min(core.descriptors().len());
            recorded = Arc::new(Recorded::new(manifest.segments, ids)?);
        } else {
            recorded = Arc::new(Recorded::new(manifest.segments, ids)?);
            core.restore(&recorded, manifest.generation, manifest.entries)?;
            ids = ids.min(core.descriptors().len());
        }
        if empty {
            core.generation.fetch_max(manifest.generation.min(u64::MAX / 2) + 1, Ordering::Relaxed);
            core.begin(MIN_BUCKETS)?;
            core.len();
            return Ok(core);
        }
        let tree = core.read_tree(ids as u32)?;
        // A close returned after all of it was on the medium: it is not read once more.
        let protected = if root == Root::Closed { Entry::PROTECTED } else { Entry::PROTECTED | Entry::UNVERIFIED };
        core.show_tree(&tree, |node| {
            let mut chain = tree.chains.get(&node.id).into_iter().flatten();
            let is_recorded = recorded.get(node.id).is_some() || chain.any(|&id| recorded.get(id).is_some());
            if is_recorded { protected } else { 0 }
        })?;
        *core.space() = SegmentSpace::new(&tree.used, Arc::clone(&recorded));
        core.generation.fetch_max(manifest.generation.min(u64::MAX / 2) + 1, Ordering::Relaxed);
        // What was restored adds up (`restore`), unless some of it is out of reach.
        if !live && tree.len() == recorded.len() {
            core.counted.get_or_init(|| core.counts.get(0).0.store(manifest.entries as i64, Ordering::Relaxed));
        }
        let _ = core.recorded.set(recorded);
        Ok(core)
    }

    /// Entries in the segments of the map: those that a checkpoint refers to as it says, the others by their control words.
    fn count_entries(&self) -> u64 {
        let space = self.space();
        let log2_buckets = (self.directory.view().mask() + 1).ilog2() as u8;
        let each = space.used_ids().into_iter().map(|id| match space.sum(id) {
            Some(sum) => u64::from(sum.entries).min(C::LAYOUT.slots_in(C::LAYOUT.buckets) as u64),
            None => self.segment_by_id(id, log2_buckets).count() as u64,
        });
        each.sum()
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
            recorded: OnceLock::new(),
            generation: AtomicU64::new(1),
            copies: AtomicU64::new(0),
            counts: Row::default(),
            counted: OnceLock::new(),
            count: Self::count_entries,
            sequences: Sequences::new(),
            records: OnceLock::new(),
            shared: AtomicU32::new(0),
            signals,
        }
    }

    pub(super) fn grow_segments(&self, id: u32) -> Result<()> {
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
                    self.finish_clear(new, &mut Freed::default());
                }
            }
            crash::point("open: intent finished");
            intents.clear(record);
            crash::point("open: intent cleared");
        }
        Ok(())
    }
}
