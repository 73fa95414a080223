//! Which segments of the index may be handed out.
//!
//! Must not know what is in a segment. Invariant: a segment is handed out only if neither the map nor a checkpoint,
//! durable or in progress, nor a snapshot refers to it.
//!
//! The kernel writes whole huge pages to the medium, though only a word of one was stored to. So the copies made after a
//! checkpoint are placed together: in groups of segments of about a huge page that are mostly free, the freest first (as
//! log-structured file systems choose what to clean: Rosenblum and Ousterhout, 1991), or at the end of the index.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::recorded::Recorded;

/// What a checkpoint's manifest says of a segment that no longer changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// Checksum of its words.
    pub checksum: u64,
    /// Entries in it.
    pub entries: u32,
}

#[derive(Clone, Default)]
struct Info {
    used: bool,
    durable: bool,
    pending: bool,
    /// Snapshots that refer to it.
    held: u32,
    known: Known,
}

/// Where the checksum of a segment is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Known {
    /// Nobody knows it.
    #[default]
    Nowhere,
    /// In the checkpoint that the map was opened with.
    Recorded,
    /// Among those that were computed.
    Computed,
}

impl Info {
    /// Whether a checkpoint or a snapshot refers to it.
    fn is_kept(&self) -> bool {
        self.durable || self.pending || self.held > 0
    }

    fn is_free(&self) -> bool {
        !self.used && !self.is_kept()
    }
}

/// Where a new segment is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// As near to the front as possible.
    Front,
    /// Near others that are new.
    Together,
}

/// Segments that are placed together.
const GROUP: u32 = 32;
/// Groups with at least so many free segments are filled before the index grows.
const ROOMY: u32 = GROUP / 4 * 3;

/// The segments by id.
#[derive(Default)]
pub(super) struct SegmentSpace {
    infos: Vec<Info>,
    recorded: Arc<Recorded>,
    /// By id, as far as one was computed.
    sums: Vec<Sum>,
    /// How many the map refers to.
    used: u64,
    /// All that are free, and some that no longer are.
    free: BinaryHeap<Reverse<u32>>,
    /// Free segments of each group.
    groups: Vec<u32>,
    /// The group that copies are placed in now.
    open: Option<usize>,
}

impl SegmentSpace {
    /// A space of segments in which the last checkpoint refers to the `recorded` ones and the map to the `used` ones.
    pub(super) fn new(used: &[bool], recorded: Arc<Recorded>) -> SegmentSpace {
        let mut space = SegmentSpace { infos: Vec::with_capacity(used.len()), ..SegmentSpace::default() };
        for (id, &used) in (0..).zip(used) {
            let durable = recorded.get(id).is_some();
            let known = if durable { Known::Recorded } else { Known::Nowhere };
            space.infos.push(Info { used, durable, known, ..Info::default() });
            space.used += u64::from(used);
            space.offer(id);
        }
        space.recorded = recorded;
        space
    }

    /// A free id below the end; `None` if there is none in the right place.
    pub(super) fn take(&mut self, place: Place) -> Option<u32> {
        let id = match place {
            Place::Front => self.lowest()?,
            Place::Together => self.near_others()?,
        };
        self.infos[id as usize] = Info { used: true, ..Info::default() };
        self.used += 1;
        self.groups[(id / GROUP) as usize] -= 1;
        Some(id)
    }

    /// The id that an extension by one segment will have.
    pub(super) fn end(&self) -> u32 {
        self.infos.len() as u32
    }

    /// Adds a segment at the end, in use.
    pub(super) fn extend(&mut self) -> u32 {
        self.infos.push(Info { used: true, ..Info::default() });
        self.used += 1;
        self.end() - 1
    }

    /// The map no longer refers to a segment.
    pub(super) fn retire(&mut self, id: u32) {
        if let Some(info) = self.infos.get_mut(id as usize)
            && info.used
        {
            info.used = false;
            self.used -= 1;
            self.offer(id);
        }
    }

    /// A checkpoint begins (one that was given up is forgotten): it refers to all segments of the map. Their ids.
    pub(super) fn capture(&mut self) -> Vec<u32> {
        let mut ids = Vec::new();
        for id in 0..self.end() {
            let info = &mut self.infos[id as usize];
            let abandoned = std::mem::replace(&mut info.pending, info.used);
            if info.used {
                ids.push(id);
            } else if abandoned {
                self.offer(id);
            }
        }
        ids
    }

    /// The checkpoint in progress is durable.
    pub(super) fn release(&mut self) {
        for id in 0..self.infos.len() as u32 {
            let info = &mut self.infos[id as usize];
            let was_free = info.is_free();
            info.durable = std::mem::take(&mut info.pending);
            if !was_free {
                self.offer(id);
            }
        }
    }

    /// A snapshot begins: it refers to all segments of the map. Their ids.
    pub(super) fn hold(&mut self) -> Vec<u32> {
        let mut ids = Vec::new();
        for (id, info) in (0..).zip(&mut self.infos) {
            if info.used {
                info.held += 1;
                ids.push(id);
            }
        }
        ids
    }

    /// A snapshot of these segments ends.
    pub(super) fn let_go(&mut self, ids: &[u32]) {
        for &id in ids {
            self.infos[id as usize].held -= 1;
            self.offer(id);
        }
    }

    /// Says that segments will change; `false` if a checkpoint or a snapshot refers to one of them.
    pub(super) fn unprotect(&mut self, ids: &[u32]) -> bool {
        if ids.iter().any(|&id| self.infos.get(id as usize).is_none_or(Info::is_kept)) {
            return false;
        }
        for &id in ids {
            self.infos[id as usize].known = Known::Nowhere;
        }
        true
    }

    /// What is known of a segment that does not change.
    pub(super) fn sum(&self, id: u32) -> Option<Sum> {
        match self.infos.get(id as usize)?.known {
            Known::Nowhere => None,
            Known::Recorded => {
                self.recorded.get(id).map(|record| Sum { checksum: record.checksum, entries: record.entries })
            }
            Known::Computed => self.sums.get(id as usize).copied(),
        }
    }

    /// Remembers it.
    pub(super) fn set_sum(&mut self, id: u32, sum: Sum) {
        if let Some(info) = self.infos.get_mut(id as usize) {
            if self.sums.len() <= id as usize {
                self.sums.resize(id as usize + 1, Sum::default());
            }
            self.sums[id as usize] = sum;
            info.known = Known::Computed;
        }
    }

    /// Whether a lower segment than `id` is free.
    pub(super) fn free_below(&mut self, id: u32) -> bool {
        self.lowest().is_some_and(|free| free < id)
    }

    /// Forgets free segments at the end; how many segments remain.
    pub(super) fn cut_end(&mut self) -> u32 {
        while self.infos.last().is_some_and(Info::is_free) {
            self.infos.pop();
        }
        let end = self.end();
        let infos = &self.infos;
        self.free.retain(|&Reverse(id)| infos.get(id as usize).is_some_and(Info::is_free));
        self.groups.clear();
        self.groups.resize((end.div_ceil(GROUP)) as usize, 0);
        for (id, _) in infos.iter().enumerate().filter(|(_, info)| info.is_free()) {
            self.groups[id / GROUP as usize] += 1;
        }
        end
    }

    /// The highest id in use; 0 if there is none.
    pub(super) fn last_used(&self) -> u64 {
        self.infos.iter().rposition(|info| info.used).unwrap_or(0) as u64
    }

    /// Segments of the map.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Their ids.
    pub(super) fn used_ids(&self) -> Vec<u32> {
        (0..).zip(&self.infos).filter(|(_, info)| info.used).map(|(id, _)| id).collect()
    }

    /// Segments that only checkpoints refer to.
    pub(super) fn kept(&self) -> u64 {
        self.infos.iter().filter(|info| !(info.used || info.is_free()) && info.held == 0).count() as u64
    }

    /// Segments that snapshots refer to and the map does not.
    pub(super) fn held(&self) -> u64 {
        self.infos.iter().filter(|info| !info.used && info.held > 0).count() as u64
    }

    /// A segment may have become free.
    fn offer(&mut self, id: u32) {
        if self.infos[id as usize].is_free() {
            self.free.push(Reverse(id));
            // What is taken to be near others stays in it.
            if self.free.len() > 2 * self.infos.len() + GROUP as usize {
                self.free =
                    (0..).zip(&self.infos).filter(|(_, info)| info.is_free()).map(|(id, _)| Reverse(id)).collect();
            }
            let group = (id / GROUP) as usize;
            if group >= self.groups.len() {
                self.groups.resize(group + 1, 0);
            }
            self.groups[group] += 1;
        }
    }

    fn lowest(&mut self) -> Option<u32> {
        loop {
            let &Reverse(id) = self.free.peek()?;
            if self.infos[id as usize].is_free() {
                return Some(id);
            }
            self.free.pop();
        }
    }

    /// A free id in the open group, or in the freest one if that is roomy or the index has room enough.
    fn near_others(&mut self) -> Option<u32> {
        if self.open.and_then(|group| self.groups.get(group)).is_none_or(|&free| free == 0) {
            let (group, &free) = self.groups.iter().enumerate().max_by_key(|&(group, &free)| (free, Reverse(group)))?;
            let unused = u64::from(self.end()) - self.used;
            if free == 0 || free < ROOMY && unused < self.used {
                return None;
            }
            self.open = Some(group);
        }
        let first = self.open? as u32 * GROUP;
        (first..self.end().min(first + GROUP)).find(|&id| self.infos[id as usize].is_free())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_placed_together() {
        let mut space = SegmentSpace::default();
        for _ in 0..4 * GROUP {
            space.extend();
        }
        // Every sixth is free, and most of the third group: what a checkpoint let go of.
        let free = |id: &u32| id.is_multiple_of(6) || id / GROUP == 2 && !id.is_multiple_of(4);
        (0..4 * GROUP).filter(free).for_each(|id| space.retire(id));
        let roomy = (2 * GROUP..3 * GROUP).filter(free).count();
        for _ in 0..roomy {
            let id = space.take(Place::Together).unwrap();
            assert!(id / GROUP == 2 && free(&id), "{id}");
        }
        // The other groups have some, but are not roomy: rather at the end.
        assert_eq!(space.take(Place::Together), None);
        assert_eq!((space.take(Place::Front), space.free_below(7)), (Some(0), true));
        for id in (0..2 * GROUP).filter(|id| !free(id)) {
            space.retire(id);
        }
        assert_eq!((space.take(Place::Together), space.take(Place::Together)), (Some(32), Some(33)));
        assert_eq!((space.take(Place::Front), space.take(Place::Together)), (Some(1), Some(34)));
    }

    #[test]
    fn what_is_known_to_be_free_does_not_pile_up() {
        let mut space = SegmentSpace::default();
        for _ in 0..GROUP {
            space.extend();
        }
        (GROUP / 2..GROUP).for_each(|id| space.retire(id));
        for _ in 0..1000 {
            let id = space.take(Place::Together).unwrap();
            space.retire(id);
        }
        assert!(space.free.len() < 100, "{}", space.free.len());
        let left: Vec<_> = std::iter::from_fn(|| space.take(Place::Front)).collect();
        assert_eq!(left, (GROUP / 2..GROUP).collect::<Vec<_>>());
    }

    #[test]
    fn a_checkpoint_given_up_lets_go() {
        let mut space = SegmentSpace::default();
        space.extend();
        space.capture();
        space.retire(0);
        assert_eq!(space.take(Place::Front), None);
        assert!(space.capture().is_empty());
        assert_eq!(space.take(Place::Front), Some(0));
    }

    #[test]
    fn snapshots_keep_segments_beside_checkpoints() {
        let mut space = SegmentSpace::default();
        assert_eq!((space.extend(), space.extend()), (0, 1));
        let first = space.hold();
        space.retire(0);
        let second = space.hold();
        assert_eq!((&first[..], &second[..]), (&[0, 1][..], &[1][..]));
        space.retire(1);
        space.capture();
        space.release();
        assert_eq!((space.take(Place::Front), space.kept(), space.held(), space.cut_end()), (None, 0, 2, 2));
        space.let_go(&first);
        assert_eq!((space.take(Place::Front), space.take(Place::Front), space.held()), (Some(0), None, 1));
        space.let_go(&second);
        assert_eq!(space.take(Place::Front), Some(1));
    }

    #[test]
    fn a_segment_that_changes_again_forgets_its_checksum() {
        let mut space = SegmentSpace::default();
        space.extend();
        let held = space.hold();
        space.set_sum(0, Sum { checksum: 5, entries: 1 });
        assert!(!space.unprotect(&[0]) && space.sum(0).is_some());
        space.let_go(&held);
        assert!(space.unprotect(&[0]) && space.sum(0).is_none());
        space.capture();
        assert!(!space.unprotect(&[0]));
    }

    #[test]
    fn protected_segments_come_back_after_the_next_checkpoint() {
        let mut space = SegmentSpace::default();
        assert_eq!((space.extend(), space.extend()), (0, 1));
        assert_eq!(space.capture(), [0, 1]);
        space.retire(0);
        assert_eq!((space.take(Place::Front), space.kept()), (None, 1));
        space.release();
        assert_eq!(space.take(Place::Front), None);
        assert_eq!(space.capture(), [1]);
        space.release();
        assert_eq!(space.take(Place::Front), Some(0));
        space.retire(1);
        space.retire(1);
        assert_eq!(space.take(Place::Front), None);
        space.capture();
        space.release();
        assert_eq!((space.take(Place::Front), space.take(Place::Front)), (Some(1), None));
        space.retire(1);
        assert_eq!(space.cut_end(), 1);
        assert_eq!(space.take(Place::Front), None);
    }
}
