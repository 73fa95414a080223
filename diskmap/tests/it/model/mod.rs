//! The map against `std::collections::HashMap`: random operations, for many kinds of keys and values, in all three stores.

use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    slice,
    time::Duration,
};

use diskmap::{
    ByteStore, DiskHashMap, DiskKey, Encode, Error, IntoOwned, MMapFile, MapEntry, OpenOptions, Recovery, Result,
    SliceStore, Snapshot, Str, VecStore, types::Arch,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tempfile::TempDir;

mod kinds;
mod ops;
mod state;

use self::{kinds::*, ops::*, state::*};

/// A directory where syncing costs next to nothing, if there is one.
pub(crate) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

type Map<T, BS> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, BS>;

/// On disk. With `timer` checkpoints come at any moment from another thread, so nobody knows what a reboot goes back to.
fn on_disk<T: Kind>(dir: TempDir, ops: &[Op], timer: bool) {
    let mut state = State::<T>::new(false);
    let mut ops = ops.iter();
    let (mut boot, mut recovery) = (0, Recovery::Created);
    loop {
        let end = ops.as_slice().iter().find_map(|op| if let Op::End(end) = op { Some(*end) } else { None });
        let options = OpenOptions::new()
            .create(recovery == Recovery::Created)
            .boot_id([boot; 16])
            .sync_on_drop(end == Some(End::Drop))
            .auto_checkpoint(timer.then_some(Duration::from_micros(300)));
        let mut map: Map<T, MMapFile> = options.open(dir.path()).unwrap();
        assert_eq!(map.stats().recovery, recovery);
        state.compare(&map);
        assert_eq!(state.run(&mut map, &mut ops), end);
        let Some(end) = end else { return map.close().unwrap() };
        match end {
            End::Close => map.close().unwrap(),
            _ => drop(map),
        }
        recovery = match end {
            End::Close | End::Drop => {
                state.durable.clone_from(&state.model);
                Recovery::Closed
            }
            End::Reboot if !timer => {
                boot += 1;
                state.model.clone_from(&state.durable);
                state.advance_scan();
                Recovery::RolledBack
            }
            End::Reboot | End::Abandon => Recovery::Resumed,
        };
    }
}

fn in_memory<T: Kind>(ops: &[Op]) {
    let mut state = State::<T>::new(false);
    let mut ops = ops.iter();
    let mut map: Map<T, VecStore> = DiskHashMap::new();
    while state.run(&mut map, &mut ops).is_some() {
        let copy = map.clone();
        assert!(copy == map);
        map = copy;
        state.compare(&map);
    }
}

fn in_slice<T: Kind>(ops: &[Op], entries: u64) {
    let mut state = State::<T>::new(true);
    let mut ops = ops.iter();
    let len = DiskHashMap::<T::K, T::V, SliceStore<'_>>::required_bytes(entries, entries * 10, entries * 20);
    let (mut memory, mut start) = (vec![0xA5; len], 0);
    let mut map: Map<T, SliceStore<'_>> = DiskHashMap::new_in_slice(&mut memory).unwrap();
    while state.run(&mut map, &mut ops).is_some() {
        drop(map);
        // Elsewhere, and at another offset from a multiple of 64 bytes, which takes 63 bytes more.
        let old = memory.split_off(start);
        start = state.model.len() % 64;
        memory = vec![0x5A; start + len + 63];
        memory[start..start + old.len()].copy_from_slice(&old);
        map = DiskHashMap::load_from_slice(&mut memory[start..]).unwrap();
        state.compare(&map);
    }
}

/// As often as one in `share` of what `PROPTEST_CASES` says.
fn check<I: Debug>(strategy: impl Strategy<Value = I>, share: u32, test: impl Fn(I)) {
    let config = Config::default();
    let config = Config { cases: (config.cases / share).max(1), failure_persistence: None, ..config };
    let run = TestRunner::new(config).run(&strategy, |input| {
        test(input);
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 1..100)
}

macro_rules! models {
    ($run:ident, $share:literal, $input:expr; $($name:ident: $kind:ty),+ $(,)?) => {$(
        #[test]
        fn $name() {
            check($input, $share, $run::<$kind>);
        }
    )+};
}

mod disk {
    use super::*;

    fn run<T: Kind>(ops: Vec<Op>) {
        on_disk::<T>(scratch(), &ops, false);
    }

    models! {
        run, 16, ops();
        u64_to_u64: U64ToU64,
        u32_to_unit: U32ToUnit,
        u64_to_string: U64ToString,
        string_to_u64: StringToU64,
        string_to_bytes: StringToBytes,
        wide_to_wide: WideToWide,
        pair_to_pair: PairToPair,
        u128_to_u8: U128ToU8,
        long_to_long: LongToLong,
        str_to_arch: StrToArch,
    }
}

mod disk_with_a_timer {
    use super::*;

    fn run<T: Kind>(ops: Vec<Op>) {
        on_disk::<T>(scratch(), &ops, true);
    }

    models! {
        run, 32, ops();
        u64_to_u64: U64ToU64,
        u32_to_unit: U32ToUnit,
        u64_to_string: U64ToString,
        string_to_u64: StringToU64,
        string_to_bytes: StringToBytes,
        wide_to_wide: WideToWide,
        pair_to_pair: PairToPair,
        u128_to_u8: U128ToU8,
        long_to_long: LongToLong,
        str_to_arch: StrToArch,
    }
}

// In the other stores one pair of types for each kind of slot: the compiler takes seconds for each of these.
mod memory {
    use super::*;

    fn run<T: Kind>(ops: Vec<Op>) {
        in_memory::<T>(&ops);
    }

    models! {
        run, 16, ops();
        u64_to_u64: U64ToU64,
        u64_to_string: U64ToString,
        string_to_u64: StringToU64,
        wide_to_wide: WideToWide,
        pair_to_pair: PairToPair,
    }
}

mod slice_of_memory {
    use super::*;

    fn run<T: Kind>((ops, entries): (Vec<Op>, u64)) {
        in_slice::<T>(&ops, entries);
    }

    models! {
        run, 16, (ops(), prop_oneof![1..200u64, 1_000..12_000u64]);
        u64_to_u64: U64ToU64,
        u64_to_string: U64ToString,
        string_to_u64: StringToU64,
        wide_to_wide: WideToWide,
        pair_to_pair: PairToPair,
        str_to_arch: StrToArch,
    }
}

#[test]
fn on_a_real_file_system() {
    check(ops(), 64, |ops| on_disk::<StringToBytes>(TempDir::new().unwrap(), &ops, false));
}
