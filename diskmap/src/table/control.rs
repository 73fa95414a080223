//! A bucket's control word: a 7-bit tag for each slot and, above them, how many entries overflowed past the bucket.
//!
//! Must not know where the word lies. Invariant: a tag match is exact. The usual `(x - L) & !x & H` would also flag
//! the lane above a true match, which may be a free slot, and so return a removed key.

use super::layout::Layout;
use crate::hash::TAG_BITS;

/// A control word; narrow ones use the lower 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control(pub u64);

/// The constants that follow from the number of slots.
pub(crate) struct Lanes {
    /// 1 in every lane.
    one: u64,
    /// The high bit of every lane.
    high: u64,
    /// All lower bits of every lane.
    low: u64,
    /// The count at which counting stops.
    pub saturated: u64,
    shift: u32,
}

impl Lanes {
    /// The constants of a layout.
    pub(crate) const fn of(layout: &Layout) -> Lanes {
        let (mut one, mut slot) = (0, 0);
        while slot < layout.slots {
            one |= 1 << (TAG_BITS as usize * slot);
            slot += 1;
        }
        let high = one << (TAG_BITS - 1);
        let shift = if layout.wide() { 8 * TAG_BITS } else { 4 * TAG_BITS };
        let saturated = if layout.wide() { 0xFF } else { 0xF };
        Lanes { one, high, low: high - one, saturated, shift }
    }

    #[inline(always)]
    fn zero(&self, word: u64) -> u64 {
        !(((word & self.low) + self.low) | word) & self.high
    }

    #[inline(always)]
    fn lanes(&self, high: u64) -> Matches {
        Matches { high, raise: (self.shift > 32).into() }
    }

    /// The lanes that hold `tag`.
    #[inline(always)]
    pub(crate) fn matching(&self, control: Control, tag: u64) -> Matches {
        self.lanes(self.zero(control.0 ^ tag.wrapping_mul(self.one)))
    }

    /// The lowest lane that holds `tag`: what the usual test finds first is a match, and it takes three instructions less.
    #[inline(always)]
    pub(crate) fn first_matching(&self, control: Control, tag: u64) -> Option<usize> {
        let differing = control.0 ^ tag.wrapping_mul(self.one);
        self.lanes(differing.wrapping_sub(self.one) & !differing & self.high).first()
    }

    /// The lanes that are free.
    #[inline(always)]
    pub(crate) fn free(&self, control: Control) -> Matches {
        self.lanes(self.zero(control.0))
    }

    /// The lanes that are in use.
    #[inline(always)]
    pub(crate) fn used(&self, control: Control) -> Matches {
        self.lanes(self.zero(control.0) ^ self.high)
    }

    /// How many lanes are in use in words of 64 bits, each of which is one wide control word or two narrow ones.
    pub(crate) fn count_all(&self, words: impl Iterator<Item = u64>) -> usize {
        let both = |lanes: u64| if self.shift > 32 { lanes } else { lanes | lanes << 32 };
        let (low, high) = (both(self.low), both(self.high));
        // A lane has room for the count of so many words.
        const MOST: usize = (1 << TAG_BITS) - 1;
        let (mut count, mut each, mut summed) = (0, 0u64, 0);
        let sum = |each: u64| {
            let lane = |at: u32| (each >> at & MOST as u64) as usize;
            (0..64).filter(|at| both(self.one) >> at & 1 != 0).map(lane).sum::<usize>()
        };
        for word in words {
            each += ((((word & low) + low) | word) & high) >> (TAG_BITS - 1);
            summed += 1;
            if summed == MOST {
                (count, each, summed) = (count + sum(each), 0, 0);
            }
        }
        count + sum(each)
    }

    /// How many entries overflowed past the bucket; `saturated` means that many or more.
    #[inline(always)]
    pub(crate) fn overflow(&self, control: Control) -> u64 {
        control.0 >> self.shift & self.saturated
    }

    /// Whether bits are set that belong neither to a lane nor to the count.
    pub(crate) fn has_strays(&self, control: Control) -> bool {
        control.0 & !(self.low | self.high | self.saturated << self.shift) != 0
    }

    /// The word with another overflow count.
    #[inline(always)]
    pub(crate) fn with_overflow(&self, control: Control, count: u64) -> Control {
        let count = if count < self.saturated { count } else { self.saturated };
        Control(control.0 & !(self.saturated << self.shift) | count << self.shift)
    }

    /// The tag in a lane, 0 if it is free.
    #[inline(always)]
    pub(crate) fn tag(&self, control: Control, lane: usize) -> u64 {
        control.0 >> (TAG_BITS as usize * lane) & 0x7F
    }

    /// The word with `tag` in a lane that was free.
    #[inline(always)]
    pub(crate) fn with_new_tag(&self, control: Control, lane: usize, tag: u64) -> Control {
        Control(control.0 | tag << (TAG_BITS as usize * lane))
    }

    /// The word with `tag` in a lane.
    #[inline(always)]
    pub(crate) fn with_tag(&self, control: Control, lane: usize, tag: u64) -> Control {
        let at = TAG_BITS as usize * lane;
        Control(control.0 & !(0x7F << at) | tag << at)
    }
}

/// A set of lanes, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matches {
    /// The high bit of each.
    high: u64,
    /// 1 if there may be 8 lanes, else 0.
    raise: u32,
}

impl Matches {
    /// The lowest lane.
    #[inline(always)]
    pub(crate) fn first(self) -> Option<usize> {
        // High bits are 7 lane + 6, so that an eighth is the lane: in the eighth lane, of 1 more.
        if self.high == 0 { None } else { Some(((self.high.trailing_zeros() + self.raise) / 8) as usize) }
    }
}

impl Iterator for Matches {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let lane = self.first()?;
        self.high &= self.high - 1;
        Some(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::layout::Side;

    fn lanes(key: usize) -> (Lanes, usize) {
        let layout = Layout::new(Side::Inline { size: key }, Side::Inline { size: 8 });
        (Lanes::of(&layout), layout.slots)
    }

    #[test]
    fn matching_is_exact_for_every_neighbour() {
        for key in [8, 16, 0] {
            let (lanes, slots) = lanes(key);
            for tag in 1..128 {
                for other in 0..128 {
                    for at in 0..slots {
                        let mut control = lanes.with_overflow(Control(0), lanes.saturated);
                        for lane in 0..slots {
                            control = lanes.with_tag(control, lane, if lane == at { tag } else { other });
                        }
                        let expected: Vec<usize> = (0..slots).filter(|&l| l == at || other == tag).collect();
                        assert_eq!(lanes.matching(control, tag).collect::<Vec<_>>(), expected);
                        assert_eq!(lanes.first_matching(control, tag), expected.first().copied());
                        assert_eq!(lanes.free(control).count(), if other == 0 { slots - 1 } else { 0 });
                        assert_eq!(lanes.used(control).count() + lanes.free(control).count(), slots);
                    }
                }
            }
        }
    }

    #[test]
    fn words_are_counted_as_their_lanes() {
        let mut random = fastrand::Rng::with_seed(7);
        for key in [8, 16, 0] {
            let (lanes, _) = lanes(key);
            for len in [0, 1, 126, 127, 128, 1000] {
                let words: Vec<u64> = std::iter::repeat_with(|| random.u64(..) & random.u64(..)).take(len).collect();
                let narrow = lanes.shift <= 32;
                let halves = |word: u64| if narrow { vec![word & 0xFFFF_FFFF, word >> 32] } else { vec![word] };
                let controls = words.iter().copied().flat_map(halves).map(Control);
                let expected: usize = controls.map(|control| lanes.used(control).count()).sum();
                assert_eq!(lanes.count_all(words.into_iter()), expected);
                assert_eq!(lanes.count_all(std::iter::repeat_n(u64::MAX, len)), {
                    let each = lanes.used(Control(u64::MAX)).count();
                    len * if narrow { 2 * each } else { each }
                });
            }
        }
    }

    #[test]
    fn overflow_counts_saturate_and_keep_tags() {
        let (lanes, _) = lanes(8);
        let control = lanes.with_tag(Control(0), 3, 0x7F);
        let full = lanes.with_overflow(control, 1000);
        assert_eq!(lanes.overflow(full), 15);
        assert_eq!(lanes.tag(full, 3), 0x7F);
        assert_eq!(lanes.with_overflow(full, 0), control);
        assert_eq!(full.0 >> 32, 0);
    }
}
