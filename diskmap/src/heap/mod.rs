//! The heap: records of keys and values of variable length, in cells of 64 KiB blocks or in runs of whole blocks.
//!
//! Knows bytes and their lengths; must not know slots, types or files' names. Invariant: a cell that is handed out was
//! neither live nor masked, and is marked live before its address is returned.

pub(crate) mod block;
mod cells;
pub(crate) mod class;
mod compact;
mod copy;
mod free;
mod limbo;
mod mask;
mod open;
pub(crate) mod record;
mod space;
pub(crate) mod survey;

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence},
};

use self::{
    block::{BlockTable, Kind},
    class::{SIZES, class_for},
    limbo::Limbo,
    record::{MAX_LEN, Parts, RecordShape},
    space::{Space, Use},
};
pub(crate) use self::{cells::OpenBlocks, compact::Evacuation, limbo::Freed, space::HeapUsage};
use crate::{
    crash,
    error::{Checked, Error, Result},
    signals::Signals,
    store::{ByteStore, VecStore, is_short, make_room},
    table::{prefetch::prefetch, reference::MAX_HEAP},
};

/// The name of the heap's file in messages.
pub(crate) const HEAP_FILE: &str = "heap";
/// The name of the block table's file in messages.
pub(crate) const BLOCKS_FILE: &str = "blocks";

/// A writer has the block open: its cells are that writer's to hand out.
const OPEN: u8 = 1;
/// The block is in a list of the space.
const LISTED: u8 = 2;
/// Live bits changed since the last capture.
const DIRTY: u8 = 4;

/// The heap over a store for its bytes and one for the block table.
pub(crate) struct Heap<B> {
    store: B,
    tables: B,
    /// One byte of flags a block, in process memory.
    flags: VecStore,
    /// Where there are readers in other threads: what they may still look at.
    limbo: OnceLock<Arc<Limbo>>,
    shift: u32,
    space: Mutex<Space>,
    signals: Arc<Signals>,
}

/// A fresh cell or run that nothing refers to yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    /// Byte offset in the heap.
    pub at: u64,
    /// Bytes that may be used.
    pub len: usize,
}

impl<B: ByteStore> Heap<B> {
    /// Byte offsets below this can be read.
    #[inline(always)]
    pub(crate) fn len(&self) -> u64 {
        self.store.len()
    }

    /// The record at a byte offset, if it lies in the heap with all its bytes.
    #[inline(always)]
    pub(crate) fn parts(&self, shape: RecordShape, at: u64) -> Checked<Parts> {
        let len = self.len();
        if !at.is_multiple_of(8) || at.saturating_add(16) > len {
            return Err(self.damaged(at, "a reference points outside the heap").into());
        }
        let start = self.store.view().wrapping_add(at as usize);
        // SAFETY: 16 bytes from `start` lie in the store (checked), 8-byte aligned as the base and `at` are.
        let (head, second) = unsafe {
            let head = AtomicU64::from_ptr(start.cast()).load(Ordering::Relaxed);
            (head, AtomicU32::from_ptr(start.add(8).cast()).load(Ordering::Relaxed))
        };
        let parts = shape.read((head >> 32) as u32, second);
        if at + parts.end() as u64 > len {
            return Err(self.damaged(at, "a record reaches past the end of the heap").into());
        }
        Ok(parts)
    }

    /// Bytes of a part of a live record.
    ///
    /// # Safety
    /// `part` came from [`Heap::parts`] for the record at `at`, and the record is not freed and reused during `'a`.
    #[inline(always)]
    pub(crate) unsafe fn bytes<'a>(&self, at: u64, part: (usize, usize)) -> &'a [u8] {
        // SAFETY: in the store (`parts`), initialised, and immutable while the record lives (caller).
        unsafe { std::slice::from_raw_parts(self.store.view().wrapping_add(at as usize + part.0), part.1) }
    }

    /// Asks for the first line of a record.
    #[inline(always)]
    pub(crate) fn prefetch(&self, at: u64) {
        prefetch(self.store.view().wrapping_add(at as usize));
    }

    /// Records are read by an address of their own from now on, if there can be one.
    pub(crate) fn divide_view(&self) {
        self.store.divide_view();
    }

    /// Records are read by the address they are written by.
    pub(crate) fn join_view(&self) {
        self.store.join_view();
    }

    /// Whether only one thread changes live bits: whoever shares a map has freed cells kept first.
    #[inline(always)]
    fn is_alone(&self) -> bool {
        self.limbo().is_none()
    }

    /// Asks for what freeing a record looks at.
    #[inline(always)]
    pub(crate) fn prefetch_freeing(&self, at: u64) {
        let entry = (at >> self.shift) as usize * block::entry_bytes(self.shift);
        prefetch(self.tables.base().wrapping_add(entry));
    }

    /// A cell or run for a record of `parts`.
    pub(crate) fn allocate(&self, open: &mut OpenBlocks, shape: RecordShape, len: usize) -> Result<Fresh> {
        // `parts` reads 16 bytes at once, so no record lies closer to the end.
        let len = len.max(16);
        match class_for(len, shape.align(), self.shift) {
            Some(class) => self.cell(open, class),
            None => self.run(len),
        }
    }

    /// The bytes of a fresh cell.
    ///
    /// # Safety
    /// Nothing refers to the cell yet, and only this caller knows it; the slice is dropped before it is published.
    pub(crate) unsafe fn fresh<'a>(&self, fresh: Fresh) -> &'a mut [u8] {
        fence(Ordering::Release);
        // SAFETY: the cell lies in the store, which is initialised; exclusive (caller).
        unsafe { std::slice::from_raw_parts_mut(self.store.base().wrapping_add(fresh.at as usize), fresh.len) }
    }

    /// Writes what was stored to the medium.
    pub(crate) fn sync(&self) -> Result<()> {
        self.store.sync()
    }

    /// Begins with it.
    pub(crate) fn begin_sync(&self) {
        self.store.begin_sync();
    }

    /// Logarithm of the bytes of a block.
    pub(crate) fn shift(&self) -> u32 {
        self.shift
    }

    /// Bytes of the files.
    pub(crate) fn file_size(&self) -> u64 {
        self.store.len() + self.tables.len()
    }

    /// Cuts free blocks off the end of the files.
    pub(crate) fn trim(&self) -> Result<()> {
        let mut space = self.space();
        self.sweep(&mut space);
        space.cut_end();
        let blocks = space.kinds.len() as u64;
        self.store.truncate(blocks << self.shift)?;
        crash::point("trim: records cut");
        self.tables.truncate(blocks * block::entry_bytes(self.shift) as u64)
    }

    /// Allocates file space for `bytes` bytes of records beyond what is in use.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<()> {
        let space = self.space();
        let free = u64::from(space.free_at_end());
        let blocks = bytes.div_ceil(1 << self.shift).saturating_sub(free) + space.kinds.len() as u64;
        self.grow_to(blocks)
    }

    fn run(&self, len: usize) -> Result<Fresh> {
        let blocks = len.div_ceil(1 << self.shift);
        if len as u64 > 2 * MAX_LEN + 64 {
            return Err(Error::TooLarge { side: "entry", len: len as u64, max: 2 * MAX_LEN });
        }
        let mut space = self.space();
        let first = self.take_blocks(&mut space, blocks as u32, Use::Run)?;
        let table = self.table();
        for block in first + 1..first + blocks as u32 {
            table.set_kind(block, Kind::Tail);
            crash::point("heap: run tail");
            space.kinds[block as usize] = Kind::Tail;
        }
        let kind = Kind::Run(blocks as u32);
        table.set_kind(first, kind);
        crash::point("heap: run begun");
        space.kinds[first as usize] = kind;
        if self.flag(first).fetch_or(DIRTY, Ordering::SeqCst) & DIRTY == 0 {
            space.dirty.push(first);
        }
        table.mark(first, 0, self.is_alone());
        crash::point("heap: run marked");
        self.signals.changed((blocks as u64) << self.shift);
        Ok(Fresh { at: u64::from(first) << self.shift, len: blocks << self.shift })
    }

    /// Blocks in a row that are free, growing the files if there are none.
    fn take_blocks(&self, space: &mut Space, count: u32, use_for: Use) -> Result<u32> {
        let first = match space.take_free(count, use_for) {
            Some(first) => first,
            None if space.evacuation.is_some() => return Err(Error::Full { capacity: self.store.len() }),
            None if self.fits_file(space, count) => self.extend(space, count)?,
            None => {
                let table = self.table();
                let usage = space.usage(&table, self.shift);
                // Less than what is live: cells that are let go of do not fit every record.
                self.signals.growing(usage.kept, usage.live - usage.live / 4);
                if self.limbo().is_some() {
                    // Blocks whose cells readers were done with one by one.
                    space.list_released(&table, self);
                }
                self.sweep(space);
                match space.take_free(count, use_for) {
                    Some(first) => first,
                    None => self.extend(space, count)?,
                }
            }
        };
        self.store.prepare(u64::from(first + count) << self.shift);
        self.tables.prepare(u64::from(first + count) * block::entry_bytes(self.shift) as u64);
        Ok(first)
    }

    /// Whether blocks at the end fit without growing the files.
    fn fits_file(&self, space: &Space, count: u32) -> bool {
        let end = space.kinds.len() as u64 - u64::from(space.free_at_end()) + u64::from(count);
        !is_short(&self.store, end << self.shift)
    }

    /// Blocks at the end of the files.
    fn extend(&self, space: &mut Space, count: u32) -> Result<u32> {
        let have = space.kinds.len() as u64;
        let end = have - u64::from(space.free_at_end()) + u64::from(count);
        if end << self.shift > MAX_HEAP {
            return Err(Error::TooLarge { side: "heap", len: end << self.shift, max: MAX_HEAP });
        }
        self.grow_to(end)?;
        let at_end = space.free_at_end();
        space.cut_end();
        let first = space.kinds.len() as u32;
        debug_assert_eq!(u64::from(first) + u64::from(at_end), have);
        space.kinds.resize(end as usize, Kind::Free);
        Ok(first)
    }

    fn grow_to(&self, blocks: u64) -> Result<()> {
        make_room(&self.store, blocks << self.shift, 1 << self.shift)?;
        crash::point("heap: records grown");
        let entry = block::entry_bytes(self.shift) as u64;
        make_room(&self.tables, blocks * entry, entry)?;
        crash::point("heap: table grown");
        if blocks > self.flags.len() {
            if let Some(limbo) = self.limbo.get() {
                limbo.grow(blocks.next_multiple_of(4096))?;
            }
            self.flags.grow(blocks, blocks.next_multiple_of(4096))?;
        }
        Ok(())
    }

    fn table(&self) -> BlockTable {
        let len = (self.tables.len() as usize / block::entry_bytes(self.shift))
            .min((self.store.len() >> self.shift) as usize)
            .min(self.flags.len() as usize);
        // SAFETY: the store holds that many entries, never moves them, and is touched as atomics only.
        unsafe { BlockTable::new(self.tables.base(), len, self.shift) }
    }

    fn flag(&self, block: u32) -> &AtomicU8 {
        assert!(u64::from(block) < self.flags.len(), "every block of the table has flags");
        // SAFETY: in the store (checked), touched as atomics only, and the store never moves.
        unsafe { AtomicU8::from_ptr(self.flags.base().add(block as usize)) }
    }

    fn lower_flag(&self, block: u32, flag: u8) {
        self.flag(block).fetch_and(!flag, Ordering::SeqCst);
    }

    fn space(&self) -> MutexGuard<'_, Space> {
        self.space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn damaged(&self, at: u64, what: &str) -> Error {
        Error::corrupt(HEAP_FILE, at, what)
    }
}
