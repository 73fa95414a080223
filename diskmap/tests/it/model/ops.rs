//! The operations, and how often each comes.

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Look(u32),
    GetMany {
        from: u32,
        count: u32,
        step: u32,
    },
    Insert(u32, u32),
    TryInsert(u32, u32),
    Update(u32, u32),
    Entry(u32, u32, How),
    GetOrInsertWith(u32, u32),
    Remove(u32),
    RemoveEntry(u32),
    Take(u32),
    InsertMany {
        from: u32,
        count: u32,
        value: u32,
    },
    /// `period` keys are inserted again and again in one batch.
    Extend {
        from: u32,
        count: u32,
        period: u32,
        value: u32,
    },
    UpdateMany {
        from: u32,
        count: u32,
        value: u32,
    },
    RemoveMany {
        from: u32,
        count: u32,
    },
    Clear,
    Retain {
        part: u64,
    },
    ExtractIf {
        part: u64,
        limit: usize,
    },
    Drain {
        limit: usize,
    },
    Reserve(u64),
    Shrink,
    Compact,
    Checkpoint,
    Compare,
    ScanPart,
    Snapshot,
    /// Compares one of the snapshots and drops it.
    DropSnapshot(usize),
    End(End),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    OrInsert,
    OrInsertWith,
    OrInsertWithKey,
    OrDefault,
    AndModifyOrInsert,
    InsertEntry,
    InsertEntryThenInsert,
    InsertEntryThenRemove,
    VariantInsert,
    VariantOrInsert,
    VariantOrInsertWith,
    VariantRemove,
    VariantRemoveEntry,
}

/// How a handle of a map on disk ends. In memory all are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Close,
    Drop,
    /// As a kill would: nothing is synced.
    Abandon,
    /// Abandoned, and the machine went down.
    Reboot,
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let key = || prop_oneof![4 => 0..24u32, 1 => 0..UNIVERSE];
    let value = || 0..10_000u32;
    let count = || prop_oneof![2 => 1..400u32, 1 => 400..6_000u32];
    let how = proptest::sample::select(vec![
        How::OrInsert,
        How::OrInsertWith,
        How::OrInsertWithKey,
        How::OrDefault,
        How::AndModifyOrInsert,
        How::InsertEntry,
        How::InsertEntryThenInsert,
        How::InsertEntryThenRemove,
        How::VariantInsert,
        How::VariantOrInsert,
        How::VariantOrInsertWith,
        How::VariantRemove,
        How::VariantRemoveEntry,
    ]);
    let end = proptest::sample::select(vec![End::Close, End::Drop, End::Abandon, End::Abandon, End::Reboot]);
    let limit = || prop_oneof![0..50usize, Just(usize::MAX)];
    prop_oneof![
        2 => key().prop_map(Op::Look),
        1 => (0..UNIVERSE, 0..200u32, 1..70u32).prop_map(|(from, count, step)| Op::GetMany { from, count, step }),
        6 => (key(), value()).prop_map(|(k, v)| Op::Insert(k, v)),
        2 => (key(), value()).prop_map(|(k, v)| Op::TryInsert(k, v)),
        3 => (key(), value()).prop_map(|(k, v)| Op::Update(k, v)),
        8 => (key(), value(), how).prop_map(|(k, v, how)| Op::Entry(k, v, how)),
        1 => (key(), value()).prop_map(|(k, v)| Op::GetOrInsertWith(k, v)),
        2 => key().prop_map(Op::Remove),
        1 => key().prop_map(Op::RemoveEntry),
        1 => key().prop_map(Op::Take),
        5 => (0..UNIVERSE, count(), value()).prop_map(|(from, count, value)| Op::InsertMany { from, count, value }),
        2 => (0..UNIVERSE, count(), prop_oneof![1..40u32, Just(UNIVERSE)], value())
            .prop_map(|(from, count, period, value)| Op::Extend { from, count, period, value }),
        2 => (0..UNIVERSE, count(), value()).prop_map(|(from, count, value)| Op::UpdateMany { from, count, value }),
        3 => (0..UNIVERSE, count()).prop_map(|(from, count)| Op::RemoveMany { from, count }),
        1 => Just(Op::Clear),
        1 => (2..9u64).prop_map(|part| Op::Retain { part }),
        1 => (1..9u64, limit()).prop_map(|(part, limit)| Op::ExtractIf { part, limit }),
        1 => limit().prop_map(|limit| Op::Drain { limit }),
        1 => (0..9_000u64).prop_map(Op::Reserve),
        2 => Just(Op::Shrink),
        2 => Just(Op::Compact),
        4 => Just(Op::Checkpoint),
        2 => Just(Op::Compare),
        6 => Just(Op::ScanPart),
        3 => Just(Op::Snapshot),
        2 => (0..HELD).prop_map(Op::DropSnapshot),
        4 => end.prop_map(Op::End),
    ]
}
