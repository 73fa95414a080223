//! Which cells of a heap something refers to, as it was at one moment: a bit a cell, next to nothing for a full block.
//!
//! Must not know what refers to them. Invariant: a copy shares all blocks that have not changed, so taking one costs a
//! word for each 64 blocks.

use std::sync::Arc;

use super::block::{BlockTable, Kind};

/// Blocks that are copied together when one of them changes.
const CHUNK: usize = 64;

/// The cells of a block that are referred to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// None.
    None,
    /// All the block has.
    All,
    /// Those whose bit is set.
    Bits(Arc<[u64]>),
}

impl Mask {
    /// The live bits of a block as they are now.
    pub(super) fn of_live(table: &BlockTable, block: u32, kind: Kind) -> Mask {
        let words = table.used_words(kind);
        let live = |word| table.live(block, word) & table.full_word(kind, word);
        if (0..words).all(|word| live(word) == 0) {
            Mask::None
        } else if (0..words).all(|word| live(word) == table.full_word(kind, word)) {
            Mask::All
        } else {
            Mask::Bits((0..words).map(live).collect())
        }
    }

    /// A word of bits; more than the block has may be set.
    pub(super) fn word(&self, word: usize) -> u64 {
        match self {
            Mask::None => 0,
            Mask::All => u64::MAX,
            Mask::Bits(bits) => bits.get(word).copied().unwrap_or(0),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Mask::None)
    }
}

/// The masks of all blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Masks(Vec<Arc<[Mask; CHUNK]>>);

impl Masks {
    /// The mask of a block; none past the end.
    pub(super) fn get(&self, block: u32) -> &Mask {
        let block = block as usize;
        self.0.get(block / CHUNK).map_or(&Mask::None, |chunk| &chunk[block % CHUNK])
    }

    /// Changes the mask of a block.
    pub(super) fn set(&mut self, block: u32, mask: Mask) {
        if *self.get(block) == mask {
            return;
        }
        let (chunk, block) = (block as usize / CHUNK, block as usize % CHUNK);
        if chunk >= self.0.len() {
            self.0.resize(chunk + 1, Arc::new([const { Mask::None }; CHUNK]));
        }
        Arc::make_mut(&mut self.0[chunk])[block] = mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_follow_changes() {
        let mut masks = Masks::default();
        assert!(masks.get(5000).is_none());
        masks.set(5000, Mask::None);
        assert!(masks.0.is_empty());
        masks.set(70, Mask::All);
        masks.set(3, Mask::Bits([5].into()));
        let copy = masks.clone();
        masks.set(70, Mask::None);
        masks.set(71, Mask::All);
        assert_eq!((copy.get(70), copy.get(71), copy.get(3).word(0)), (&Mask::All, &Mask::None, 5));
        assert_eq!((masks.get(70), masks.get(71).word(9), masks.get(3).word(1)), (&Mask::None, u64::MAX, 0));
        assert!(Arc::ptr_eq(&masks.0[0], &copy.0[0]), "the first 64 blocks did not change");
    }
}
