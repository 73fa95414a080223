//! The maps that are kept. What is here never changes while they are: a new one gets a new name.

use diskmap::{DiskKey, DiskValue, SipBuildHasher};
use rustc_hash::FxBuildHasher;

use super::*;
use crate::crash::Constant;

pub(super) struct Numbers;
pub(super) struct Names;
pub(super) struct Texts;
pub(super) struct LongValues;
pub(super) struct Records;
pub(super) struct Keyed;
pub(super) struct Chained;
pub(super) struct Unclosed;
pub(super) struct Gaps;

fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn name(number: u64) -> String {
    format!("{}{number}", "näme-".repeat(number as usize % 2))
}

fn filled(number: u64, len: usize) -> Vec<u8> {
    vec![number as u8; len]
}

impl Golden for Numbers {
    const NAME: &'static str = "numbers";
    type K = u64;
    type V = u64;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(u64, u64)> {
        (0..41).map(|number| (mixed(number), number)).collect()
    }
}

impl Golden for Names {
    const NAME: &'static str = "names";
    type K = String;
    type V = u64;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(String, u64)> {
        (0..41).map(|number| (name(number), mixed(number))).collect()
    }
}

impl Golden for Texts {
    const NAME: &'static str = "texts";
    type K = u64;
    type V = String;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(u64, String)> {
        (0..41).map(|number| (number, name(number))).collect()
    }
}

/// One of the values takes more than a block of the heap.
impl Golden for LongValues {
    const NAME: &'static str = "long-values";
    type K = String;
    type V = Vec<u8>;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(String, Vec<u8>)> {
        (0..21).map(|number| (name(number), filled(number, if number == 7 { 70_000 } else { 9 }))).collect()
    }
}

#[derive(DiskKey, DiskValue, Debug, PartialEq)]
pub(super) struct Part {
    maker: (u16, [u8; 3]),
    number: String,
}

#[derive(DiskValue, Debug, PartialEq)]
pub(super) struct Stock {
    pieces: u64,
    shelf: String,
    sizes: Vec<u16>,
    note: Option<String>,
    state: Stocked,
}

#[derive(DiskValue, Debug, PartialEq)]
#[repr(u8)]
pub(super) enum Stocked {
    Never = 1,
    Since(i64) = 2,
    By { whom: String, when: i64 } = 3,
}

impl Golden for Records {
    const NAME: &'static str = "records";
    type K = Part;
    type V = Stock;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(Part, Stock)> {
        let part = |n: u64| Part { maker: (n as u16, [1, 2, n as u8]), number: name(n) };
        let state = |n: u64| match n % 3 {
            0 => Stocked::Never,
            1 => Stocked::Since(-(n as i64)),
            _ => Stocked::By { whom: name(n), when: n as i64 },
        };
        let stock = |n: u64| Stock {
            pieces: mixed(n),
            shelf: format!("shelf {n}"),
            sizes: (0..n as u16 % 5).collect(),
            note: n.is_multiple_of(2).then(|| name(n)),
            state: state(n),
        };
        (0..31).map(|number| (part(number), stock(number))).collect()
    }
}

/// The key of the hasher is in the map, not here.
impl Golden for Keyed {
    const NAME: &'static str = "keyed";
    type K = String;
    type V = u64;
    type Hasher = SipBuildHasher;

    fn hasher() -> SipBuildHasher {
        SipBuildHasher::new()
    }

    fn entries() -> Vec<(String, u64)> {
        Names::entries()
    }
}

/// Keys that all hash alike, more than one segment can take.
impl Golden for Chained {
    const NAME: &'static str = "chained";
    type K = u64;
    type V = [u64; 7];
    type Hasher = Constant;

    fn hasher() -> Constant {
        Constant
    }

    fn entries() -> Vec<(u64, [u64; 7])> {
        (0..141).map(|number| (number, [number, 1, 2, 3, 4, 5, 6])).collect()
    }
}

/// What was changed after the checkpoint is in the files, and not in the map.
impl Golden for Unclosed {
    const NAME: &'static str = "unclosed";
    const RECOVERY: Recovery = Recovery::RolledBack;
    type K = u64;
    type V = String;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(u64, String)> {
        Texts::entries()
    }

    fn fill(map: &mut Map<Self>) {
        insert_all::<Self>(map);
        map.checkpoint().expect("a checkpoint");
        for number in 0..60 {
            map.insert(&number, "given up").expect("inserted");
        }
        for number in 0..5 {
            map.remove(&number).expect("removed");
        }
    }

    fn leave(map: Map<Self>) {
        drop(map);
    }
}

/// A block full of records, blocks with some, free ones, and a run, in the checkpoint's terms: all of its tokens.
impl Golden for Gaps {
    const NAME: &'static str = "gaps";
    type K = u64;
    type V = Vec<u8>;
    type Hasher = FxBuildHasher;

    fn hasher() -> FxBuildHasher {
        FxBuildHasher
    }

    fn entries() -> Vec<(u64, Vec<u8>)> {
        let short = (0..60).filter(|number| number % 4 != 1).map(|number| (number, filled(number, 9)));
        let long = [(100, 30_000), (101, 31_000), (104, 140_000), (105, 9)];
        short.chain(long.into_iter().map(|(number, len)| (number, filled(number, len)))).collect()
    }

    fn fill(map: &mut Map<Self>) {
        for number in 0..60 {
            map.insert(&number, &filled(1, 9)).expect("inserted");
        }
        map.insert(&102, &filled(102, 70_000)).expect("inserted");
        insert_all::<Self>(map);
        for number in (0..60).filter(|number| number % 4 == 1).chain([102]) {
            map.remove(&number).expect("removed");
        }
    }
}
