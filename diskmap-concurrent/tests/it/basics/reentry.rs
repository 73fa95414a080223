//! Writing from inside: a thread that holds an entry, or whose closure is being called, is refused, and reads go on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diskmap::{Error, Result, VecStore};
use diskmap_concurrent::{DiskDashMap, MemDashMap};

use super::*;

/// The keys that every map of these tests has.
const KEYS: u64 = 1_000;

fn filled<T: Kind>() -> Mem<T> {
    let map = Mem::<T>::new().expect("a map");
    for number in 0..KEYS {
        map.insert(&T::key(number), &T::value(number)).expect("inserted");
    }
    map
}

/// What writes is refused, whatever the key; what reads works.
fn inside<T: Kind, BS: ByteStore>(map: &Map<T, BS>) {
    fn refused<R>(result: Result<R>) {
        assert!(matches!(result, Err(Error::Reentrant)), "{:?}", result.map(drop));
    }
    let (value, missing) = (T::value(9), T::key(1 << 40));
    for number in [1, 2, 3, 500, 501, 502, 503, 1 << 41, 1 << 42] {
        let key = T::key(number);
        refused(map.insert(&key, &value));
        refused(map.try_insert(&key, &value));
        refused(map.remove(&key));
        refused(map.take(&key));
        refused(map.remove_if(&key, |_| true));
        refused(map.update(&key, |_| T::value(9)));
        refused(map.alter(&key, |_, _| T::value(9)));
        refused(map.entry(&key));
    }
    refused(map.get_or_insert_with(&missing, || T::value(9)));
    refused(map.clear());
    refused(map.retain(|_, _| false));
    refused(map.alter_all(|_, _| T::value(9)));
    refused(map.compact());
    refused(map.shrink_to_fit());
    refused(map.reserve(1));
    refused(map.capacity());
    refused(map.verify());
    let advice = Error::Reentrant.to_string();
    assert!(advice.contains("entry"), "what to do about it: {advice}");

    assert_eq!(map.len(), KEYS);
    assert_eq!(map.get(&T::key(500)).expect("read").map(|value| T::seed(value.value())), Some(500));
    assert!(!map.contains_key(&missing).expect("read"));
    assert_eq!(seeds::<T, BS>(map).len() as u64, KEYS);
    assert_eq!(
        map.get_many(&[T::key(1), missing]).filter(|value| value.as_ref().is_ok_and(Option::is_some)).count(),
        1
    );
    assert_eq!(map.snapshot().len(), KEYS);
    map.checkpoint().expect("a checkpoint");
    assert_eq!(map.stats().entries, KEYS);
    assert_eq!(map.clone().len(), KEYS);
}

fn writing_inside_is_refused<T: Kind>() {
    let map = &filled::<T>();
    let (present, absent) = (T::key(1), T::key(1 << 41));
    for key in [&present, &absent] {
        let entry = map.entry(key).expect("an entry");
        inside::<T, _>(map);
        drop(entry);
    }
    let entry = map.entry(&present).expect("an entry").and_modify(|_| {
        inside::<T, _>(map);
        T::value(1)
    });
    let found = entry.expect("modified").or_insert(&T::value(0)).expect("there");
    assert_eq!(T::seed(found.value()), 1, "an entry that was found before a checkpoint is found again");
    map.update(&present, |_| {
        inside::<T, _>(map);
        T::value(1)
    })
    .expect("updated");
    map.alter(&present, |_, _| {
        inside::<T, _>(map);
        T::value(1)
    })
    .expect("altered");
    let removed = map.remove_if(&present, |_| {
        inside::<T, _>(map);
        false
    });
    assert!(removed.expect("asked").is_none());
    let mut once = true;
    map.retain(|_, _| {
        if std::mem::take(&mut once) {
            inside::<T, _>(map);
        }
        true
    })
    .expect("retained");
    once = true;
    map.alter_all(|_, value| {
        if std::mem::take(&mut once) {
            inside::<T, _>(map);
        }
        T::value(T::seed(value))
    })
    .expect("altered");
    let calls = [
        map.get_or_insert_with(&absent, || {
            inside::<T, _>(map);
            T::value(1)
        })
        .map(drop),
        map.remove(&absent).map(drop),
        map.entry(&absent)
            .expect("an entry")
            .or_insert_with(|| {
                inside::<T, _>(map);
                T::value(1)
            })
            .map(drop),
        map.remove(&absent).map(drop),
        map.entry(&absent)
            .expect("an entry")
            .or_insert_with_key(|_| {
                inside::<T, _>(map);
                T::value(1)
            })
            .map(drop),
    ];
    calls.into_iter().for_each(|call| call.expect("done"));
    map.remove(&absent).expect("removed").expect("it was there");
    let entry = map.entry(&absent).expect("an entry");
    map.checkpoint().expect("a checkpoint");
    drop(map.snapshot());
    entry.or_insert(&T::value(1)).expect("a vacancy that was found before a checkpoint is found again");
    assert_eq!(map.len(), KEYS + 1);
    assert!(map.verify().expect("verified").is_sound());
}

#[test]
fn a_thread_that_is_inside_a_map_of_numbers_may_only_read() {
    writing_inside_is_refused::<Numbers>();
}

#[test]
fn a_thread_that_is_inside_a_map_of_texts_may_only_read() {
    writing_inside_is_refused::<Texts>();
}

#[test]
fn a_map_may_be_written_to_inside_another_one() {
    let (one, other) = (filled::<Texts>(), filled::<Numbers>());
    let entry = one.entry("a").expect("an entry");
    let inner = other.entry(&5_000).expect("an entry");
    inner.or_insert(&1).expect("inserted");
    other.update(&5_000, |n| one.len() + n).expect("updated");
    other.clear().expect("cleared");
    entry.or_insert("b").expect("inserted");
    one.update("a", |old| format!("{old}{}", other.get_or_insert_with(&1, || 7u64).expect("stored"))).expect("updated");
    assert_eq!(one.get("a").expect("read").as_deref(), Some("b7"));
    let third = MemDashMap::<str, u64>::new().expect("a map");
    let handle = one.clone();
    one.retain(|key, value| {
        third.insert(key, &(value.len() as u64)).expect("inserted");
        assert!(matches!(handle.insert("x", "y"), Err(Error::Reentrant)), "another handle is the same map");
        true
    })
    .expect("retained");
    assert_eq!(third.len(), one.len());
}

#[test]
fn an_entry_in_one_thread_lets_other_shards_and_all_readers_go_on() {
    let map: &DiskDashMap<u64, u64, VecStore> = &filled::<Numbers>();
    let entry = map.entry(&1).expect("an entry");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| (map.get_copied(&1).expect("read"), map.iter().count(), map.snapshot().len()));
        assert_eq!(reader.join().expect("a reader"), (Some(1), KEYS as usize, KEYS));
        // Some of so many keys lie in other shards.
        let (sender, stored) = std::sync::mpsc::channel();
        for number in 2..40 {
            let sender = sender.clone();
            scope.spawn(move || {
                map.insert(&number, &0).expect("inserted");
                sender.send(number).expect("told");
            });
        }
        drop(sender);
        for _ in 0..5 {
            stored.recv_timeout(std::time::Duration::from_secs(20)).expect("a write to another shard");
        }
        drop(entry);
        assert_eq!(stored.iter().count(), 33);
    });
}

#[test]
fn a_closure_that_panics_leaves_the_map_as_it_was() {
    let map = &filled::<Texts>();
    let before = seeds::<Texts, _>(map);
    let (key, missing) = (Texts::key(1), Texts::key(1 << 40));
    type Call<'m> = Box<dyn Fn() + 'm>;
    let calls: Vec<Call<'_>> = vec![
        Box::new(|| drop(map.update(&key, |_| -> String { panic!("on purpose") }))),
        Box::new(|| drop(map.alter(&key, |_, _| -> String { panic!("on purpose") }))),
        Box::new(|| drop(map.remove_if(&key, |_| panic!("on purpose")))),
        Box::new(|| drop(map.get_or_insert_with(&missing, || -> String { panic!("on purpose") }))),
        Box::new(|| {
            drop(map.entry(&key).map(|entry| entry.and_modify(|_| -> String { panic!("on purpose") }).is_ok()));
        }),
        Box::new(|| {
            drop(map.entry(&missing).map(|entry| entry.or_insert_with(|| -> String { panic!("on purpose") }).is_ok()));
        }),
        Box::new(|| drop(map.retain(|_, _| panic!("on purpose")))),
        Box::new(|| drop(map.alter_all(|_, _| -> String { panic!("on purpose") }))),
        Box::new(|| drop(map.view(&key, |_| panic!("on purpose")))),
        Box::new(|| drop(map.compact_with(|_| panic!("on purpose")))),
    ];
    for (i, call) in calls.iter().enumerate() {
        std::thread::scope(|scope| {
            // Here, and in a thread that ends so.
            catch_unwind(AssertUnwindSafe(call)).expect_err("a panic");
            let map = map.clone();
            let again =
                scope.spawn(move || map.update(&Texts::key(2), |_| -> String { panic!("on purpose") }).map(drop));
            again.join().expect_err("a panic");
        });
        assert_eq!(seeds::<Texts, _>(map), before, "call {i}");
        map.insert(&missing, "x").expect("inserted");
        assert_eq!(map.remove(&missing).expect("removed").as_deref(), Some("x"));
        let value = Texts::value(1);
        assert!(map.update(&key, |_| value.clone()).expect("updated"));
        std::thread::scope(|scope| {
            scope.spawn(|| map.alter_all(|_, old| old.to_string()).expect("altered"));
        });
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    }
}
