//! A look at all blocks and records: what the table of blocks says, which cells are referred to, and which are lost.
//!
//! Must not know who refers to a cell. Invariant: nothing is written, and a bit for each cell is all that is remembered.

use super::{
    BLOCKS_FILE, HEAP_FILE, Heap,
    block::{Kind, entry_bytes, words},
    class::{SIZES, cells},
    record::{RecordShape, checksum},
};
use crate::{
    format::manifest::{BlockRecord, Live},
    report::Report,
    store::ByteStore,
};

/// What has been seen of a heap.
pub(crate) struct Survey {
    kinds: Vec<Kind>,
    /// By block: a bit for each cell that was referred to.
    seen: Vec<Box<[u64]>>,
}

/// What is wrong with a reference or the record it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// There is no such cell, or not for this reference.
    Reference(&'static str),
    /// The cell's bytes are not a record.
    Record(&'static str),
}

impl<B: ByteStore> Heap<B> {
    /// Begins: looks at what each block is used for. Nothing may change until the survey ends.
    pub(crate) fn survey(&self, report: &mut Report) -> Survey {
        let table = self.table();
        let mut survey = Survey { kinds: Vec::with_capacity(table.len()), seen: Vec::with_capacity(table.len()) };
        let mut tails = 0;
        for block in 0..table.len() as u32 {
            let at = self.entry_at(block);
            let mut damage = |what: &str| report.damage(BLOCKS_FILE, at, format_args!("block {block}: {what}"));
            let kind = table.kind(block).unwrap_or_else(|| {
                damage("its entry is unreadable");
                Kind::Free
            });
            match kind {
                Kind::Tail if tails == 0 => damage("it belongs to a run of blocks that is not there"),
                Kind::Tail => tails -= 1,
                _ if tails > 0 => {
                    damage("the run of blocks before it is cut short");
                    tails = 0;
                }
                _ => {}
            }
            if let Kind::Run(blocks) = kind {
                let fits = blocks as usize <= table.len() - block as usize;
                if !fits {
                    damage("its run of blocks reaches past the end");
                }
                tails = if fits { blocks - 1 } else { 0 };
            }
            if (0..words(self.shift)).any(|word| table.live(block, word) & !table.full_word(kind, word) != 0) {
                damage("live bits of cells that it does not have");
            }
            survey.kinds.push(kind);
            survey.seen.push(vec![0; table.used_words(kind)].into());
        }
        survey
    }

    /// An entry refers to the record at `at`: looks at both; the bytes of its cell.
    pub(crate) fn visit(&self, survey: &mut Survey, shape: RecordShape, at: u64) -> Result<u64, Flaw> {
        let size = self.mark(survey, shape, at)?;
        self.check_record(shape, at, size).map_err(Flaw::Record).map(|()| size)
    }

    /// An entry refers to the record at `at`, which is not looked at; the bytes of its cell.
    pub(crate) fn mark(&self, survey: &mut Survey, shape: RecordShape, at: u64) -> Result<u64, Flaw> {
        let block = (at >> self.shift) as usize;
        let inside = at & ((1 << self.shift) - 1);
        let kind = survey.kinds.get(block).ok_or(Flaw::Reference("a reference points outside the heap"))?;
        let (cell, size) = match *kind {
            Kind::Cells(class) => {
                let size = u64::from(SIZES[class as usize]);
                if !inside.is_multiple_of(size) || inside / size >= cells(class, self.shift) as u64 {
                    return Err(Flaw::Reference("a reference points into the middle of a cell"));
                }
                (inside / size, size)
            }
            Kind::Run(blocks) if inside == 0 => (0, u64::from(blocks) << self.shift),
            Kind::Run(_) | Kind::Tail => return Err(Flaw::Reference("a reference points into the middle of a cell")),
            Kind::Free => return Err(Flaw::Reference("a reference points to a block that is free")),
        };
        let (word, bit) = (cell as usize / 64, 1u64 << (cell % 64));
        if self.table().live(block as u32, word) & bit == 0 {
            return Err(Flaw::Reference("a reference points to a cell that is free"));
        }
        match survey.seen[block].get_mut(word) {
            Some(seen) if *seen & bit != 0 => return Err(Flaw::Reference("two entries refer to one cell")),
            Some(seen) => *seen |= bit,
            None => {}
        }
        if !at.is_multiple_of(shape.align() as u64) {
            return Err(Flaw::Reference("a record does not lie where its alignment asks for"));
        }
        Ok(size)
    }

    /// Compares what a checkpoint refers to with what the blocks are.
    pub(crate) fn compare(&self, survey: &Survey, checkpoint: &[BlockRecord], report: &mut Report) {
        for (block, record) in (0u32..).zip(checkpoint) {
            let kind = match record {
                BlockRecord::Cells { class, live: Live::All | Live::Bits(_) } => Kind::Cells(*class),
                BlockRecord::Run { blocks, live: true } => Kind::Run(*blocks),
                _ => continue,
            };
            if survey.kinds.get(block as usize) != Some(&kind) {
                let what = format_args!("block {block} is not what the last checkpoint says");
                report.damage(BLOCKS_FILE, self.entry_at(block), what);
            }
        }
    }

    /// Ends: counts the cells that are live though no entry referred to them.
    pub(crate) fn leaks(&self, survey: &Survey, report: &mut Report) {
        self.each_leak(survey, &mut |at, size| {
            report.leaked_cells += 1;
            report.leaked_bytes += size;
            let what = format_args!("no entry refers to a cell of {size} bytes that is in use");
            report.leak(HEAP_FILE, at, what);
        });
    }

    /// Calls `found` with the place and the bytes of each cell that is live though no entry referred to it.
    pub(super) fn each_leak(&self, survey: &Survey, found: &mut dyn FnMut(u64, u64)) {
        let table = self.table();
        for (block, (&kind, seen)) in (0u32..).zip(survey.kinds.iter().zip(&survey.seen)) {
            let size = match kind {
                Kind::Cells(class) => u64::from(SIZES[class as usize]),
                Kind::Run(blocks) => u64::from(blocks) << self.shift,
                Kind::Free | Kind::Tail => continue,
            };
            for (word, seen) in seen.iter().enumerate() {
                let mut lost = table.live(block, word) & table.full_word(kind, word) & !seen;
                while lost != 0 {
                    let cell = 64 * word as u64 + u64::from(lost.trailing_zeros());
                    lost &= lost - 1;
                    found((u64::from(block) << self.shift) + cell * size, size);
                }
            }
        }
    }

    /// Looks at the record at `at`, which has at most so many bytes.
    pub(crate) fn check_record(&self, shape: RecordShape, at: u64, most: u64) -> Result<(), &'static str> {
        let Ok(parts) = self.parts(shape, at) else { return Err("a record reaches past the end of the heap") };
        let end = parts.end();
        if end as u64 > most {
            return Err("a record is longer than its cell");
        }
        // SAFETY: `parts` found the record to lie in the heap up to `end`; nothing changes while a heap is looked at.
        let (stored, rest) = unsafe { (self.bytes(at, (0, 4)), self.bytes(at, (4, end - 4))) };
        let matches = checksum(rest).to_le_bytes() == stored;
        if matches { Ok(()) } else { Err("a record does not match its checksum") }
    }

    fn entry_at(&self, block: u32) -> u64 {
        u64::from(block) * entry_bytes(self.shift) as u64
    }
}
