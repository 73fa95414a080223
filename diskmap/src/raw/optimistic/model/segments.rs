//! Segments: replaced under a reader, and reused for the same keys or others.

use std::sync::Arc;

use loom::{sync::atomic::AtomicU64, thread};

use super::{
    Acquire, CHAINED, Map, Relaxed, Release, Segment, Source,
    Step::{self, *},
    explore, fence, settled, word,
};

/// Stays, with prefix 0.
const KEY: u64 = 2;
/// Is removed, with prefix 0.
const GONE: u64 = 4;
/// With prefix 1.
const OTHER: u64 = 6;

/// Segment 0 holds both prefixes; it is split into 1 and 2. Then 2 is copied, and the copy is where 0 was.
fn split(without: &'static [Step]) {
    let prepare = |map: &Map| {
        map.fill(0, (0, 0), word(KEY, 1));
        map.fill(2, (0, 0), word(OTHER, 2));
    };
    let write = |map: &Map| {
        map.fill(1, (0, 0), word(KEY, 1));
        map.point(0, 1);
        map.point(1, 2);
        map.retire(&[0, 1]);
        map.reuse(0);
        map.fill(0, (0, 1), word(OTHER, 2));
        map.point(1, 0);
    };
    explore(without, prepare, write, |map| assert!(map.find(0, KEY) == Some(1), "missed"));
}

#[test]
fn a_key_is_always_found_while_its_segment_is_split_and_reused() {
    split(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_split_needs_a_bump() {
    split(&[BumpOfReplaced]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_split_needs_the_sequence_first() {
    split(&[SequenceFirst]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_split_needs_the_sequence_acquired() {
    split(&[AcquiredSequence]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_split_needs_the_directory_switched_with_release() {
    split(&[ReleasedEntry]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_split_needs_the_writers_fence() {
    split(&[FenceAfterBump, FenceBeforeWords]);
}

/// The same by two writers: one splits, the other reuses what it finds free.
fn split_by_two(without: &'static [Step]) {
    loom::model(move || {
        let map = Arc::new(Map::new(without));
        map.fill(0, (0, 0), word(KEY, 1));
        map.fill(1, (0, 0), word(KEY, 1));
        let writers: [fn(&Map); 2] = [
            |map| {
                map.point(0, 1);
                map.retire(&[0]);
                map.finish();
            },
            |map| {
                if map.finished() {
                    map.reuse(0);
                    map.fill(0, (0, 1), word(OTHER, 2));
                }
            },
        ];
        let writers = writers.map(|write| {
            let map = Arc::clone(&map);
            thread::spawn(move || write(&map))
        });
        assert!(map.find(0, KEY) == Some(1), "missed");
        writers.into_iter().for_each(|writer| writer.join().unwrap());
    });
}

#[test]
fn a_key_is_always_found_while_another_writer_reuses_its_segment() {
    split_by_two(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn each_writer_needs_a_fence_of_its_own() {
    split_by_two(&[FenceBeforeWords]);
}

/// A key is removed from the copy of its segment, whose place is reused with the key that stays.
fn removal_after_copy(without: &'static [Step]) {
    let prepare = |map: &Map| {
        map.fill(0, (0, 0), word(GONE, 1));
        map.fill(1, (0, 0), word(GONE, 1));
    };
    let write = |map: &Map| {
        map.point(0, 1);
        map.retire(&[0]);
        map.remove(1, (0, 0), GONE);
        map.finish();
        map.reuse(0);
        map.fill(0, (0, 0), word(OTHER, 2));
    };
    explore(without, prepare, write, |map| {
        let finished = map.finished();
        let found = map.find(0, GONE);
        assert!(matches!(found, None | Some(1)), "another key's value");
        assert!(!finished || found.is_none(), "found once more");
    });
}

#[test]
fn a_key_that_was_removed_is_not_found_again() {
    removal_after_copy(&[]);
}

#[test]
#[should_panic(expected = "found once more")]
fn a_removal_is_over_only_when_others_can_know() {
    removal_after_copy(&[ReleasedEnd, FenceAfterBump]);
}

/// Segment 0 is copied to 1 and back again, with other words each time.
fn there_and_back(without: &'static [Step]) {
    let prepare = |map: &Map| {
        map.fill(0, (0, 0), word(KEY, 1));
        map.fill(1, (0, 0), word(KEY, 2));
    };
    let write = |map: &Map| {
        map.point(0, 1);
        map.retire(&[0]);
        map.reuse(0);
        map.fill(0, (0, 0), word(KEY, 3));
        map.point(0, 0);
        map.finish();
    };
    explore(without, prepare, write, |map| {
        let finished = map.finished();
        let found = map.find(0, KEY);
        assert!(matches!(found, Some(1..=3)), "missed");
        assert!(!finished || found == Some(3), "out of date");
    });
}

#[test]
fn a_segment_that_comes_back_to_its_place_is_not_taken_for_the_old_one() {
    there_and_back(&[]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_segment_that_comes_back_needs_a_bump() {
    there_and_back(&[BumpOfReplaced]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_segment_that_comes_back_needs_the_sequence_first() {
    there_and_back(&[SequenceFirst]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_segment_that_comes_back_needs_the_sequence_acquired() {
    there_and_back(&[AcquiredSequence]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_segment_that_comes_back_needs_the_readers_fence() {
    there_and_back(&[ReadersFence]);
}

/// The key lies in an overflow segment, 1, of segment 0. Both are rebuilt as 2, then 1 is reused for others.
fn chain(without: &'static [Step]) {
    let prepare = |map: &Map| {
        map.segments[0].next.store(1, Release);
        map.fill(1, (0, 0), word(KEY, 1));
        map.fill(2, (0, 0), word(KEY, 1));
        map.point(0, CHAINED);
    };
    let write = |map: &Map| {
        map.point(0, 2);
        map.retire(&[0]);
        map.reuse(1);
        map.fill(1, (0, 1), word(OTHER, 2));
    };
    explore(without, prepare, write, |map| assert!(map.find(0, KEY) == Some(1), "missed"));
}

#[test]
fn a_key_is_always_found_while_its_chain_is_replaced_and_reused() {
    chain(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_chain_needs_the_bump_of_what_is_replaced() {
    chain(&[BumpOfReplaced]);
}

/// A key moves to a new overflow segment: the entry's flag tells readers of it.
fn lengthen(without: &'static [Step]) {
    let prepare = |map: &Map| map.fill(0, (0, 0), word(KEY, 1));
    let write = |map: &Map| {
        map.segments[0].next.store(1, Release);
        map.point(0, CHAINED);
        map.fill(1, (0, 0), word(KEY, 2));
        if map.does(BumpBeforeOldTag) {
            map.bump(&[0]);
        }
        map.segments[0].clear((0, 0));
        if map.does(BumpAfterOldTag) {
            map.bump(&[0]);
        }
        map.fill(0, (0, 0), word(OTHER, 3));
    };
    explore(without, prepare, write, |map| assert!(matches!(map.find(0, KEY), Some(1 | 2)), "missed"));
}

#[test]
fn a_key_that_moves_to_a_new_overflow_segment_is_always_found_whole() {
    lengthen(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_move_to_an_overflow_segment_needs_the_sequence_first() {
    lengthen(&[SequenceFirst]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_move_to_an_overflow_segment_needs_a_bump_before_the_old_tag_goes() {
    lengthen(&[BumpBeforeOldTag]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_move_to_an_overflow_segment_needs_a_bump_after_the_old_tag_went() {
    lengthen(&[BumpAfterOldTag]);
}

/// A map of one small segment grows: arrays of the directory with an entry and a mask each.
#[derive(Default)]
struct Growing {
    sequence: AtomicU64,
    current: AtomicU64,
    arrays: [(AtomicU64, AtomicU64); 2],
    segments: [Segment; 2],
}

impl Growing {
    fn array(&self) -> (u64, u64) {
        let (entry, mask) = &self.arrays[self.current.load(Acquire) as usize];
        (entry.load(Acquire), mask.load(Relaxed))
    }
}

impl Source for Growing {
    type Entry = u64;

    fn sequence(&self) -> u64 {
        self.sequence.load(Acquire)
    }

    fn entry(&self) -> u64 {
        self.array().0
    }

    fn sequence_after(&self) -> u64 {
        fence(Acquire);
        self.sequence.load(Relaxed)
    }

    fn pause(&self) {
        loom::thread::yield_now();
    }
}

/// Segment 0, of one bucket, is doubled into 1, which is rebuilt where 0 was.
fn growth(without: &'static [Step]) {
    loom::model(move || {
        let map = Arc::new(Growing::default());
        map.segments[0].set_control(0, 1);
        let writer = thread::spawn({
            let map = Arc::clone(&map);
            move || {
                let [old, new] = &map.segments;
                new.set_control(1, 1);
                map.arrays[1].0.store(1, Relaxed);
                map.arrays[1].1.store(1, Relaxed);
                map.current.store(1, Release);
                map.sequence.store(1, Release);
                fence(Release);
                old.set_control(0, 0);
                old.set_control(1, 1);
                map.arrays[1].0.store(0, Release);
            }
        });
        let found = settled(&*map, |stamp| {
            let (entry, mask) = map.array();
            if !without.contains(&MaskOfTheArray) && entry != stamp.entry {
                return None;
            }
            // The key's hash is 1.
            Some(map.segments[stamp.entry as usize].control((1 & mask) as usize))
        });
        assert!(found == 1, "missed");
        writer.join().unwrap();
    });
}

#[test]
fn a_key_is_always_found_while_a_small_segment_grows_and_its_place_is_reused() {
    growth(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_small_segment_needs_a_mask_of_its_own_array() {
    growth(&[MaskOfTheArray]);
}
