//! Memory the caller provides: how it is divided, and the head that says so.
//!
//! Must not know key or value types. Invariant: everything lies at offsets from the first multiple of 64 bytes, and the
//! head is checked before any of its numbers is used.

use crate::{
    error::{Error, Result},
    format::checksum,
    heap::{
        block::entry_bytes,
        class::{BLOCK_SHIFT, SMALLEST_BLOCK},
    },
    raw::{descriptors_at, fits, segments_for},
    table::{
        Layout, Side,
        layout::{LINE, MIN_BUCKETS},
    },
};

const MAGIC: [u8; 8] = *b"dmapmem1";
/// Bytes of the head before the map's description.
const HEAD: usize = 72;
/// The file name in messages.
const MEMORY: &str = "memory";
/// Bytes of a variable-length key or value that the division of the memory reckons with.
const TYPICAL: usize = 24;
/// Heap blocks that may be only begun when the others are full.
const BEGUN: usize = 2;

/// How a piece of memory is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Bytes of the head and the map's description.
    pub head: usize,
    /// Bytes of identity, intents and descriptors.
    pub segments: usize,
    /// Bytes of segments.
    pub index: usize,
    /// Bytes of records; 0 where all is of fixed size.
    pub heap: usize,
    /// Bytes of the table of heap blocks.
    pub blocks: usize,
    /// Logarithm of the bytes of a heap block.
    pub block_shift: u32,
    /// Buckets of the first segment.
    pub buckets: usize,
    /// Entries that the index is split for.
    pub entries: u64,
}

/// What the head of a map in memory says.
pub(crate) struct Head {
    /// The division; `buckets` and `entries` are not kept.
    pub plan: Plan,
    /// The map's description.
    pub text: Vec<u8>,
}

impl Plan {
    /// Divides `len` bytes for a map with a description of `text` bytes.
    pub(crate) fn new(layout: &Layout, len: usize, text: usize) -> Result<Plan> {
        let head = (HEAD + text).next_multiple_of(LINE);
        let rest = len.checked_sub(head).ok_or_else(too_short)? / LINE * LINE;
        let divided = rest.saturating_sub(layout.used_bytes(MIN_BUCKETS) + descriptors_at(1) as usize + LINE);
        let heap_share = if layout.has_heap() { divided as u128 * record_weight(layout) / weight(layout) } else { 0 };
        let heap_share = heap_share as usize / LINE * LINE;
        let segments_for = |index: usize| descriptors_at(1) as usize + (index / layout.segment_bytes() + 1) * LINE;
        let index = rest - heap_share;
        let index = index.checked_sub(segments_for(index)).ok_or_else(too_short)?;
        let (buckets, entries) = index_room(layout, index).ok_or_else(too_short)?;
        // A lone segment has a power of two of buckets; what it cannot use is better used for records.
        let lone = layout.used_bytes(buckets);
        let index = if layout.has_heap() && index < 4 * layout.segment_bytes() { lone } else { index };
        let segments = segments_for(index);
        let rest = if layout.has_heap() { rest - index - segments } else { 0 };
        let block_shift = (rest / 16).max(1).ilog2().clamp(SMALLEST_BLOCK, BLOCK_SHIFT);
        let count = rest / ((1usize << block_shift) + entry_bytes(block_shift));
        if layout.has_heap() && count <= BEGUN {
            return Err(too_short());
        }
        let (heap, blocks) = (count << block_shift, count * entry_bytes(block_shift));
        Ok(Plan { head, segments, index, heap, blocks, block_shift, buckets, entries })
    }

    /// Bytes of records that fit, whatever classes they fall into as long as these are few.
    fn record_room(&self) -> u64 {
        (self.heap - (BEGUN << self.block_shift).min(self.heap)) as u64
    }

    /// End of everything.
    fn end(&self) -> Option<usize> {
        [self.segments, self.index, self.heap, self.blocks].into_iter().try_fold(self.head, usize::checked_add)
    }
}

/// Bytes of memory for `entries` entries with `records` bytes of records and a description of `text` bytes.
pub(crate) fn required(layout: &Layout, text: usize, entries: u64, records: u64) -> usize {
    let mut len = 1024usize;
    loop {
        match Plan::new(layout, len, text) {
            Ok(plan) if plan.entries >= entries && (records == 0 || plan.record_room() >= records) => {
                return len + LINE;
            }
            _ => len += (len / 64).max(LINE).next_multiple_of(LINE),
        }
    }
}

/// The memory from its first multiple of 64 bytes on.
pub(crate) fn aligned(memory: &mut [u8]) -> &mut [u8] {
    let skip = memory.as_ptr().align_offset(LINE).min(memory.len());
    &mut memory[skip..]
}

/// As `aligned`; a map that lay at another offset from such a multiple is moved there.
pub(crate) fn realigned(memory: &mut [u8]) -> Result<&mut [u8]> {
    let skip = memory.as_ptr().align_offset(LINE).min(memory.len());
    let found = (0..LINE).find(|&at| memory.get(at..at + MAGIC.len()) == Some(&MAGIC[..]));
    let Some(found) = found else {
        return Err(Error::invalid("there is no map in this memory; make one with `new_in_slice`"));
    };
    if found != skip {
        let head = read_head(&memory[found..])?;
        let len = head.plan.end().filter(|&len| len <= memory.len() - found).ok_or_else(too_short)?;
        if skip + len > memory.len() {
            return Err(Error::invalid(
                "the memory begins at another offset from a multiple of 64 bytes than when the map \
                 was made, and is too short to move it; provide 63 bytes more",
            ));
        }
        memory.copy_within(found..found + len, skip);
        // Else the old place would be found first the next time.
        if found < skip {
            memory[found..skip].fill(0);
        }
    }
    Ok(&mut memory[skip..])
}

/// Writes the head.
pub(crate) fn write_head(memory: &mut [u8], plan: &Plan, text: &[u8]) {
    let mut head = Vec::with_capacity(plan.head);
    head.extend(MAGIC);
    let numbers = [text.len(), plan.segments, plan.index, plan.heap, plan.blocks, plan.head, plan.block_shift as usize];
    head.extend(numbers.iter().flat_map(|&number| (number as u64).to_le_bytes()));
    head.extend(checksum(&head).to_le_bytes());
    head.extend(text);
    memory[..head.len()].copy_from_slice(&head);
}

/// Reads the head of a map.
pub(crate) fn read_head(memory: &[u8]) -> Result<Head> {
    let damaged = |what: &str| Error::corrupt(MEMORY, 0, what);
    let head = memory.get(..HEAD).ok_or_else(too_short)?;
    let (body, sum) = head.split_at(HEAD - 8);
    let numbers: Vec<usize> = head[8..]
        .chunks_exact(8)
        .map(|word| word.iter().rev().fold(0usize, |number, &byte| number << 8 | usize::from(byte)))
        .collect();
    let [text, segments, index, heap, blocks, head, block_shift, _] = numbers[..] else {
        return Err(damaged("the head is too short"));
    };
    if checksum(body).to_le_bytes() != *sum || !(SMALLEST_BLOCK as usize..=BLOCK_SHIFT as usize).contains(&block_shift)
    {
        return Err(damaged("the head does not match its checksum"));
    }
    let plan = Plan { head, segments, index, heap, blocks, block_shift: block_shift as u32, buckets: 0, entries: 0 };
    if plan.end().is_none_or(|end| end > memory.len()) {
        return Err(Error::invalid("the memory is shorter than the map in it"));
    }
    let text = memory.get(HEAD..HEAD.saturating_add(text)).ok_or_else(|| damaged("the description is cut short"))?;
    Ok(Head { plan, text: text.to_vec() })
}

/// The memory does not hold an empty map.
pub(crate) fn too_short() -> Error {
    Error::invalid("the memory is too short for a map; `required_bytes` tells how much it takes")
}

/// The largest first segment in so many bytes, and the entries to split it for.
fn index_room(layout: &Layout, bytes: usize) -> Option<(usize, u64)> {
    let whole = bytes / layout.segment_bytes();
    if whole < 4 {
        let mut buckets = MIN_BUCKETS;
        if layout.used_bytes(buckets) > bytes {
            return None;
        }
        while buckets < layout.buckets && layout.used_bytes(buckets * 2) <= bytes {
            buckets *= 2;
        }
        return Some((buckets, fits(layout, buckets)));
    }
    // While a segment is split, it is there beside its halves.
    let (mut low, mut high) = (0, whole as u64 * layout.slots_in(layout.buckets) as u64);
    while high - low > layout.slots as u64 {
        let middle = low + (high - low) / 2;
        if segments_for(layout, middle) < whole as u64 { low = middle } else { high = middle }
    }
    Some((layout.buckets, low))
}

/// Bytes of index for an entry, times 100.
fn slot_weight(layout: &Layout) -> u128 {
    (layout.segment_bytes() * 143 / layout.slots_in(layout.buckets)) as u128
}

/// Bytes of heap for a typical entry, times 100.
fn record_weight(layout: &Layout) -> u128 {
    let side = |side: Side| if let Side::Record { .. } = side { TYPICAL } else { 0 };
    ((12 + side(layout.key) + side(layout.value)).next_multiple_of(8) * 120) as u128
}

fn weight(layout: &Layout) -> u128 {
    slot_weight(layout) + record_weight(layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Layout = Layout::new(Side::Inline { size: 8 }, Side::Inline { size: 8 });
    const TEXT: Layout = Layout::new(Side::Record { align: 1 }, Side::Record { align: 1 });

    #[test]
    fn what_is_required_is_enough_and_not_far_more() {
        for layout in [NUMBERS, TEXT] {
            for entries in [1, 100, 3_000, 100_000] {
                let records = if layout == TEXT { entries * 32 } else { 0 };
                let len = required(&layout, 480, entries, records);
                let plan = Plan::new(&layout, len - LINE, 480).unwrap();
                assert!(plan.entries >= entries && plan.end().unwrap() <= len);
                if entries == 100 {
                    assert!(len <= 16 << 10, "{len} bytes for 100 entries of {layout:?}");
                }
                assert!(entries < 3_000 || len < entries as usize * 200, "{len} bytes for {entries} entries");
            }
        }
    }

    #[test]
    fn the_head_is_read_back_and_checked() {
        let plan = Plan::new(&TEXT, 100_000, 5).unwrap();
        let mut memory = vec![0; 100_000];
        write_head(&mut memory, &plan, b"hello");
        let head = read_head(&memory).unwrap();
        assert_eq!(head.text, b"hello");
        assert_eq!(head.plan, Plan { buckets: 0, entries: 0, ..plan });
        for byte in 8..HEAD {
            memory[byte] ^= 1;
            assert!(read_head(&memory).is_err());
            memory[byte] ^= 1;
        }
        assert!(read_head(&memory[..50_000]).is_err());
    }
}
