//! A map of any kind as a map from numbers to numbers, so that what is done with it compiles once.
//!
//! Must not know what a test does. Invariant: each method is one call of the map.

use std::{collections::HashMap, path::PathBuf};

use diskmap::{ByteStore, DiskHashMap, OpenOptions};
use diskmap_concurrent::{DiskDashMap, MapEntry, Ref};

use crate::kinds::{Disk, Kind, Map, Mem};

pub(super) trait Shared {
    fn get(&self, key: u64) -> Option<u64>;
    fn hold(&self, key: u64) -> Option<Box<dyn Held + '_>>;
    fn insert(&self, key: u64, value: u64) -> Option<u64>;
    fn insert_and_hold(&self, key: u64, value: u64) -> Option<Box<dyn Held + '_>>;
    fn try_insert(&self, key: u64, value: u64) -> bool;
    fn remove(&self, key: u64) -> Option<u64>;
    fn remove_and_hold(&self, key: u64) -> Option<Box<dyn Held + '_>>;
    fn remove_even(&self, key: u64) -> Option<u64>;
    fn update(&self, key: u64, value: u64) -> Option<u64>;
    fn get_or_insert(&self, key: u64, value: u64) -> u64;
    fn exchange(&self, key: u64, current: u64, new: u64) -> Option<Result<(), Option<u64>>>;
    fn entry(&self, key: u64, way: u8, value: u64) -> Option<u64>;
    fn retain(&self, modulus: u64);
    fn alter_all(&self, add: u64);
    fn clear(&self);
    fn compact(&self);
    fn shrink(&self);
    fn reserve(&self, additional: u64);
    fn checkpoint(&self);
    fn snapshot(&self) -> Box<dyn Fn() -> HashMap<u64, u64>>;
    fn contents(&self) -> HashMap<u64, u64>;
    fn len(&self) -> u64;
    fn verify(&self);
    /// Gives the map to one thread, which stores some entries, and shares it again.
    fn again(self: Box<Self>, way: u8, entries: &[(u64, u64)]) -> Box<dyn Shared>;
}

/// What reading returned.
pub(super) trait Held {
    fn seed(&self) -> u64;
}

struct HeldRef<'m, T: Kind>(Ref<'m, T::V>);

impl<T: Kind> Held for HeldRef<'_, T> {
    fn seed(&self) -> u64 {
        T::seed(self.0.value())
    }
}

/// Where a map is, to open it again.
pub(super) trait Place<T: Kind>: ByteStore {
    fn open_again(single: DiskHashMap<T::K, T::V, Self>, close: bool) -> DiskHashMap<T::K, T::V, Self>
    where
        Self: Sized;
}

impl<T: Kind> Place<T> for diskmap::MMapFile {
    fn open_again(single: DiskHashMap<T::K, T::V>, close: bool) -> DiskHashMap<T::K, T::V> {
        let dir = PathBuf::from(single.path().expect("a directory"));
        match close {
            true => single.close().expect("closed"),
            false => drop(single),
        }
        options().open(dir).expect("the map again")
    }
}

impl<T: Kind> Place<T> for diskmap::VecStore {
    fn open_again(single: DiskHashMap<T::K, T::V, Self>, _: bool) -> DiskHashMap<T::K, T::V, Self> {
        single
    }
}

fn options() -> OpenOptions {
    OpenOptions::new().create(true).sync_on_drop(false).auto_checkpoint(None)
}

pub(super) fn on_disk<T: Kind>(dir: &std::path::Path) -> Box<dyn Shared> {
    Box::new(Of::<T, _>(Disk::<T>::open_with(dir, options()).expect("a map")))
}

pub(super) fn in_memory<T: Kind>() -> Box<dyn Shared> {
    Box::new(Of::<T, _>(Mem::<T>::new().expect("a map")))
}

struct Of<T: Kind, BS: ByteStore>(Map<T, BS>);

fn seed<T: Kind>(value: Option<Ref<'_, T::V>>) -> Option<u64> {
    value.map(|value| T::seed(value.value()))
}

fn held<'m, T: Kind>(value: Option<Ref<'m, T::V>>) -> Option<Box<dyn Held + 'm>> {
    value.map(|value| Box::new(HeldRef::<T>(value)) as Box<dyn Held + 'm>)
}

impl<T: Kind, BS: Place<T> + 'static> Shared for Of<T, BS> {
    fn get(&self, key: u64) -> Option<u64> {
        seed::<T>(self.0.get(&T::key(key)).expect("read"))
    }

    fn hold(&self, key: u64) -> Option<Box<dyn Held + '_>> {
        held::<T>(self.0.get(&T::key(key)).expect("read"))
    }

    fn insert(&self, key: u64, value: u64) -> Option<u64> {
        seed::<T>(self.0.insert(&T::key(key), &T::value(value)).expect("inserted"))
    }

    fn insert_and_hold(&self, key: u64, value: u64) -> Option<Box<dyn Held + '_>> {
        held::<T>(self.0.insert(&T::key(key), &T::value(value)).expect("inserted"))
    }

    fn try_insert(&self, key: u64, value: u64) -> bool {
        self.0.try_insert(&T::key(key), &T::value(value)).expect("inserted")
    }

    fn remove(&self, key: u64) -> Option<u64> {
        seed::<T>(self.0.remove(&T::key(key)).expect("removed"))
    }

    fn remove_and_hold(&self, key: u64) -> Option<Box<dyn Held + '_>> {
        held::<T>(self.0.remove(&T::key(key)).expect("removed"))
    }

    fn remove_even(&self, key: u64) -> Option<u64> {
        seed::<T>(self.0.remove_if(&T::key(key), |value| T::seed(value).is_multiple_of(2)).expect("removed"))
    }

    fn update(&self, key: u64, value: u64) -> Option<u64> {
        let mut seen = None;
        let change = |old: <T::V as diskmap::DiskValue>::View<'_>| {
            seen = Some(T::seed(old));
            T::value(value)
        };
        let there = self.0.update(&T::key(key), change).expect("updated");
        assert_eq!(there, seen.is_some());
        seen
    }

    fn get_or_insert(&self, key: u64, value: u64) -> u64 {
        T::seed(self.0.get_or_insert_with(&T::key(key), || T::value(value)).expect("inserted").value())
    }

    fn exchange(&self, key: u64, current: u64, new: u64) -> Option<Result<(), Option<u64>>> {
        T::exchange(&self.0, key, current, new)
    }

    fn entry(&self, key: u64, way: u8, value: u64) -> Option<u64> {
        let key = T::key(key);
        match (self.0.entry(&key).expect("an entry"), way) {
            (MapEntry::Occupied(entry), 0) => Some(T::seed(entry.insert(&T::value(value)).expect("inserted").value())),
            (MapEntry::Occupied(entry), 1) => Some(T::seed(entry.remove().expect("removed").value())),
            (MapEntry::Occupied(entry), _) => {
                let old = T::seed(entry.get().expect("read").value());
                let entry = MapEntry::Occupied(entry).insert_entry(&T::value(value)).expect("inserted");
                self.0.checkpoint().expect("a checkpoint");
                let entry = MapEntry::Occupied(entry).and_modify(|_| T::value(value)).expect("modified");
                assert_eq!(T::seed(entry.or_insert(&T::value(0)).expect("there").value()), value);
                Some(old)
            }
            (MapEntry::Vacant(entry), _) => {
                if way == 2 {
                    self.0.checkpoint().expect("a checkpoint");
                }
                assert_eq!(T::seed(entry.insert(&T::value(value)).expect("inserted").value()), value);
                None
            }
        }
    }

    fn retain(&self, modulus: u64) {
        self.0.retain(|key, value| !(T::number(key) ^ T::seed(value)).is_multiple_of(modulus)).expect("retained");
    }

    fn alter_all(&self, add: u64) {
        self.0.alter_all(|key, value| T::value(T::seed(value) + T::number(key) + add)).expect("altered");
    }

    fn clear(&self) {
        self.0.clear().expect("cleared");
    }

    fn compact(&self) {
        self.0.compact().expect("compacted");
    }

    fn shrink(&self) {
        self.0.shrink_to_fit().expect("shrunk");
    }

    fn reserve(&self, additional: u64) {
        self.0.reserve(additional).expect("reserved");
    }

    fn checkpoint(&self) {
        self.0.checkpoint().expect("a checkpoint");
    }

    fn snapshot(&self) -> Box<dyn Fn() -> HashMap<u64, u64>> {
        let snapshot = self.0.snapshot();
        Box::new(move || {
            let entries = snapshot.iter().map(|entry| entry.expect("an entry"));
            let all: HashMap<u64, u64> = entries.map(|(key, value)| (T::number(key), T::seed(value))).collect();
            assert_eq!(all.len() as u64, snapshot.len());
            all
        })
    }

    fn contents(&self) -> HashMap<u64, u64> {
        let entries = self.0.iter().map(|entry| entry.expect("an entry"));
        let mut all = HashMap::new();
        for (key, value) in entries.map(|entry| (T::number(entry.key()), T::seed(entry.value()))) {
            assert_eq!(all.insert(key, value), None, "key {key} was met twice");
        }
        all
    }

    fn len(&self) -> u64 {
        self.0.len()
    }

    fn verify(&self) {
        let report = self.0.verify().expect("verified");
        assert!(report.is_sound() && report.leaked_cells == 0 && report.leaked_segments == 0, "{report}");
    }

    fn again(self: Box<Self>, way: u8, entries: &[(u64, u64)]) -> Box<dyn Shared> {
        let single = self.0.into_inner().unwrap_or_else(|_| panic!("the only handle"));
        let mut single = BS::open_again(single, way & 1 == 0);
        for &(key, value) in entries {
            single.insert(&T::key(key), &T::value(value)).expect("inserted");
        }
        if way & 2 == 0 {
            single = BS::open_again(single, way & 4 == 0);
        }
        Box::new(Of::<T, BS>(DiskDashMap::with_shards(single, 1 << (way >> 3 & 7)).expect("shared")))
    }
}
