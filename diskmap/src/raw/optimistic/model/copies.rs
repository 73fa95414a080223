//! A whole segment copied while an entry moves to another bucket: it is in two slots for a moment, and must be met once.
//!
//! The look at the intents is that of `Core::copy_entries`, with a record of one kind. Must not know what is done with a
//! copy.

use std::sync::Arc;

use loom::{sync::atomic::AtomicU64, thread};

use super::{
    Map, Relaxed, Release,
    Step::{self, *},
    Way, own, settled, tag, word,
};

const KEY: u64 = 2;
/// Stays where it is.
const NEIGHBOUR: u64 = 4;
/// Takes the old slot.
const STRANGER: u64 = 7;

/// A map with one intent record.
struct Moving {
    map: Map,
    is_move: AtomicU64,
    segment: AtomicU64,
}

impl Moving {
    fn does(&self, step: Step) -> bool {
        self.map.does(step)
    }

    fn announce(&self, id: u64) {
        self.segment.store(id, Release);
        self.is_move.store(1, Release);
    }

    fn done(&self) {
        self.is_move.store(0, Release);
    }

    /// Gives the key of a segment new words in another bucket. Each prefix leads to the segment of its number.
    fn move_across(&self, id: usize, from: usize, to: usize) {
        let (map, segment) = (&self.map, &self.map.segments[id]);
        if self.does(IntentFirst) {
            self.announce(id as u64);
        }
        map.write(id, (to, 0), word(KEY, 2));
        segment.set_control(to, own(&segment.controls[to]) + tag(0));
        if !self.does(IntentFirst) {
            self.announce(id as u64);
        }
        if !self.does(IntentUntilBump) {
            self.done();
        }
        if self.does(BumpBeforeOldTag) {
            map.bump(&[id]);
        }
        segment.clear((from, 0));
        if self.does(BumpAfterOldTag) {
            map.bump(&[id]);
        }
        if self.does(IntentUntilBump) {
            self.done();
        }
    }

    fn is_on_the_move(&self, id: u64) -> bool {
        // The fence before the last look at the sequence orders them.
        self.is_move.load(Relaxed) == 1 && self.segment.load(Relaxed) == id
    }

    /// The keys of the first segment, in order.
    fn copy(&self) -> Vec<u64> {
        let way = Way::new(&self.map, 0);
        let mut images = settled(&way, |stamp| {
            let segment = &self.map.segments[stamp.entry as usize];
            let mut images = Vec::new();
            for bucket in 0..2 {
                let control = segment.control(bucket);
                images
                    .extend((0..2).filter(|&lane| control & tag(lane) != 0).map(|lane| segment.image((bucket, lane))));
            }
            (!self.does(LookAtIntents) || !self.is_on_the_move(stamp.entry)).then_some(images)
        });
        images.sort_unstable();
        images
            .into_iter()
            .inspect(|image| assert!(image[0] == image[1], "torn: {image:?}"))
            .map(|i| i[0] >> 4)
            .collect()
    }
}

/// The key moves from one bucket to the other, and then its old slot is taken, or the key of another segment moves too.
fn moves(without: &'static [Step], from: usize, then: fn(&Moving, usize)) {
    loom::model(move || {
        let moving = Moving { map: Map::new(without), is_move: AtomicU64::new(0), segment: AtomicU64::new(0) };
        moving.map.fill(0, (from, 0), word(KEY, 1));
        moving.map.fill(0, (0, 1), word(NEIGHBOUR, 1));
        moving.map.fill(1, (0, 0), word(KEY, 1));
        let moving = Arc::new(moving);
        let writer = thread::spawn({
            let moving = Arc::clone(&moving);
            move || {
                moving.move_across(0, from, 1 - from);
                then(&moving, from);
            }
        });
        let met = moving.copy();
        let times = |key| met.iter().filter(|&&met| met == key).count();
        assert!(times(KEY) < 2, "met twice");
        assert!(times(KEY) == 1 && times(NEIGHBOUR) == 1, "missed");
        assert!(times(STRANGER) < 2, "another key's value");
        writer.join().unwrap();
    });
}

fn moves_and_fills(without: &'static [Step], from: usize) {
    moves(without, from, |moving, from| moving.map.fill(0, (from, 0), word(STRANGER, 3)));
}

/// The next intent is in the record before the reader looks at it.
fn moves_twice(without: &'static [Step]) {
    moves(without, 0, |moving, _| moving.move_across(1, 0, 1));
}

#[test]
fn an_entry_that_moves_is_copied_once() {
    moves_and_fills(&[], 0);
    moves_and_fills(&[], 1);
}

#[test]
fn an_entry_that_moved_before_another_one_is_copied_once() {
    moves_twice(&[]);
}

#[test]
#[should_panic(expected = "met twice")]
fn a_copy_needs_a_look_at_the_intents() {
    moves_and_fills(&[LookAtIntents], 0);
}

#[test]
#[should_panic(expected = "met twice")]
fn a_copy_needs_the_intent_before_the_new_tag() {
    moves_and_fills(&[IntentFirst], 0);
}

#[test]
#[should_panic(expected = "met twice")]
fn a_copy_needs_the_intent_until_a_bump() {
    moves_and_fills(&[IntentUntilBump], 0);
}

/// An intent is as good as the bump that makes who looks a key up look again.
#[test]
#[should_panic(expected = "missed")]
fn a_copy_needs_the_intent_or_a_bump_before_the_old_tag_goes() {
    moves_and_fills(&[LookAtIntents, BumpBeforeOldTag], 1);
}

#[test]
#[should_panic(expected = "met twice")]
fn a_copy_needs_a_bump_after_the_old_tag_went() {
    moves_and_fills(&[BumpAfterOldTag], 0);
}

#[test]
#[should_panic(expected = "met twice")]
fn a_copy_needs_the_readers_fence() {
    moves_and_fills(&[ReadersFence], 0);
}
