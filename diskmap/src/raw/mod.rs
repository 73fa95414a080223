//! The untyped map: canonical bytes in, bytes out. Segments, heap and directory put together, with a reader's half
//! (`find`, `cursor`) and a writer's half (`write`, `replace`).
//!
//! Must not know key or value types, files or threads. Invariant: what a lookup can see is always a whole entry;
//! everything is written first and published with one store of at most 8 bytes.

mod bump;
mod chain;
mod clear;
mod compact;
mod copy;
mod cursor;
mod find;
pub(crate) mod intent;
mod optimistic;
mod peek;
mod prepared;
mod presplit;
mod read;
mod recorded;
mod recover;
mod replace;
mod salvage;
mod share;
mod shrink;
mod snapshot;
mod space;
mod tree;
mod verify;
mod write;

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering, compiler_fence},
};

pub(crate) use self::{
    compact::Emptying,
    cursor::Walk,
    find::{Found, Lookup, Vacant, Way},
    peek::Glance,
    prepared::Prepared,
    presplit::{buckets_for, fits, segments_for},
    read::Copied,
    recover::{Files, Root, descriptors_at, erase_identity, read_identity},
    salvage::Source,
    share::MAX_WRITERS,
    snapshot::Frozen,
    verify::Validate,
    write::Payload,
};
use self::{intent::Intents, recorded::Recorded, space::SegmentSpace};
use crate::{
    error::{Error, Result},
    heap::{Freed, Heap, HeapUsage, OpenBlocks, class::BLOCK_SHIFT, record::RecordShape},
    row::Row,
    signals::Signals,
    store::ByteStore,
    table::{
        Descriptor, Descriptors, Directory, Layout, Reference, Scheme, Segment, Sequences, SlotImage,
        descriptor::DESCRIPTOR, directory::Entry,
    },
};

/// The name of the index in messages.
pub(crate) const INDEX_FILE: &str = "index";
/// The name of the segment table in messages.
pub(crate) const SEGMENTS_FILE: &str = "segments";

/// The map's memory and everything readers and writers share.
pub(crate) struct Core<B, C> {
    scheme: C,
    directory: Directory,
    index: B,
    heap: Option<Heap<B>>,
    segments: B,
    intents: u32,
    space: Mutex<SegmentSpace>,
    /// What the checkpoint that was there at the opening says of its segments.
    recorded: OnceLock<Arc<Recorded>>,
    generation: AtomicU64,
    /// Segments that were copied because a checkpoint or a snapshot refers to them, since the last checkpoint began.
    copies: AtomicU64,
    /// By the writers' numbers.
    counts: Row<Arc<Count>>,
    /// Set when the entries that were there at the opening are among the counts.
    counted: OnceLock<()>,
    /// Counts them.
    count: fn(&Self) -> u64,
    sequences: Sequences,
    /// A lock for each intent record, if there are fewer of these than writers.
    records: OnceLock<Box<[Mutex<()>]>>,
    /// 0 if the map is not shared; else 1 more than the bits of depth that every segment has at least.
    shared: AtomicU32,
    signals: Arc<Signals>,
}

/// Entries that a writer added less those that it removed, alone in its cache line.
#[repr(align(64))]
#[derive(Default)]
struct Count(AtomicI64);

/// What one writer owns: its intent record, its counter and its open blocks of the heap.
pub(crate) struct Writer {
    number: u32,
    count: Arc<Count>,
    open: OpenBlocks,
}

impl Writer {
    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// What it freed since it was asked last, if cells are kept for readers.
    pub(crate) fn freed(&mut self) -> &mut Freed {
        &mut self.open.freed
    }

    fn count(&self, change: i64) {
        let count = &self.count.0;
        count.store(count.load(Ordering::Relaxed) + change, Ordering::Relaxed);
    }
}

impl<B, C> Core<B, C> {
    /// Number of entries. Linear in the number of writers; takes no lock. After the writer was killed the first call counts,
    /// which has to be before the first change: see [`Core::open`].
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.counted.get_or_init(|| self.counts.get(0).0.store((self.count)(self) as i64, Ordering::Relaxed));
        self.counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum::<i64>().max(0) as u64
    }

    /// The only writer.
    pub(crate) fn writer(&self) -> Writer {
        self.writer_with(0)
    }

    /// Several writers. Each is for keys that no other one changes.
    pub(crate) fn writers(&self, count: u32) -> Vec<Writer> {
        if count > self.intents {
            self.records.get_or_init(|| std::iter::repeat_with(Mutex::default).take(self.intents as usize).collect());
        }
        self.counts.extend(count);
        (0..count).map(|number| self.writer_with(number)).collect()
    }

    fn writer_with(&self, number: u32) -> Writer {
        Writer { number, count: Arc::clone(self.counts.get(number)), open: OpenBlocks::new() }
    }

    /// What schedules checkpoints.
    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The way to the segments.
    #[inline(always)]
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    fn space(&self) -> MutexGuard<'_, SegmentSpace> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: ByteStore, C> Core<B, C> {
    /// Changes with every checkpoint; what was found before must then be found again before it is written to.
    #[inline(always)]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Gives back what the writer has open.
    pub(crate) fn retire_writer(&self, writer: &mut Writer) {
        if let Some(heap) = &self.heap {
            heap.close(&mut writer.open);
        }
    }

    /// No reader can know of these freed cells any more.
    pub(crate) fn reclaim(&self, freed: &Freed) {
        if let Some(heap) = &self.heap {
            heap.reclaim(freed);
        }
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    const LAYOUT: Layout = C::LAYOUT;
    const RECORD: RecordShape = RecordShape::of(&C::LAYOUT);
    const SEGMENT_BYTES: u64 = C::LAYOUT.segment_bytes() as u64;

    /// The hasher and the layout.
    #[inline(always)]
    pub(crate) fn scheme(&self) -> &C {
        &self.scheme
    }

    /// Bytes of the map's files or memory.
    pub(crate) fn file_size(&self) -> u64 {
        self.index.len() + self.segments.len() + self.heap.as_ref().map_or(0, Heap::file_size)
    }

    /// Logarithm of the bytes of a heap block.
    pub(crate) fn block_shift(&self) -> u32 {
        self.heap.as_ref().map_or(BLOCK_SHIFT, Heap::shift)
    }

    /// Allocates heap space for `bytes` bytes of records.
    pub(crate) fn reserve_heap(&self, bytes: u64) -> Result<()> {
        self.heap.as_ref().map_or(Ok(()), |heap| heap.reserve(bytes))
    }

    /// What is in use, and what is kept for checkpoints and snapshots.
    pub(crate) fn usage(&self) -> Usage {
        let heap = self.heap.as_ref().map_or_else(HeapUsage::default, Heap::usage);
        let space = self.space();
        Usage {
            segments: space.used(),
            heap_bytes: heap.used,
            kept_bytes: space.kept() * Self::SEGMENT_BYTES + heap.kept,
            held_bytes: space.held() * Self::SEGMENT_BYTES + heap.held,
        }
    }

    /// Has the medium begin with what [`Core::sync`] will write.
    pub(crate) fn begin_sync(&self) {
        self.index.begin_sync();
        if let Some(heap) = &self.heap {
            heap.begin_sync();
        }
    }

    /// Writes index and heap to the medium.
    pub(crate) fn sync(&self) -> Result<()> {
        self.index.sync()?;
        self.heap.as_ref().map_or(Ok(()), Heap::sync)
    }

    #[inline(always)]
    fn heap(&self) -> &Heap<B> {
        match &self.heap {
            Some(heap) => heap,
            None => unreachable!("a layout with records has a heap (`recover`)"),
        }
    }

    /// The segment of a directory entry, of `mask + 1` buckets.
    #[inline(always)]
    fn segment(&self, entry: Entry, mask: usize) -> Segment<C> {
        // SAFETY: the directory only has segments that lie in the index with all their buckets (`recover`, `space`), and
        // the base is loaded after the entry, so it reaches them. One with fewer buckets than `mask + 1` has the flag
        // `SMALL`, and what `full_segment` returns for it is given to nothing but prefetches, which touch no memory.
        unsafe { Segment::new(self.index.base().wrapping_add(entry.at() as usize), mask) }
    }

    /// The segment of a directory entry, if that is without the flag `SMALL`. With it, what is returned may only be
    /// prefetched (`way`, `prepare` and `lookup` look at the flag before anything else).
    #[inline(always)]
    fn full_segment(&self, entry: Entry) -> Segment<C> {
        self.full_segment_at(entry.at())
    }

    /// As `full_segment`, by the entry's byte offset.
    #[inline(always)]
    fn full_segment_at(&self, at: u64) -> Segment<C> {
        // SAFETY: as in `segment`.
        unsafe { Segment::new(self.index.base().wrapping_add(at as usize), Self::LAYOUT.buckets - 1) }
    }

    /// As `segment`, for reading while others write.
    #[inline(always)]
    fn segment_view(&self, entry: Entry, mask: usize) -> Segment<C> {
        // What this thread stored by the other address comes before what it reads by this one.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as in `segment`: the view is loaded after the entry and reaches as far. It is only read from.
        unsafe { Segment::new(self.index.view().wrapping_add(entry.at() as usize), mask) }
    }

    /// The segment with an id that is in use, being filled, or kept by a checkpoint.
    fn segment_by_id(&self, id: u32, log2_buckets: u8) -> Segment<C> {
        let at = u64::from(id) * Self::SEGMENT_BYTES;
        let buckets = 1usize << log2_buckets;
        assert!(
            buckets <= Self::LAYOUT.buckets && at + Self::LAYOUT.used_bytes(buckets) as u64 <= self.index.len(),
            "segment ids and sizes are checked where they are read"
        );
        // SAFETY: the segment lies in the index with all its buckets (checked).
        unsafe { Segment::new(self.index.base().wrapping_add(at as usize), buckets - 1) }
    }

    fn id(entry: Entry) -> u32 {
        (entry.at() / Self::SEGMENT_BYTES) as u32
    }

    fn entry_of(id: u32, flags: u64) -> Entry {
        Entry::new(u64::from(id) * Self::SEGMENT_BYTES, flags)
    }

    /// The flag of a directory entry for a segment of `mask + 1` buckets.
    fn small(mask: usize) -> u64 {
        if mask < Self::LAYOUT.buckets - 1 { Entry::SMALL } else { 0 }
    }

    fn descriptors(&self) -> Descriptors {
        let at = descriptors_at(self.intents);
        let len = self.segments.len().saturating_sub(at) as usize / DESCRIPTOR;
        // SAFETY: the store holds that many descriptors after the head, never moves them, touched as atomics only.
        unsafe { Descriptors::new(self.segments.base().wrapping_add(at as usize), len) }
    }

    fn descriptor(&self, id: u32) -> Result<Descriptor> {
        let descriptors = self.descriptors();
        let found = if (id as usize) < descriptors.len() { descriptors.read(id) } else { None };
        found.ok_or_else(|| self.damaged_descriptor(id))
    }

    fn intents(&self) -> Intents {
        // SAFETY: the head of the store holds the intent records (`recover`), touched as atomics only.
        unsafe { Intents::new(self.segments.base(), self.intents) }
    }

    #[cold]
    fn damaged_descriptor(&self, id: u32) -> Error {
        let at = descriptors_at(self.intents) + u64::from(id) * DESCRIPTOR as u64;
        Error::corrupt(SEGMENTS_FILE, at, format!("the descriptor of segment {id} is impossible"))
    }
}

/// What is in use and what is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Segments of the map.
    pub segments: u64,
    /// Bytes of the heap's blocks in use, with what is kept in them.
    pub heap_bytes: u64,
    /// Bytes of segments and cells that the map no longer needs, but checkpoints do.
    pub kept_bytes: u64,
    /// The same for snapshots.
    pub held_bytes: u64,
}

/// The bytes of a slot's reference, if the layout has one.
fn reference(layout: &Layout, image: &SlotImage) -> Option<Reference> {
    layout.has_heap().then(|| Reference(image.0[layout.reference_word()]))
}
