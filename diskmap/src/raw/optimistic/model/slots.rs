//! A segment's slots: removed, moved and filled again under a reader.

use super::{Map, Step, Step::*, explore, word};

const KEY: u64 = 2;
const NEIGHBOUR: u64 = 4;
const OTHER: u64 = 6;
/// At home in the second bucket.
const STRANGER: u64 = 7;

fn removal_read_by(without: &'static [Step], read: fn(&Map)) {
    let prepare = |map: &Map| map.fill(0, (0, 0), word(KEY, 1));
    let write = |map: &Map| {
        map.remove(0, (0, 0), KEY);
        map.fill(0, (0, 0), word(OTHER, 2));
    };
    explore(without, prepare, write, read);
}

fn removal(without: &'static [Step]) {
    removal_read_by(without, |map| assert!(matches!(map.find(0, KEY), None | Some(1)), "another key's value"));
}

#[test]
fn a_slot_that_is_removed_and_filled_again_is_read_whole() {
    removal(&[]);
    removal_read_by(&[], |map| assert!(matches!(map.find(0, OTHER), None | Some(2)), "another key's value"));
}

/// Another prefix leads to the segment, too, and has the key that comes into the slot.
fn removal_beside_another_prefix(without: &'static [Step]) {
    removal_read_by(without, |map| assert!(matches!(map.find(1, OTHER), None | Some(2)), "another key's value"));
}

#[test]
fn a_slot_that_another_prefix_takes_over_is_read_whole() {
    removal_beside_another_prefix(&[]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_removal_needs_the_bump_of_all_prefixes() {
    removal_beside_another_prefix(&[AllPrefixes]);
}

#[test]
fn one_of_the_writers_fences_is_enough() {
    removal(&[FenceAfterBump]);
    removal(&[FenceBeforeWords]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_removal_needs_its_bump() {
    removal(&[BumpAfterRemove]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_removal_needs_the_writers_fence() {
    removal(&[FenceAfterBump, FenceBeforeWords]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_removal_needs_the_readers_fence() {
    removal(&[ReadersFence]);
}

#[test]
#[should_panic(expected = "torn")]
fn a_removal_needs_the_sequence_acquired() {
    removal(&[AcquiredSequence]);
}

/// The neighbour overflowed to the next bucket, past a key that overflowed too.
fn neighbour(write: fn(&Map)) {
    let prepare = |map: &Map| {
        map.fill(0, (1, 0), word(KEY, 1));
        map.fill(0, (1, 1), word(NEIGHBOUR, 1));
    };
    explore(&[], prepare, write, |map| assert!(map.find(0, NEIGHBOUR) == Some(1), "missed"));
}

#[test]
fn a_key_beside_a_removed_one_is_always_found() {
    neighbour(|map| {
        map.remove(0, (1, 0), KEY);
        map.fill(0, (1, 0), word(STRANGER, 2));
    });
}

#[test]
#[should_panic(expected = "missed")]
fn a_key_beside_a_removed_one_needs_its_own_count() {
    neighbour(|map| {
        map.segments[0].lower(0, 1);
        map.remove(0, (1, 0), KEY);
    });
}

fn move_in_bucket(without: &'static [Step], bumps_first: bool) {
    let prepare = |map: &Map| map.fill(0, (0, 0), word(KEY, 1));
    let write: fn(&Map) = if bumps_first {
        |map| {
            map.bump(&[0]);
            flip(map);
            map.fill(0, (0, 0), word(OTHER, 3));
        }
    } else {
        |map| {
            flip(map);
            if map.does(BumpAfterFlip) {
                map.bump(&[0]);
            }
            map.fill(0, (0, 0), word(OTHER, 3));
        }
    };
    explore(without, prepare, write, |map| assert!(matches!(map.find(0, KEY), Some(1 | 2)), "missed"));
}

/// Gives the key new words in the second lane.
fn flip(map: &Map) {
    let segment = &map.segments[0];
    map.write(0, (0, 1), word(KEY, 2));
    let control = super::own(&segment.controls[0]);
    if !map.does(OneFlip) {
        segment.set_control(0, control - super::tag(0));
    }
    segment.set_control(0, control - super::tag(0) + super::tag(1));
}

#[test]
fn a_key_that_moves_within_its_bucket_is_always_found_whole() {
    move_in_bucket(&[], false);
}

#[test]
#[should_panic(expected = "torn")]
fn a_move_within_a_bucket_needs_its_bump() {
    move_in_bucket(&[BumpAfterFlip], false);
}

/// The reader takes the sequence after the bump and the control word before the flip.
#[test]
#[should_panic(expected = "torn")]
fn a_move_within_a_bucket_needs_its_bump_after_the_flip() {
    move_in_bucket(&[], true);
}

#[test]
#[should_panic(expected = "missed")]
fn a_move_within_a_bucket_flips_both_tags_at_once() {
    move_in_bucket(&[OneFlip], false);
}

/// Moves the key from one bucket to the other.
fn move_across(map: &Map, from: usize, to: usize) {
    let segment = &map.segments[0];
    if map.does(CountsFirst) {
        segment.raise(0, to);
    }
    map.write(0, (to, 0), word(KEY, 2));
    segment.set_control(to, super::own(&segment.controls[to]) + super::tag(0));
    if map.does(BumpBeforeOldTag) {
        map.bump(&[0]);
    }
    segment.clear((from, 0));
    if map.does(BumpAfterOldTag) {
        map.bump(&[0]);
    }
    if !map.does(CountsFirst) {
        segment.raise(0, to);
    }
    segment.lower(0, from);
}

fn move_nearer(without: &'static [Step], read: fn(&Map)) {
    let prepare = |map: &Map| map.fill(0, (1, 0), word(KEY, 1));
    let write = |map: &Map| {
        move_across(map, 1, 0);
        map.fill(0, (1, 0), word(STRANGER, 3));
    };
    explore(without, prepare, write, read);
}

fn move_further(without: &'static [Step]) {
    let prepare = |map: &Map| map.fill(0, (0, 0), word(KEY, 1));
    let write = |map: &Map| {
        move_across(map, 0, 1);
        map.fill(0, (0, 0), word(OTHER, 3));
    };
    explore(without, prepare, write, find_moved);
}

fn find_moved(map: &Map) {
    assert!(matches!(map.find(0, KEY), Some(1 | 2)), "missed");
}

/// The key that takes the old slot.
fn find_stranger(map: &Map) {
    assert!(matches!(map.find(0, STRANGER), None | Some(3)), "another key's value");
}

#[test]
fn a_key_that_moves_nearer_is_always_found_whole() {
    move_nearer(&[], find_moved);
    move_nearer(&[], find_stranger);
}

#[test]
fn a_key_that_moves_further_is_always_found_whole() {
    move_further(&[]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_move_nearer_needs_a_bump_before_the_old_tag_goes() {
    move_nearer(&[BumpBeforeOldTag], find_moved);
}

#[test]
#[should_panic(expected = "torn")]
fn a_move_nearer_needs_a_bump_after_the_old_tag_went() {
    move_nearer(&[BumpAfterOldTag], find_stranger);
}

#[test]
#[should_panic(expected = "torn")]
fn a_move_further_needs_a_bump_after_the_old_tag_went() {
    move_further(&[BumpAfterOldTag]);
}

#[test]
#[should_panic(expected = "missed")]
fn a_move_further_needs_the_counts_first() {
    move_further(&[CountsFirst]);
}

/// Two updates in place of the second word, or of both.
fn in_place(without: &'static [Step]) {
    let prepare = |map: &Map| map.fill(0, (0, 0), word(KEY, 1));
    let write = |map: &Map| {
        let slot = &map.segments[0].slots[0][0];
        for version in [2, 3] {
            if !map.does(OneWord) {
                slot[0].store(word(KEY, version), super::Release);
            }
            slot[1].store(word(KEY, version), super::Release);
        }
        map.finish();
    };
    explore(without, prepare, write, |map| {
        let finished = map.finished();
        let (first, second) = (value(map), value(map));
        assert!(first <= second, "went back");
        assert!(!finished || first == 3, "missed");
    });
}

/// The version in the second word, which is the value; with the first one, if it is part of that.
fn value(map: &Map) -> u64 {
    let way = super::Way::new(map, 0);
    let image = super::settled(&way, |stamp| map.search(stamp, 0, |_| Some(true))).expect("never removed");
    assert!(map.does(OneWord) || image[0] == image[1], "torn: {image:?}");
    image[1] & 15
}

#[test]
fn a_word_that_is_stored_in_place_is_the_old_or_the_new_one() {
    in_place(&[]);
}

#[test]
#[should_panic(expected = "torn")]
fn two_words_cannot_be_stored_in_place() {
    in_place(&[OneWord]);
}
