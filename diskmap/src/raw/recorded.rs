//! What the checkpoint that was there at the opening says of its segments, by id.
//!
//! Must not know whether that checkpoint still counts. Invariant: each id is recorded at most once.

use super::tree::damaged;
use crate::{error::Result, format::manifest::SegmentRecord};

/// The records by id.
#[derive(Default)]
pub(super) struct Recorded {
    records: Vec<SegmentRecord>,
    /// By id: where its record is, plus 1; 0 if there is none.
    places: Vec<u32>,
}

impl Recorded {
    /// The records of a checkpoint, all of segments below `ids`.
    pub(super) fn new(records: Vec<SegmentRecord>, ids: usize) -> Result<Recorded> {
        let highest = records.iter().map(|record| record.id).max();
        if let Some(highest) = highest.filter(|&highest| highest as usize >= ids) {
            return Err(damaged(highest, "the checkpoint names a segment past the end of the index"));
        }
        let mut places = vec![0u32; highest.map_or(0, |highest| highest as usize + 1)];
        for (place, record) in (1..).zip(&records) {
            if std::mem::replace(&mut places[record.id as usize], place) != 0 {
                return Err(damaged(record.id, "the checkpoint names a segment twice"));
            }
        }
        Ok(Recorded { records, places })
    }

    /// What is recorded of a segment.
    pub(super) fn get(&self, id: u32) -> Option<&SegmentRecord> {
        let place = *self.places.get(id as usize)?;
        self.records.get((place as usize).checked_sub(1)?)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// All records.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SegmentRecord> {
        self.records.iter()
    }
}
