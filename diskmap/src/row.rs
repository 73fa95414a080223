//! Things with numbers, of which there can be more and more while others use them.
//!
//! Must not know what they are. Invariant: a thing is made once, and stays where it is as long as the row.

use std::sync::OnceLock;

/// How often a row of one thing can double.
const DOUBLINGS: usize = 10;
/// Things at most.
pub(crate) const MOST: u32 = 1 << DOUBLINGS;

/// The things by number, from 0 on. There is always one.
#[derive(Default)]
pub(crate) struct Row<T> {
    first: T,
    /// By the logarithm of the first number in each, as many as all before.
    more: [OnceLock<Box<[T]>>; DOUBLINGS],
}

impl<T: Default> Row<T> {
    /// Makes at least so many things, at most [`MOST`].
    pub(crate) fn extend(&self, len: u32) {
        for (level, more) in self.more.iter().enumerate().take_while(|&(level, _)| 1 << level < len) {
            more.get_or_init(|| std::iter::repeat_with(T::default).take(1 << level).collect());
        }
    }
}

impl<T> Row<T> {
    /// The thing with a number, which the row was extended to.
    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> &T {
        if number == 0 {
            return &self.first;
        }
        let level = number.ilog2();
        match self.more[level as usize].get() {
            Some(more) => &more[(number - (1 << level)) as usize],
            None => unreachable!("whoever has a number has extended the row to it"),
        }
    }

    /// All there are.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(self.more.iter().filter_map(OnceLock::get).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn what_is_there_stays_when_there_is_more() {
        let row = Row::<AtomicU32>::default();
        for (len, there) in [(1, 1), (4, 4), (2, 4), (5, 8), (MOST, MOST), (1, MOST)] {
            row.extend(len);
            assert_eq!(row.iter().count(), there as usize);
            for number in 0..there {
                row.get(number).fetch_max(number, Ordering::Relaxed);
            }
            assert!((0..there).eq(row.iter().map(|thing| thing.load(Ordering::Relaxed))));
        }
    }
}
