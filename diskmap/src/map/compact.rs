//! Giving space back: segments merged and moved to the front, records moved together, files cut.
//!
//! Must not know how entries are stored. Invariant: none of this changes an entry, and it can end after any of them.

use std::{ops::ControlFlow, sync::Arc};

use super::{DiskHashMap, typed::Typed, write::enter};
use crate::{
    codec::DiskValue,
    error::Result,
    hash::StableHasher,
    raw::{Emptying, Walk},
    report::Progress,
    store::ByteStore,
};

/// After so many passes over all entries it is left at that: each finds less than the one before.
const PASSES: u32 = 8;
/// Entries between two calls of the progress callback.
const STEP: u64 = 256;

/// What [`DiskHashMap::compact`] did.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Records that were moved.
    pub records_moved: u64,
    /// Cells that were in use though no entry referred to them, as a killed process may leave them. They are free now.
    pub leaked_cells: u64,
    /// [`DiskHashMap::file_size`] before, in bytes.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Whether it came to its end; `false` if the callback said to stop.
    pub finished: bool,
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue, BS: ByteStore, S: StableHasher> DiskHashMap<K, V, BS, S> {
    /// Gives back space that is not needed in the index: merges segments, moves them to the front, and cuts the files. On
    /// disk it makes checkpoints, because space that the last one refers to cannot be given back. Linear in the number of
    /// entries. Records stay where they are: blocks of the heap that still hold any are not given back; see
    /// [`compact`](DiskHashMap::compact).
    ///
    /// # Errors
    /// `OutOfSpace`, `ReadOnly`, `Poisoned`, `Corrupt`, `Io`.
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<u64, u64> = DiskHashMap::new_in(dir.path())?;
    /// for i in 0..100_000 { map.insert(&i, &i)?; }
    /// let full = map.file_size();
    /// map.retain(|key, _| key < 100)?;
    /// map.shrink_to_fit()?;
    /// assert!(map.file_size() < full / 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shrink_to_fit(&mut self) -> Result<()> {
        if !BS::GROWS {
            return Ok(());
        }
        self.merge_segments()?;
        self.cut()
    }

    /// Gives back all space that is not needed: what [`shrink_to_fit`](DiskHashMap::shrink_to_fit) does, and records are
    /// moved out of sparsely filled blocks of the heap and from its end, in place. Cells that a killed process left in use
    /// become free.
    ///
    /// The map stays whole throughout: a kill or a power cut at any moment leaves every entry. On disk it makes several
    /// checkpoints. What a [`Snapshot`](crate::Snapshot) holds stays where it is. Linear in the number of entries, with a
    /// few passes over them. Nothing to do for memory that the caller provides.
    ///
    /// # Errors
    /// `OutOfSpace` (a little space is needed to begin with), `ReadOnly`, `Poisoned`, `Corrupt`, `Io`. What was done
    /// before stays done.
    ///
    /// ```
    /// # use diskmap::DiskHashMap;
    /// # let dir = tempfile::tempdir()?;
    /// let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    /// for i in 0..20_000 { map.insert(&i, &format!("{i:>100}"))?; }
    /// map.retain(|key, _| key % 10 == 0)?;
    ///
    /// let done = map.compact()?;
    /// assert!(done.finished && done.records_moved > 0);
    /// assert!(done.bytes_after < done.bytes_before / 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compact(&mut self) -> Result<Compaction> {
        self.compact_with(|_| ControlFlow::Continue(()))
    }

    /// [`compact`](DiskHashMap::compact) that tells how far it has come, every 256 entries, and ends early if told to. It
    /// counts entries, anew for each pass over them.
    ///
    /// # Errors
    /// As `compact`.
    ///
    /// ```
    /// # use diskmap::MemHashMap;
    /// use std::{ops::ControlFlow, time::{Duration, Instant}};
    ///
    /// # let mut map = MemHashMap::<u64, String>::new();
    /// let start = Instant::now();
    /// let done = map.compact_with(|_| match start.elapsed() {
    ///     late if late > Duration::from_secs(10) => ControlFlow::Break(()),
    ///     _ => ControlFlow::Continue(()),
    /// })?;
    /// # assert!(done.finished);
    /// # Ok::<(), diskmap::Error>(())
    /// ```
    pub fn compact_with(&mut self, mut progress: impl FnMut(Progress) -> ControlFlow<()>) -> Result<Compaction> {
        let size = self.file_size();
        let mut done = Compaction { bytes_before: size, bytes_after: size, finished: true, ..Compaction::default() };
        if !BS::GROWS {
            return Ok(done);
        }
        self.merge_segments()?;
        done.finished = self.reclaim(&mut done, &mut progress)?;
        for _ in 0..PASSES {
            if !done.finished {
                break;
            }
            let (shared, before) = (Arc::clone(&self.shared), done.records_moved);
            let Some(emptying) = shared.core.evacuate(&mut self.writer) else { break };
            done.finished = self.move_records(&emptying, &mut done.records_moved, &mut progress)?;
            // Lets go of what the blocks held before.
            self.checkpoint()?;
            if done.records_moved == before {
                break;
            }
        }
        self.cut()?;
        done.bytes_after = self.file_size();
        Ok(done)
    }

    /// Merges segments, and lets go of what was kept for the checkpoint before.
    fn merge_segments(&mut self) -> Result<()> {
        {
            let DiskHashMap { shared, writer, keeper, .. } = self;
            let _pass = enter(shared, keeper)?;
            shared.core.retire_writer(writer);
            shared.core.merge_all(writer)?;
        }
        self.checkpoint()
    }

    /// Moves segments to the front and cuts the files.
    fn cut(&mut self) -> Result<()> {
        {
            let DiskHashMap { shared, writer, keeper, .. } = self;
            let _pass = enter(shared, keeper)?;
            shared.core.move_to_front(writer)?;
        }
        self.checkpoint()?;
        let DiskHashMap { shared, keeper, .. } = self;
        let _pass = enter(shared, keeper)?;
        shared.core.trim()
    }

    /// Frees cells that no entry refers to; `false` if told to stop.
    fn reclaim(
        &mut self,
        done: &mut Compaction,
        progress: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<bool> {
        let core = &self.shared.core;
        let Some(mut survey) = core.begin_survey()? else { return Ok(true) };
        let mut steps = Steps::new(self.len());
        let mut walk = Walk::new(0);
        while let Some(spot) = walk.next(core) {
            core.survey_spot(&mut survey, &spot?)?;
            if steps.stop(progress) {
                return Ok(false);
            }
        }
        let _pass = enter(&self.shared, &self.keeper)?;
        done.leaked_cells = self.shared.core.end_survey(&survey)?;
        Ok(true)
    }

    /// Moves records out of blocks that are to be emptied; `false` if told to stop.
    fn move_records(
        &mut self,
        emptying: &Emptying<'_, BS, Typed<K, V, S>>,
        moved: &mut u64,
        progress: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<bool> {
        let DiskHashMap { shared, writer, keeper, .. } = self;
        let core = &shared.core;
        let mut steps = Steps::new(core.len());
        let mut walk = Walk::new(0);
        while let Some(spot) = walk.next(core) {
            let spot = spot?;
            {
                let _pass = enter(shared, keeper)?;
                *moved += u64::from(emptying.move_record(writer, &mut walk, &spot)?);
            }
            // With the writer out: a checkpoint that begins meanwhile need not wait for the callback.
            if steps.stop(progress) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Entries met in a pass.
struct Steps {
    done: u64,
    total: u64,
}

impl Steps {
    fn new(total: u64) -> Steps {
        Steps { done: 0, total }
    }

    /// One more; whether to stop.
    fn stop(&mut self, progress: &mut impl FnMut(Progress) -> ControlFlow<()>) -> bool {
        self.done += 1;
        let Steps { done, total } = *self;
        done.is_multiple_of(STEP) && progress(Progress { done, total }).is_break()
    }
}
