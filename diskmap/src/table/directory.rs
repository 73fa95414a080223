//! The way from a position to a segment: an array of 2^depth words in process memory.
//!
//! Knows segments only as byte offsets. Invariant: a reader gets the array and its depth with one load, and an array
//! that a reader may hold lives as long as the directory.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicPtr, AtomicU64, Ordering},
};

/// Where a segment lies, and what has to be known before it is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry(u64);

impl Entry {
    /// A checkpoint or snapshot refers to the segment: copy it before writing.
    pub(crate) const PROTECTED: u64 = 1;
    /// The segment came from a checkpoint and its checksum has not been compared yet.
    pub(crate) const UNVERIFIED: u64 = 2;
    /// Overflow segments hang on to it.
    pub(crate) const CHAINED: u64 = 4;
    /// The segment has fewer buckets than a full one.
    pub(crate) const SMALL: u64 = 8;
    /// Where the flags end and the bits of depth begin.
    const DEPTH_SHIFT: u32 = 4;
    /// What a reader must look at.
    const READ_WITH_CARE: u64 = Self::UNVERIFIED | Self::CHAINED | Self::SMALL;
    const FLAGS: u64 = (1 << Self::DEPTH_SHIFT) - 1;
    /// What is not the offset.
    const NOTES: u64 = 4095;

    /// An entry for the segment at a byte offset (a multiple of 4096).
    pub(crate) fn new(at: u64, flags: u64) -> Entry {
        debug_assert!(at & Self::NOTES == 0 && flags & !Self::FLAGS == 0);
        Entry(at | flags)
    }

    /// Byte offset of the segment in the index.
    #[inline(always)]
    pub(crate) fn at(self) -> u64 {
        self.0 & !Self::NOTES
    }

    /// Bits of depth of the segment: so many bits of the position lead to it.
    #[inline(always)]
    pub(crate) fn depth(self) -> u32 {
        ((self.0 & Self::NOTES) >> Self::DEPTH_SHIFT) as u32
    }

    fn with_depth(self, depth: u32) -> Entry {
        Entry(self.0 & !(Self::NOTES & !Self::FLAGS) | u64::from(depth) << Self::DEPTH_SHIFT)
    }

    /// Whether it leads to a full segment that may be read as it is.
    #[inline(always)]
    pub(crate) fn reads_plainly(self) -> bool {
        !self.has(Self::READ_WITH_CARE)
    }

    /// Whether it leads to a full segment that may be read and written to as it is.
    #[inline(always)]
    pub(crate) fn writes_plainly(self) -> bool {
        !self.has(Self::READ_WITH_CARE | Self::PROTECTED)
    }

    /// Whether any of the flags is set.
    #[inline(always)]
    pub(crate) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    #[cfg(test)]
    fn flags(self) -> u64 {
        self.0 & Self::FLAGS
    }
}

#[repr(align(64))]
struct Line([AtomicU64; 8]);

impl Line {
    fn new() -> Line {
        Line([const { AtomicU64::new(UNCLAIMED) }; 8])
    }
}

/// What no entry is.
const UNCLAIMED: u64 = u64::MAX;

/// An array for 2^depth entries, none of which leads anywhere yet.
fn new_lines(depth: u32, mask: usize) -> Vec<Line> {
    assert!((1..64).contains(&depth), "the directory's depth is checked by its callers");
    let mut lines: Vec<Line> = std::iter::repeat_with(Line::new).take(1 + (1usize << depth).div_ceil(8)).collect();
    *lines[0].0[0].get_mut() = mask as u64;
    lines
}

/// The directory. Readers never wait.
pub(crate) struct Directory {
    /// The current array; the low 6 bits hold `64 - depth`.
    current: AtomicPtr<AtomicU64>,
    /// All arrays ever made, the current one last: a reader may still hold an older one. Doubling bounds their sum.
    /// Locked by whoever changes an entry, so that none is changed in an array while it is copied to the next one.
    arrays: Mutex<Vec<Vec<Line>>>,
}

/// One state of the directory's array.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// As in [`Directory::current`].
    tagged: *const AtomicU64,
    owner: std::marker::PhantomData<&'a Directory>,
}

impl Directory {
    /// A directory of depth `depth` (1 to 57) over segments of `mask + 1` buckets, all entries 0.
    pub(crate) fn new(depth: u32, mask: usize) -> Directory {
        Directory::of(depth, mask, |_| Entry(0))
    }

    /// The array as it is now.
    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        View { tagged: self.current.load(Ordering::Acquire), owner: std::marker::PhantomData }
    }

    /// Replaces the array: `entry(i)` for each of the 2^depth prefixes.
    pub(crate) fn install(&self, depth: u32, mask: usize, entry: impl Fn(usize) -> Entry) {
        self.install_in(&mut self.lock(), depth, mask, entry);
    }

    fn install_in(&self, arrays: &mut Vec<Vec<Line>>, depth: u32, mask: usize, entry: impl Fn(usize) -> Entry) {
        let mut lines = new_lines(depth, mask);
        for i in 0..1usize << depth {
            *lines[1 + i / 8].0[i % 8].get_mut() = entry(i).0;
        }
        self.show(arrays, depth, lines);
    }

    fn show(&self, arrays: &mut Vec<Vec<Line>>, depth: u32, lines: Vec<Line>) {
        let entries: *const AtomicU64 = lines.as_ptr().wrapping_add(1).cast();
        let tagged = entries.map_addr(|a| a | (64 - depth as usize)).cast_mut();
        self.current.store(tagged, Ordering::Release);
        arrays.push(lines);
    }

    /// Replaces the array by one that leads to tiles – a prefix, how many bits it has, where it leads – which are as long as all
    /// positions together. If one overlaps another, the array stays, and the error says which.
    pub(crate) fn install_tiles(
        &self,
        depth: u32,
        mask: usize,
        tiles: impl Iterator<Item = (u64, u32, Entry)>,
    ) -> Result<(), usize> {
        let mut lines = new_lines(depth, mask);
        for (at, (prefix, bits, entry)) in tiles.enumerate() {
            let first = (prefix >> (64 - depth)) as usize;
            for i in first..first + (1 << depth.saturating_sub(bits)) {
                let slot = lines.get_mut(1 + i / 8).map(|line| line.0[i % 8].get_mut());
                match slot {
                    Some(slot) if *slot == UNCLAIMED => *slot = entry.with_depth(bits).0,
                    _ => return Err(at),
                }
            }
        }
        self.show(&mut self.lock(), depth, lines);
        Ok(())
    }

    /// Another directory that leads to the same segments now.
    pub(crate) fn copy(&self) -> Directory {
        let view = self.view();
        Directory::of(view.depth(), view.mask(), |i| view.entry_at(i))
    }

    fn of(depth: u32, mask: usize, entry: impl Fn(usize) -> Entry) -> Directory {
        let directory = Directory { current: AtomicPtr::new(std::ptr::null_mut()), arrays: Mutex::default() };
        directory.install(depth, mask, entry);
        directory
    }

    /// Points all prefixes that start with the `depth` top bits of `prefix` to `to`. Doubles the array until its depth is at
    /// least `depth`.
    pub(crate) fn point(&self, prefix: u64, depth: u32, to: Entry) {
        let mut arrays = self.lock();
        let old = self.view();
        if depth > old.depth() {
            self.install_in(&mut arrays, depth, old.mask(), |i| old.entry_at(i >> (depth - old.depth())));
        }
        let to = to.with_depth(depth);
        for slot in self.view().range(prefix, depth) {
            slot.store(to.0, Ordering::Release);
        }
    }

    /// Sets and clears flags of all prefixes that start with the `depth` top bits of `prefix`.
    pub(crate) fn flag(&self, prefix: u64, depth: u32, set: u64, clear: u64) {
        let _arrays = self.lock();
        for slot in self.view().range(prefix, depth) {
            // Atomic each: a reader may note at the same time that it verified.
            slot.fetch_or(set, Ordering::AcqRel);
            if clear != 0 {
                slot.fetch_and(!clear, Ordering::AcqRel);
            }
        }
    }

    /// Notes that the segment of these prefixes was verified. Waits for nobody; if the array is copied meanwhile, or the
    /// segment replaced, it may be verified once more.
    pub(crate) fn verified(&self, prefix: u64, depth: u32) {
        let view = self.view();
        // What a reader was told of a segment that was replaced meanwhile may be nonsense.
        if view.has_range(prefix, depth) {
            for slot in view.range(prefix, depth) {
                slot.fetch_and(!Entry::UNVERIFIED, Ordering::AcqRel);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<Line>>> {
        self.arrays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: the pointer is to memory the directory owns (`arrays`) and is accessed as atomics only.
unsafe impl Send for Directory {}
// SAFETY: as above; changes go through atomics and the mutex.
unsafe impl Sync for Directory {}

impl<'a> View<'a> {
    /// Bits of the position that are looked at.
    #[inline(always)]
    pub(crate) fn depth(self) -> u32 {
        64 - self.shift()
    }

    #[inline(always)]
    fn shift(self) -> u32 {
        (self.tagged.addr() & 63) as u32
    }

    #[inline(always)]
    fn entries(self) -> *const AtomicU64 {
        self.tagged.map_addr(|at| at & !63)
    }

    /// Number of buckets of each segment, less 1.
    #[inline(always)]
    pub(crate) fn mask(self) -> usize {
        // SAFETY: the line before the entries belongs to the same array (`install`), which lives as long as `'a`.
        unsafe { (*self.entries().sub(8)).load(Ordering::Relaxed) as usize }
    }

    /// The entry for a position.
    #[inline(always)]
    pub(crate) fn entry(self, position: u64) -> Entry {
        // SAFETY: `position >> shift` is below 2^depth, the length of the array, which lives as long as `'a`.
        unsafe { Entry((*self.entries().add((position >> self.shift()) as usize)).load(Ordering::Acquire)) }
    }

    /// The entry for the `i`-th prefix.
    pub(crate) fn entry_at(self, i: usize) -> Entry {
        self.entry((i as u64) << self.shift())
    }

    fn has_range(self, prefix: u64, depth: u32) -> bool {
        let len = 1u64 << self.depth().saturating_sub(depth);
        (prefix >> self.shift()) + len <= 1 << self.depth()
    }

    fn range(self, prefix: u64, depth: u32) -> &'a [AtomicU64] {
        assert!(self.has_range(prefix, depth), "a range of the directory");
        let first = (prefix >> self.shift()) as usize;
        let len = 1usize << self.depth().saturating_sub(depth);
        // SAFETY: the range lies in the array (checked above), which lives as long as `'a`, and atomics may be shared.
        unsafe { std::slice::from_raw_parts(self.entries().add(first), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_installed_unless_they_overlap() {
        let directory = Directory::new(1, 15);
        let tiles = [(1 << 63, 1, Entry::new(4096, 0)), (0, 2, Entry::new(0, 0)), (1 << 62, 2, Entry::new(8192, 0))];
        assert_eq!(directory.install_tiles(2, 7, tiles.into_iter()), Ok(()));
        assert_eq!((directory.view().depth(), directory.view().mask()), (2, 7));
        let entries = [0, 1, 2, 3].map(|i| directory.view().entry_at(i).at());
        assert_eq!(entries, [0, 8192, 4096, 4096]);
        assert_eq!([0, 1, 2, 3].map(|i| directory.view().entry_at(i).depth()), [2, 2, 1, 1]);
        let overlapping = [(1 << 63, 1, Entry::new(4096, 0)), (3 << 62, 2, Entry::new(0, 0))];
        assert_eq!(directory.install_tiles(2, 15, overlapping.into_iter()), Err(1));
        assert_eq!(directory.view().mask(), 7);
    }

    #[test]
    fn points_and_deepens() {
        let directory = Directory::new(1, 15);
        directory.point(0, 0, Entry::new(4096, 0));
        directory.point(0, 3, Entry::new(4096, 0));
        assert_eq!((directory.view().depth(), directory.view().mask()), (3, 15));
        directory.point(1 << 63, 1, Entry::new(8192, Entry::PROTECTED));
        assert_eq!(directory.view().entry(0).at(), 4096);
        assert_eq!(directory.view().entry(u64::MAX).at(), 8192);
        directory.flag(3 << 62, 2, Entry::CHAINED, Entry::PROTECTED);
        assert!(directory.view().entry(1 << 63).has(Entry::PROTECTED));
        assert_eq!(directory.view().entry(3 << 62).flags(), Entry::CHAINED);
        assert_eq!([0, 1 << 63, u64::MAX].map(|position| directory.view().entry(position).depth()), [3, 1, 1]);
        let deep = Entry::new(4096, Entry::SMALL).with_depth(57);
        assert_eq!((deep.depth(), deep.at(), deep.flags(), deep.with_depth(3).depth()), (57, 4096, Entry::SMALL, 3));
    }
}
