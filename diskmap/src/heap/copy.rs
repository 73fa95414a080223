//! Copying the records that a snapshot holds to the same places in another heap.
//!
//! Must not know what refers to them. Invariant: only cells that are held are read, because writers may be filling the
//! others.

use super::{
    Heap,
    class::{SIZES, cells},
};
use crate::{
    error::Result,
    format::manifest::{BlockRecord, Live},
    store::ByteStore,
};

impl<B: ByteStore> Heap<B> {
    /// Copies what `blocks` says to the store of another heap with blocks of the same size, which nobody else uses yet.
    /// Calls `copied` with bytes.
    ///
    /// # Safety
    /// All cells that `blocks` names are held: nothing writes to them during the call.
    pub(crate) unsafe fn copy_to<T: ByteStore>(
        &self,
        blocks: &[BlockRecord],
        to: &T,
        copied: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let block_bytes = 1u64 << self.shift;
        let end = blocks.len() as u64 * block_bytes;
        to.grow(end, end)?;
        let copy = |at: u64, len: u64| {
            assert!(at + len <= self.store.len().min(to.len()), "held cells lie in the heap");
            // SAFETY: the range lies in both stores (checked); it does not change here (caller), and `to` has one user.
            unsafe {
                let (from, to) = (self.store.base().wrapping_add(at as usize), to.base().wrapping_add(at as usize));
                std::ptr::copy_nonoverlapping(from, to, len as usize);
            }
        };
        for (at, block) in (0..).step_by(1 << self.shift).zip(blocks) {
            match block {
                BlockRecord::Cells { class, live: Live::All } => {
                    copy(at, cells(*class, self.shift) as u64 * u64::from(SIZES[*class as usize]));
                }
                BlockRecord::Cells { class, live: Live::Bits(bits) } => {
                    let size = u64::from(SIZES[*class as usize]);
                    for (first, len) in spans(bits) {
                        copy(at + first * size, len * size);
                    }
                }
                BlockRecord::Run { blocks, live: true } => copy(at, u64::from(*blocks) * block_bytes),
                _ => {}
            }
            to.prepare(at + block_bytes);
            copied(block_bytes);
        }
        Ok(())
    }
}

/// The runs of bits that are set: first and number.
fn spans(bits: &[u64]) -> impl Iterator<Item = (u64, u64)> {
    let end = 64 * bits.len() as u64;
    let is_set = move |at: u64| bits[(at / 64) as usize] >> (at % 64) & 1 == 1;
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = (at..end).find(|&at| is_set(at))?;
        at = (first..end).find(|&at| !is_set(at)).unwrap_or(end);
        Some((first, at - first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_bits() {
        let of = |bits: &[u64]| spans(bits).collect::<Vec<_>>();
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[0, 0]), []);
        assert_eq!(of(&[0b1011_0010]), [(1, 1), (4, 2), (7, 1)]);
        assert_eq!(of(&[1 << 63, 0b11, u64::MAX]), [(63, 3), (128, 64)]);
    }
}
