//! Moving records together, so that the heap can be cut.
//!
//! Must not know key or value types. Invariant: each step is an update of one entry by its own record, complete before the
//! reference swings to it, so a kill at any point leaves every entry.

use super::{Core, Walk, Writer, cursor::Spot, reference, write::Unpublished};
use crate::{
    crash,
    error::{Error, Result},
    heap::{
        Evacuation, HEAP_FILE,
        survey::{Flaw, Survey},
    },
    report::Report,
    store::ByteStore,
    table::{Reference, Scheme},
};

/// While this lives, blocks of the heap are being emptied; dropped, what is empty can be used for anything.
pub(crate) struct Emptying<'c, B: ByteStore, C> {
    core: &'c Core<B, C>,
    plan: Evacuation,
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Begins to look for cells that no entry refers to; `None` without a heap. No writer has a block open.
    pub(crate) fn begin_survey(&self) -> Result<Option<Survey>> {
        let Some(heap) = &self.heap else { return Ok(None) };
        let mut report = Report::default();
        let survey = heap.survey(&mut report);
        report.sound()?;
        Ok(Some(survey))
    }

    /// Says that an entry refers to its record.
    pub(crate) fn survey_spot(&self, survey: &mut Survey, spot: &Spot<C>) -> Result<()> {
        let image = self.image(&spot.found);
        let Some(reference) = reference(&C::LAYOUT, &image) else { return Ok(()) };
        let marked = self.heap().mark(survey, Self::RECORD, reference.at());
        marked.map(|_| ()).map_err(|flaw| match flaw {
            Flaw::Reference(what) | Flaw::Record(what) => Error::corrupt(HEAP_FILE, reference.at(), what),
        })
    }

    /// Frees what no entry referred to, after all were met; how many cells.
    pub(crate) fn end_survey(&self, survey: &Survey) -> Result<u64> {
        self.heap().free_leaks(survey)
    }

    /// Begins to empty blocks of the heap, if that would make it shorter.
    pub(crate) fn evacuate(&self, writer: &mut Writer) -> Option<Emptying<'_, B, C>> {
        self.retire_writer(writer);
        Some(Emptying { core: self, plan: self.heap.as_ref()?.evacuate()? })
    }
}

impl<B: ByteStore, C: Scheme> Emptying<'_, B, C> {
    /// Moves the record of the entry that a walk met last if its block is to be emptied and there is room; whether it did.
    pub(crate) fn move_record(&self, writer: &mut Writer, walk: &mut Walk<C>, spot: &Spot<C>) -> Result<bool> {
        let (core, heap) = (self.core, self.core.heap());
        let word = C::LAYOUT.reference_word();
        let old = Reference(spot.found.segment.word(spot.found.slot, word));
        if !self.plan.has(heap.block_of(old.at())) {
            return Ok(false);
        }
        let record = match heap.duplicate(&mut writer.open, Core::<B, C>::RECORD, old.at()) {
            Ok(fresh) => Unpublished { core, fresh },
            Err(Error::Full { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        crash::point("compact: record copied");
        let found = core.writable_spot(writer, walk, spot)?;
        found.segment.set_word(found.slot, word, old.moved(record.fresh.at).0);
        crash::point("compact: reference swung");
        record.publish();
        heap.free(&mut writer.open, old.at())?;
        crash::point("compact: old record freed");
        Ok(true)
    }
}

impl<B: ByteStore, C> Drop for Emptying<'_, B, C> {
    fn drop(&mut self) {
        if let Some(heap) = &self.core.heap {
            heap.settle();
        }
    }
}
