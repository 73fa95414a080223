//! Random operations of one thread, compared with a `HashMap` after each. `PROPTEST_CASES` makes it longer.

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use self::shared::{Held, Shared, in_memory, on_disk};
use crate::kinds::{Names, Notes, Numbers, Texts, Wide, patience};

mod shared;

#[derive(Clone, Debug)]
enum Op {
    Insert(u64, u64),
    InsertAndHold(u64, u64),
    /// So many keys in a row.
    Fill(u64, u64),
    TryInsert(u64, u64),
    Remove(u64),
    RemoveAndHold(u64),
    RemoveEven(u64),
    Update(u64, u64),
    GetOrInsert(u64, u64),
    Exchange(u64, u64),
    Entry(u64, u8, u64),
    Retain(u64),
    AlterAll(u64),
    Clear,
    Compact,
    Shrink,
    Reserve(u64),
    Checkpoint,
    Snapshot,
    Hold(u64),
    LetGo(u64),
    Compare,
}

type Phase = (Vec<Op>, u8, Vec<(u64, u64)>);

fn op() -> impl Strategy<Value = Op> {
    let key = || prop_oneof![3 => 0..40u64, 1 => 0..4_000u64];
    let value = || 0..1u64 << 40;
    prop_oneof![
        8 => (key(), value()).prop_map(|(key, value)| Op::Insert(key, value)),
        4 => (key(), value()).prop_map(|(key, value)| Op::InsertAndHold(key, value)),
        1 => (key(), 1..1_500u64).prop_map(|(key, count)| Op::Fill(key, count)),
        4 => (key(), value()).prop_map(|(key, value)| Op::TryInsert(key, value)),
        6 => key().prop_map(Op::Remove),
        4 => key().prop_map(Op::RemoveAndHold),
        3 => key().prop_map(Op::RemoveEven),
        6 => (key(), value()).prop_map(|(key, value)| Op::Update(key, value)),
        4 => (key(), value()).prop_map(|(key, value)| Op::GetOrInsert(key, value)),
        4 => (key(), value()).prop_map(|(key, value)| Op::Exchange(key, value)),
        6 => (key(), 0..3u8, value()).prop_map(|(key, way, value)| Op::Entry(key, way, value)),
        1 => (2..8u64).prop_map(Op::Retain),
        1 => (0..100u64).prop_map(Op::AlterAll),
        1 => Just(Op::Clear),
        1 => Just(Op::Compact),
        1 => Just(Op::Shrink),
        1 => (0..3_000u64).prop_map(Op::Reserve),
        2 => Just(Op::Checkpoint),
        2 => Just(Op::Snapshot),
        6 => key().prop_map(Op::Hold),
        2 => (0..50u64).prop_map(Op::LetGo),
        2 => Just(Op::Compare),
    ]
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    vec((vec(op(), 0..60), any::<u8>(), vec((0..60u64, 0..1u64 << 40), 0..20)), 1..5)
}

/// The same to both; at the end what was read or frozen on the way is as it was.
fn run(map: &dyn Shared, model: &mut HashMap<u64, u64>, ops: &[Op]) {
    let mut held: Vec<(Box<dyn Held + '_>, u64)> = Vec::new();
    let mut frozen = Vec::new();
    for op in ops {
        match *op {
            Op::Insert(key, value) => assert_eq!(map.insert(key, value), model.insert(key, value)),
            Op::InsertAndHold(key, value) => {
                let old = map.insert_and_hold(key, value);
                assert_eq!(old.is_some(), model.contains_key(&key));
                held.extend(old.zip(model.insert(key, value)));
            }
            Op::Fill(key, count) => {
                for key in key..key + count {
                    assert_eq!(map.insert(key, key), model.insert(key, key));
                }
            }
            Op::TryInsert(key, value) => {
                assert_eq!(map.try_insert(key, value), !model.contains_key(&key));
                model.entry(key).or_insert(value);
            }
            Op::Remove(key) => assert_eq!(map.remove(key), model.remove(&key)),
            Op::RemoveAndHold(key) => {
                let old = map.remove_and_hold(key);
                assert_eq!(old.is_some(), model.contains_key(&key));
                held.extend(old.zip(model.remove(&key)));
            }
            Op::RemoveEven(key) => {
                let even = model.get(&key).is_some_and(|value| value.is_multiple_of(2));
                assert_eq!(map.remove_even(key), if even { model.remove(&key) } else { None });
            }
            Op::Update(key, value) => {
                assert_eq!(map.update(key, value), model.get(&key).copied());
                model.entry(key).and_modify(|old| *old = value);
            }
            Op::GetOrInsert(key, value) => {
                assert_eq!(map.get_or_insert(key, value), *model.entry(key).or_insert(value));
            }
            Op::Exchange(key, value) => {
                let current = model.get(&key).copied();
                for (expected, result) in [(value, Err(current)), (current.unwrap_or(0), current.map(drop).ok_or(None))]
                {
                    let done = map.exchange(key, expected, value);
                    let result = if current == Some(expected) { Ok(()) } else { result };
                    assert!(done.is_none() || done == Some(result));
                    if done == Some(Ok(())) {
                        model.insert(key, value);
                        break;
                    }
                }
            }
            Op::Entry(key, way, value) => {
                let old =
                    if way == 1 && model.contains_key(&key) { model.remove(&key) } else { model.insert(key, value) };
                assert_eq!(map.entry(key, way, value), old);
            }
            Op::Retain(modulus) => {
                map.retain(modulus);
                model.retain(|key, value| !(*key ^ *value).is_multiple_of(modulus));
            }
            Op::AlterAll(add) => {
                map.alter_all(add);
                model.iter_mut().for_each(|(key, value)| *value += key + add);
            }
            Op::Clear => {
                map.clear();
                model.clear();
            }
            Op::Compact => map.compact(),
            Op::Shrink => map.shrink(),
            Op::Reserve(additional) => map.reserve(additional),
            Op::Checkpoint => map.checkpoint(),
            Op::Snapshot => frozen.push((map.snapshot(), model.clone())),
            Op::Hold(key) => {
                let value = map.hold(key);
                assert_eq!(value.is_some(), model.contains_key(&key));
                held.extend(value.zip(model.get(&key).copied()));
            }
            Op::LetGo(at) => {
                if !held.is_empty() {
                    let (value, seed) = held.swap_remove(at as usize % held.len());
                    assert_eq!(value.seed(), seed, "a value changed while it was held");
                }
            }
            Op::Compare => assert_eq!(&map.contents(), model),
        }
        assert_eq!(map.len(), model.len() as u64);
    }
    for (value, seed) in held {
        assert_eq!(value.seed(), seed, "a value changed while it was held");
    }
    for (snapshot, then) in frozen {
        assert_eq!(snapshot(), then, "a snapshot changed");
    }
}

fn is_a_map(make: impl Fn() -> Box<dyn Shared>) {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var("PROPTEST_CASES").is_err() {
        config.cases = 60 * patience();
    }
    let test = |phases: Vec<Phase>| {
        let (mut map, mut model) = (make(), HashMap::new());
        for (ops, way, entries) in &phases {
            run(&*map, &mut model, ops);
            map.verify();
            map = map.again(*way, entries);
            model.extend(entries.iter().copied());
            assert_eq!(map.contents(), model, "in the map that was shared again");
            for (&key, &value) in &model {
                assert_eq!(map.get(key), Some(value));
            }
        }
        map.verify();
        Ok(())
    };
    TestRunner::new(config).run(&phases(), test).unwrap_or_else(|failure| panic!("{failure}"));
}

/// New maps in directories of their own below a temporary one.
fn is_a_map_on_disk(open: fn(&std::path::Path) -> Box<dyn Shared>) {
    let (root, count) = (crate::isolated::memory_dir(), std::cell::Cell::new(0));
    is_a_map(|| {
        count.set(count.get() + 1);
        let _ = std::fs::remove_dir_all(root.path().join((count.get() - 1).to_string()));
        open(&root.path().join(count.get().to_string()))
    });
}

#[test]
fn numbers_on_disk_are_a_map() {
    is_a_map_on_disk(on_disk::<Numbers>);
}

#[test]
fn values_that_move_are_a_map() {
    is_a_map(in_memory::<Wide>);
}

#[test]
fn names_are_a_map() {
    is_a_map(in_memory::<Names>);
}

#[test]
fn notes_on_disk_are_a_map() {
    is_a_map_on_disk(on_disk::<Notes>);
}

#[test]
fn texts_are_a_map() {
    is_a_map(in_memory::<Texts>);
}

#[test]
fn texts_on_disk_are_a_map() {
    is_a_map_on_disk(on_disk::<Texts>);
}
