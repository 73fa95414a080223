//! Size classes: which cell sizes the blocks of the heap are cut into.
//!
//! Knows sizes only. Invariant: the table is ascending and part of the format; a class number keeps its size for ever.

/// Bytes of the smallest cell.
pub(crate) const MIN_CELL: usize = 16;
/// Bytes of a block in maps on disk and in growing memory.
pub(crate) const BLOCK_SHIFT: u32 = 16;

/// The same, at least, in memory that the caller provides.
pub(crate) const SMALLEST_BLOCK: u32 = 9;

const COUNT: usize = 58;

/// Cell sizes: 8-byte steps to 128, at most 12.5 % apart to 8 KiB, then whole fractions of a 64 KiB block.
pub(crate) const SIZES: [u32; COUNT] = {
    let mut sizes = [0; COUNT];
    let (mut at, mut size) = (0, MIN_CELL as u32);
    while size < 8192 {
        sizes[at] = size;
        let step = if size < 128 { 8 } else { size / 64 * 8 };
        size += step;
        at += 1;
    }
    let mut parts = 8;
    while parts >= 2 {
        sizes[at] = (1 << BLOCK_SHIFT) / parts / 16 * 16;
        at += 1;
        parts -= 1;
    }
    assert!(at == COUNT, "COUNT is the number of classes");
    sizes
};

/// Number of classes.
pub(crate) const CLASSES: usize = COUNT;

/// The smallest class whose cells hold `len` bytes at a multiple of `align` (8 or 16) and of which a block of
/// `1 << shift` bytes holds at least two; `None` if the record needs whole blocks.
#[inline]
pub(crate) fn class_for(len: usize, align: usize, shift: u32) -> Option<u8> {
    let mut class = if len <= 128 {
        len.max(MIN_CELL).div_ceil(8) - MIN_CELL / 8
    } else {
        SIZES.partition_point(|&size| (size as usize) < len)
    };
    if align > 8 {
        while class < CLASSES && !SIZES[class].is_multiple_of(16) {
            class += 1;
        }
    }
    (class < CLASSES && SIZES[class] as usize * 2 <= 1 << shift).then_some(class as u8)
}

/// Cells of a class in a block.
pub(crate) fn cells(class: u8, shift: u32) -> usize {
    SIZES.get(class as usize).map_or(0, |&size| (1usize << shift) / size as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_ascend_and_fit() {
        assert_eq!(SIZES[..3], [16, 24, 32]);
        assert_eq!(SIZES[CLASSES - 1], 32_768);
        for pair in SIZES.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(pair[1] > 8192 || u64::from(pair[1]) * 8 <= u64::from(pair[0]) * 9 || pair[0] < 128, "{pair:?}");
        }
        for len in 0..=32_768 {
            let class = class_for(len, 8, BLOCK_SHIFT).unwrap() as usize;
            assert!(SIZES[class] as usize >= len);
            assert!(class == 0 || (SIZES[class - 1] as usize) < len);
            let aligned = class_for(len, 16, BLOCK_SHIFT).unwrap() as usize;
            assert!(SIZES[aligned].is_multiple_of(16) && SIZES[aligned] as usize >= len);
        }
        assert_eq!(class_for(32_769, 8, BLOCK_SHIFT), None);
        assert_eq!(class_for(600, 8, 10), None);
    }
}
