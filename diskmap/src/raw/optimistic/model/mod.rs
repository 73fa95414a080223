//! The steps of readers and writers in every order that the memory model allows: a map in miniature, over loom's atomics.
//!
//! Knows nothing of the real segments; the readers' steps are the real ones. Invariant: every step that a model is said to
//! need is left out in another test of it, which must fail. A model that cannot fail proves nothing.
//!
//! All are run without a bound on preemptions.
//!
//! What loom does not try: that a load sees a store which comes later in the order it runs the threads in ("load
//! buffering"). Readers store nothing between their loads but the pin, whose end is a Release store, and what a writer loads
//! decides about its stores only through Acquire loads. `SeqCst` loads and stores are only Acquire and Release to it, so
//! there are fences where it counts. It remembers of an atomic who accessed it last, and no more: a thread that loads a word
//! before it stores it hides that another loaded it in between. Hence writers read their own words with `own`, and there is
//! one reader. Of an atomic it keeps the last seven stores; none here gets as many.

mod copies;
mod gate;
mod records;
mod segments;
mod slots;

use std::{cell::Cell, sync::Arc};

use loom::{
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
    thread,
};

use super::{Source, Stamp, settled};

/// What a model can be without.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// The reader has the sequence before it looks for the way.
    SequenceFirst,
    /// The reader fences before it looks at the sequence again.
    ReadersFence,
    /// The sequence is loaded with Acquire at first.
    AcquiredSequence,
    /// The writer fences after each bump.
    FenceAfterBump,
    /// The writer fences before it stores the words of a slot, or clears control words.
    FenceBeforeWords,
    /// A removal bumps after it took the tag off.
    BumpAfterRemove,
    /// It bumps for all prefixes that lead to the segment.
    AllPrefixes,
    /// A move within a bucket bumps once both tags are flipped.
    BumpAfterFlip,
    /// A move within a bucket flips both tags at once.
    OneFlip,
    /// A move to another bucket bumps between the new tag and the old.
    BumpBeforeOldTag,
    /// A move to another bucket bumps once more when the old tag is off.
    BumpAfterOldTag,
    /// Counts on the way are raised before the slot is filled.
    CountsFirst,
    /// A move to another bucket is announced before the new tag is on.
    IntentFirst,
    /// It is announced until a bump.
    IntentUntilBump,
    /// Who copies a segment looks whether an entry of it is on the move.
    LookAtIntents,
    /// There is a bump after the directory is switched, for all prefixes that led to what was replaced.
    BumpOfReplaced,
    /// The directory is switched with Release.
    ReleasedEntry,
    /// The number of buckets is from the same array as the entry.
    MaskOfTheArray,
    /// A value that is stored in place is of one word.
    OneWord,
    /// A word that is stored in place is stored with Release.
    ReleasedWord,
    /// A reader pins before its first load.
    PinFirst,
    /// A reader fences after it pinned.
    FenceAfterPin,
    /// A writer fences between unlinking a record and looking at the pins.
    FenceAfterUnlink,
    /// A writer leaves a record alone that a pinned reader may look at.
    Limbo,
    /// A reader validates before it looks at a record.
    Validation,
    /// What is over is told with Release.
    ReleasedEnd,
    /// The kernel fences for the writer.
    KernelsFence,
    /// A fence between the writer's announcement and its look at the attention word.
    FenceAfterAnnouncement,
    /// A fence between the bit in the attention word and the look at the announcement.
    FenceAfterStop,
}

/// A key and a version in one word. Both words of a slot are the same, and all keys have the same tag.
fn word(key: u64, version: u64) -> u64 {
    key << 4 | version
}

/// Even keys are at home in the first bucket.
fn home(key: u64) -> usize {
    (key & 1) as usize
}

type Image = [u64; 2];

/// Bucket and lane.
type Place = (usize, usize);

const CHAINED: u64 = 16;

/// Two entries of a directory, each with a sequence, and three segments.
struct Map {
    sequences: [AtomicU64; 2],
    directory: [AtomicU64; 2],
    segments: [Segment; 3],
    /// Set when the writer is done.
    done: AtomicU64,
    without: &'static [Step],
}

/// Two buckets of two slots of two words.
#[derive(Default)]
struct Segment {
    /// The overflow segment.
    next: AtomicU64,
    /// A byte for each lane's tag; above them, how many entries overflowed.
    controls: [AtomicU64; 2],
    slots: [[[AtomicU64; 2]; 2]; 2],
}

const OVERFLOW: u64 = 1 << 16;

fn tag(lane: usize) -> u64 {
    1 << (8 * lane)
}

/// A word that only the caller writes to. Not a load that loom takes for an access.
fn own(word: &AtomicU64) -> u64 {
    // SAFETY: loom itself fails if another thread's store does not come before or after it.
    unsafe { word.unsync_load() }
}

impl Segment {
    fn control(&self, bucket: usize) -> u64 {
        self.controls[bucket].load(Acquire)
    }

    fn set_control(&self, bucket: usize, to: u64) {
        self.controls[bucket].store(to, Release);
    }

    fn image(&self, (bucket, lane): Place) -> Image {
        let [first, second] = &self.slots[bucket][lane];
        [first.load(Relaxed), second.load(Relaxed)]
    }

    fn raise(&self, home: usize, bucket: usize) {
        (home..bucket).for_each(|at| self.set_control(at, own(&self.controls[at]) + OVERFLOW));
    }

    fn lower(&self, home: usize, bucket: usize) {
        (home..bucket).for_each(|at| self.set_control(at, own(&self.controls[at]) - OVERFLOW));
    }

    fn clear(&self, (bucket, lane): Place) {
        self.set_control(bucket, own(&self.controls[bucket]) - tag(lane));
    }
}

/// The writer's steps, named and ordered as in `table` and `raw`.
impl Map {
    fn new(without: &'static [Step]) -> Map {
        Map {
            sequences: Default::default(),
            directory: Default::default(),
            segments: Default::default(),
            done: AtomicU64::new(0),
            without,
        }
    }

    fn does(&self, step: Step) -> bool {
        !self.without.contains(&step)
    }

    fn bump(&self, prefixes: &[usize]) {
        for &prefix in prefixes {
            let sequence = &self.sequences[prefix];
            sequence.store(own(sequence) + 1, Release);
        }
        if self.does(Step::FenceAfterBump) {
            fence(Release);
        }
    }

    fn fence_before_words(&self) {
        if self.does(Step::FenceBeforeWords) {
            fence(Release);
        }
    }

    fn write(&self, id: usize, (bucket, lane): Place, content: u64) {
        self.fence_before_words();
        self.segments[id].slots[bucket][lane].iter().for_each(|word| word.store(content, Relaxed));
    }

    fn fill(&self, id: usize, at: Place, content: u64) {
        let segment = &self.segments[id];
        segment.raise(home(content >> 4), at.0);
        self.write(id, at, content);
        segment.set_control(at.0, own(&segment.controls[at.0]) + tag(at.1));
    }

    fn remove(&self, id: usize, at: Place, key: u64) {
        let segment = &self.segments[id];
        segment.clear(at);
        if self.does(Step::BumpAfterRemove) {
            self.bump(if self.does(Step::AllPrefixes) { &[0, 1] } else { &[0] });
        }
        segment.lower(home(key), at.0);
    }

    /// Takes a segment that was in use before.
    fn reuse(&self, id: usize) {
        self.fence_before_words();
        self.segments[id].controls.iter().for_each(|control| control.store(0, Relaxed));
    }

    /// Points a prefix to a segment that is complete.
    fn point(&self, prefix: usize, entry: u64) {
        self.directory[prefix].store(entry, if self.does(Step::ReleasedEntry) { Release } else { Relaxed });
    }

    /// Lets segments go that these prefixes led to.
    fn retire(&self, prefixes: &[usize]) {
        if self.does(Step::BumpOfReplaced) {
            self.bump(prefixes);
        }
    }

    fn finish(&self) {
        self.done.store(1, if self.does(Step::ReleasedEnd) { Release } else { Relaxed });
    }
}

/// The reader's.
impl Map {
    fn finished(&self) -> bool {
        self.done.load(Acquire) == 1
    }

    /// The version of a key.
    fn find(&self, prefix: usize, key: u64) -> Option<u64> {
        let way = Way::new(self, prefix);
        let image = settled(&way, |stamp| self.search(stamp, home(key), |image| Some(image[0] >> 4 == key)))?;
        assert!(image[0] == image[1], "torn: {image:?}");
        Some(image[0] & 15)
    }

    /// The first slot with a tag that `is` accepts; `None` where it finds that what was read does not belong together.
    fn search(
        &self,
        stamp: &Stamp<'_, Way<'_>>,
        home: usize,
        mut is: impl FnMut(Image) -> Option<bool>,
    ) -> Option<Option<Image>> {
        let mut segment = &self.segments[(stamp.entry % CHAINED) as usize];
        if let Some(found) = in_segment(segment, home, &mut is)? {
            return Some(Some(found));
        }
        if stamp.entry & CHAINED != 0 {
            segment = &self.segments[segment.next.load(Acquire) as usize];
            return in_segment(segment, home, &mut is);
        }
        Some(None)
    }
}

fn in_segment(segment: &Segment, home: usize, is: &mut impl FnMut(Image) -> Option<bool>) -> Option<Option<Image>> {
    for bucket in home..2 {
        let control = segment.control(bucket);
        for lane in 0..2 {
            if control & tag(lane) != 0 {
                let image = segment.image((bucket, lane));
                if is(image)? {
                    return Some(Some(image));
                }
            }
        }
        if control < OVERFLOW {
            break;
        }
    }
    Some(None)
}

/// The way to a segment, for the real reader.
struct Way<'m> {
    map: &'m Map,
    prefix: usize,
    /// What was seen before the sequence.
    early: Cell<Option<u64>>,
}

impl<'m> Way<'m> {
    fn new(map: &'m Map, prefix: usize) -> Way<'m> {
        Way { map, prefix, early: Cell::new(None) }
    }
}

impl Source for Way<'_> {
    type Entry = u64;

    fn sequence(&self) -> u64 {
        if !self.map.does(Step::SequenceFirst) {
            self.early.set(Some(self.entry()));
        }
        let order = if self.map.does(Step::AcquiredSequence) { Acquire } else { Relaxed };
        self.map.sequences[self.prefix].load(order)
    }

    fn entry(&self) -> u64 {
        self.early.take().unwrap_or_else(|| self.map.directory[self.prefix].load(Acquire))
    }

    fn sequence_after(&self) -> u64 {
        if self.map.does(Step::ReadersFence) {
            fence(Acquire);
        }
        self.map.sequences[self.prefix].load(Relaxed)
    }

    fn pause(&self) {
        loom::thread::yield_now();
    }
}

/// Tries a writer beside a reader in every order.
fn explore(without: &'static [Step], prepare: fn(&Map), write: fn(&Map), read: fn(&Map)) {
    loom::model(move || {
        let map = Arc::new(Map::new(without));
        prepare(&map);
        let writer = thread::spawn({
            let map = Arc::clone(&map);
            move || write(&map)
        });
        read(&map);
        writer.join().unwrap();
    });
}
