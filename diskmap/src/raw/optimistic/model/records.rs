//! Records in the heap: unlinked, and their cells written again, under a pinned reader.

use std::sync::Arc;

use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

use super::{
    Acquire, Map, Relaxed, Release,
    Step::{self, *},
    Way, fence, settled, word,
};

const KEY: u64 = 2;
const OTHER: u64 = 4;

/// A map whose slots refer to cells, and a collector for one reader.
struct Heap {
    map: Map,
    /// Loom fails if one is written while it may be read.
    cells: [UnsafeCell<u64>; 3],
    pinned: AtomicU64,
}

// SAFETY: loom watches the cells.
unsafe impl Sync for Heap {}

impl Heap {
    fn does(&self, step: Step) -> bool {
        self.map.does(step)
    }

    fn write(&self, cell: u64, content: u64) {
        // SAFETY: loom fails if anyone else may touch the cell.
        self.cells[cell as usize].with_mut(|at| unsafe { *at = content });
    }

    fn read(&self, cell: u64) -> u64 {
        // SAFETY: loom fails if anyone may write to the cell.
        self.cells[cell as usize].with(|at| unsafe { *at })
    }

    /// Swings the reference of the first slot of a segment to another cell.
    fn swing(&self, id: usize, cell: u64) {
        let order = if self.does(ReleasedWord) { Release } else { Relaxed };
        self.map.segments[id].slots[0][0][0].store(cell, order);
    }

    /// Writes to a cell that nothing refers to any more, unless a reader may.
    fn reuse(&self, cell: u64, content: u64) {
        if self.does(FenceAfterUnlink) {
            fence(SeqCst);
        }
        if !self.does(Limbo) || self.pinned.load(Acquire) == 0 {
            self.write(cell, content);
        }
    }

    /// The version of the key.
    fn find(&self) -> Option<u64> {
        if self.does(PinFirst) {
            self.pin();
        }
        let way = Way::new(&self.map, 0);
        let image = settled(&way, |stamp| {
            self.map.search(stamp, 0, |image| {
                if self.does(Validation) && !stamp.holds() {
                    return None;
                }
                Some(self.read(image[0]) >> 4 == KEY)
            })
        });
        if !self.does(PinFirst) {
            self.pin();
        }
        // Once more, as one who holds on to what it found.
        let content = image.map(|image| self.read(image[0]));
        self.pinned.store(0, Release);
        assert!(content.is_none_or(|content| content >> 4 == KEY), "another key's value");
        content.map(|content| content & 15)
    }

    fn pin(&self) {
        self.pinned.store(1, Relaxed);
        if self.does(FenceAfterPin) {
            fence(SeqCst);
        }
    }
}

/// Tries a writer beside a reader. Cell 0 has the key, which the first slot of segments 0 and 1 refers to.
fn explore(without: &'static [Step], write: fn(&Heap), read: fn(&Heap)) {
    loom::model(move || {
        let heap = Heap { map: Map::new(without), cells: Default::default(), pinned: AtomicU64::new(0) };
        heap.write(0, word(KEY, 1));
        heap.map.fill(0, (0, 0), 0);
        heap.map.fill(1, (0, 0), 0);
        let heap = Arc::new(heap);
        let writer = thread::spawn({
            let heap = Arc::clone(&heap);
            move || write(&heap)
        });
        read(&heap);
        writer.join().unwrap();
    });
}

fn update(without: &'static [Step]) {
    let write = |heap: &Heap| {
        heap.write(1, word(KEY, 2));
        heap.swing(0, 1);
        heap.reuse(0, word(OTHER, 3));
    };
    explore(without, write, |heap| assert!(matches!(heap.find(), Some(1 | 2)), "missed"));
}

#[test]
fn a_record_that_is_updated_is_not_written_again_under_a_reader() {
    update(&[]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_the_pin_first() {
    update(&[PinFirst]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_the_readers_fence_after_the_pin() {
    update(&[FenceAfterPin]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_the_writers_fence_after_unlinking() {
    update(&[FenceAfterUnlink]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_limbo() {
    update(&[Limbo]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_a_reference_stored_with_release() {
    update(&[ReleasedWord]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_update_needs_the_readers_fence_before_the_record() {
    update(&[ReadersFence]);
}

/// The slot is filled again, with a reference to a fresh cell, and the old cell too.
fn removal(without: &'static [Step]) {
    let write = |heap: &Heap| {
        heap.map.remove(0, (0, 0), KEY);
        heap.write(1, word(OTHER, 2));
        heap.map.fill(0, (0, 0), 1);
        heap.reuse(0, word(OTHER, 3));
    };
    explore(without, write, |heap| assert!(matches!(heap.find(), None | Some(1)), "another key's value"));
}

#[test]
fn a_record_that_is_removed_is_not_written_again_under_a_reader() {
    removal(&[]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_removal_needs_validation_before_the_record_is_looked_at() {
    removal(&[Validation]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_removal_needs_limbo() {
    removal(&[Limbo]);
}

/// The segment is copied, the key updated in the copy, and the old segment reused for others.
fn copy(without: &'static [Step]) {
    let write = |heap: &Heap| {
        heap.map.point(0, 1);
        heap.map.retire(&[0]);
        heap.write(1, word(KEY, 2));
        heap.swing(1, 1);
        heap.reuse(0, word(OTHER, 3));
        heap.map.reuse(0);
        heap.write(2, word(OTHER, 4));
        heap.map.fill(0, (0, 0), 2);
    };
    explore(without, write, |heap| assert!(matches!(heap.find(), Some(1 | 2)), "missed"));
}

#[test]
fn a_record_of_a_segment_that_was_copied_is_not_written_again_under_a_reader() {
    copy(&[]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_copy_needs_validation_before_the_record_is_looked_at() {
    copy(&[Validation]);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_copy_needs_the_readers_fence_after_the_pin() {
    copy(&[FenceAfterPin]);
}
