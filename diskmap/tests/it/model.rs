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
    SliceStore, Str, VecStore, types::Arch,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tempfile::TempDir;

/// A directory where syncing costs next to nothing, if there is one.
pub(crate) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

type Map<T, BS> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, BS>;

/// A pair of types, with a key and a value for each number. Different numbers may have the same key or value.
trait Kind: 'static {
    type K: ?Sized + DiskKey + Encode<Self::Key> + IntoOwned<Owned = Self::Key>;
    type V: ?Sized + Encode<Self::Value> + IntoOwned<Owned = Self::Value>;
    type Key: Clone + Debug + Eq + Hash;
    type Value: Clone + Debug + Default + PartialEq;

    fn key(n: u32) -> Self::Key;
    fn value(n: u32) -> Self::Value;
}

macro_rules! kind {
    ($name:ident: $k:ty as $key:ty, |$n:ident| $make_key:expr; $v:ty as $value:ty, |$m:ident| $make_value:expr) => {
        struct $name;

        impl Kind for $name {
            type K = $k;
            type V = $v;
            type Key = $key;
            type Value = $value;

            fn key($n: u32) -> $key {
                $make_key
            }

            fn value($m: u32) -> $value {
                $make_value
            }
        }
    };
}

#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, Clone, Debug, Default, PartialEq)]
struct Profile {
    id: u16,
    name: String,
    wide: Vec<u128>,
    tag: Option<Box<str>>,
}

/// Text of very different lengths, the empty one included.
fn text(n: u32) -> String {
    match n % 64 {
        0 => String::new(),
        1..60 => format!("{n:0width$}", width = n as usize % 40),
        60..63 => format!("{n:a>200}"),
        _ => format!("{n:ü>3000}"),
    }
}

fn name(n: u32) -> String {
    match n {
        0 => String::new(),
        _ if n % 128 == 127 => format!("{n:k>300}"),
        _ => format!("key {n}"),
    }
}

kind!(U64ToU64: u64 as u64, |n| n.into(); u64 as u64, |n| u64::from(n) << 40 | 1);
kind!(U32ToUnit: u32 as u32, |n| n; () as (), |_n| ());
kind!(U64ToString: u64 as u64, |n| u64::from(n) << 20; String as String, |n| text(n));
kind!(StringToU64: String as String, |n| name(n); u64 as u64, |n| n.into());
kind!(StringToBytes: String as String, |n| name(n); Vec<u8> as Vec<u8>, |n| text(n).into_bytes());
kind!(WideToWide: [u64; 3] as [u64; 3], |n| [n.into(), 5, !u64::from(n)]; [u64; 4] as [u64; 4], |n| [n.into(); 4]);
kind!(PairToPair: (u32, String) as (u32, String), |n| (n / 8, text(n % 8)); (u16, String) as (u16, String), |n| (n as u16, text(n)));
kind!(U128ToU8: u128 as u128, |n| u128::from(n) << 77; u8 as u8, |n| n as u8);
kind!(LongToLong: [u64; 9] as [u64; 9], |n| [n.into(); 9]; [u32; 20] as [u32; 20], |n| [n; 20]);
kind!(StrToArch: Str as String, |n| name(n); Arch<Profile> as Profile, |n| Profile {
    id: n as u16,
    name: text(n),
    wide: vec![n.into(); n as usize % 5],
    tag: n.is_multiple_of(3).then(|| text(n / 3).into()),
});

/// Numbers of keys that operations on many entries use.
const UNIVERSE: u32 = 16_000;

#[derive(Clone, Debug)]
enum Op {
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
    Checkpoint,
    Compare,
    ScanPart,
    End(End),
}

#[derive(Clone, Copy, Debug)]
enum How {
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
enum End {
    Close,
    Drop,
    /// As a kill would: nothing is synced.
    Abandon,
    /// Abandoned, and the machine went down.
    Reboot,
}

fn op() -> impl Strategy<Value = Op> {
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
        4 => Just(Op::Checkpoint),
        2 => Just(Op::Compare),
        6 => Just(Op::ScanPart),
        4 => end.prop_map(Op::End),
    ]
}

/// A scan that is under way.
struct Scan<T: Kind> {
    cursor: u64,
    /// There since it began.
    throughout: HashSet<T::Key>,
    met: HashSet<T::Key>,
}

/// What the map must be.
struct State<T: Kind> {
    model: HashMap<T::Key, T::Value>,
    durable: HashMap<T::Key, T::Value>,
    scan: Option<Scan<T>>,
    /// The store does not grow.
    fixed: bool,
}

/// Whether a key is among one in `part` of all keys.
fn is_picked(key: &impl Hash, part: u64) -> bool {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key).is_multiple_of(part)
}

fn owned<T: IntoOwned + ?Sized>(view: T::View<'_>) -> T::Owned {
    T::into_owned(view).unwrap()
}

impl<T: Kind> State<T> {
    fn new(fixed: bool) -> State<T> {
        State { model: HashMap::new(), durable: HashMap::new(), scan: None, fixed }
    }

    /// `None` if there was no room, which must be said by nothing but a store that does not grow.
    fn room<R>(&self, result: Result<R>) -> Option<R> {
        match result {
            Ok(done) => Some(done),
            Err(Error::Full { .. }) if self.fixed => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs operations until one ends the handle.
    fn run<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, ops: &mut slice::Iter<'_, Op>) -> Option<End> {
        for op in ops {
            if let Op::End(end) = op {
                return Some(*end);
            }
            self.step(map, op);
            assert_eq!(map.len(), self.model.len() as u64, "after {op:?}");
            self.advance_scan();
        }
        self.finish_scan(map);
        self.compare(map);
        None
    }

    fn advance_scan(&mut self) {
        if let Some(scan) = &mut self.scan {
            scan.throughout.retain(|key| self.model.contains_key(key));
        }
    }

    fn step<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, op: &Op) {
        match *op {
            Op::Look(n) => self.look(map, n),
            Op::GetMany { from, count, step } => {
                let keys: Vec<_> = (0..count).map(|i| T::key((from + i * step) % UNIVERSE)).collect();
                let mut values = map.get_many(&keys);
                assert_eq!(values.len(), keys.len());
                for key in &keys {
                    let value = values.next().unwrap().unwrap().map(owned::<T::V>);
                    assert_eq!(value.as_ref(), self.model.get(key));
                }
                assert!(values.next().is_none());
            }
            Op::Insert(n, v) => self.insert(map, n, v),
            Op::InsertMany { from, count, value } => {
                (0..count).for_each(|i| self.insert(map, (from + i) % UNIVERSE, value + i));
            }
            Op::TryInsert(n, v) => {
                let (key, value) = (T::key(n), T::value(v));
                let stored = self.room(map.try_insert(&key, &value));
                if !self.model.contains_key(&key) && stored.is_some() {
                    assert_eq!(stored, Some(true));
                    self.model.insert(key, value);
                } else {
                    assert_ne!(stored, Some(true));
                }
            }
            Op::Update(n, v) => self.update(map, n, v),
            Op::UpdateMany { from, count, value } => {
                (0..count).for_each(|i| self.update(map, (from + i) % UNIVERSE, value + i));
            }
            Op::Entry(n, v, how) => self.entry(map, n, v, how),
            Op::GetOrInsertWith(n, v) => {
                let key = T::key(n);
                let was = self.model.get(&key).cloned();
                let got = map.get_or_insert_with(&key, || {
                    assert!(was.is_none());
                    T::value(v)
                });
                if let Some(got) = self.room(got.map(owned::<T::V>)) {
                    assert_eq!(got, was.unwrap_or_else(|| T::value(v)));
                    self.model.insert(key, got);
                }
            }
            Op::Remove(n) => self.remove(map, n),
            Op::RemoveMany { from, count } => (0..count).for_each(|i| self.remove(map, (from + i) % UNIVERSE)),
            Op::RemoveEntry(n) => {
                let key = T::key(n);
                let removed = map.remove_entry(&key).unwrap();
                let removed = removed.map(|(k, v)| (owned::<T::K>(k), owned::<T::V>(v)));
                assert_eq!(removed, self.model.remove_entry(&key));
            }
            Op::Take(n) => assert_eq!(map.take(&T::key(n)).unwrap(), self.model.remove(&T::key(n))),
            Op::Extend { from, count, period, value } => {
                let entry = |i| (T::key((from + i % period) % UNIVERSE), T::value(value + i));
                let mut entries = (0..count).map(entry);
                if self.room(map.try_extend((0..count).map(entry))).is_some() {
                    self.model.extend(entries);
                } else {
                    // Those before the one that failed are stored, so the model is the map after some of them.
                    while !self.is_same(map) {
                        let (key, value) = entries.next().expect("the map is as after some of the entries");
                        self.model.insert(key, value);
                    }
                }
            }
            Op::Clear => {
                map.clear().unwrap();
                self.model.clear();
            }
            Op::Retain { part } => {
                map.retain(|key, value| {
                    let key = owned::<T::K>(key);
                    assert_eq!(Some(&owned::<T::V>(value)), self.model.get(&key));
                    !is_picked(&key, part)
                })
                .unwrap();
                self.model.retain(|key, _| !is_picked(key, part));
            }
            Op::ExtractIf { part, limit } => {
                let wanted = self.model.keys().filter(|key| is_picked(*key, part)).count();
                let mut count = 0;
                for entry in map.extract_if(|key, _| is_picked(&owned::<T::K>(key), part)).take(limit) {
                    let (key, value) = entry.unwrap();
                    assert!(is_picked(&key, part));
                    assert_eq!(self.model.remove(&key), Some(value));
                    count += 1;
                }
                assert_eq!(count, wanted.min(limit));
            }
            Op::Drain { limit } => {
                let wanted = self.model.len().min(limit);
                let drained: Vec<_> = map.drain().take(limit).collect::<Result<_>>().unwrap();
                assert_eq!(drained.len(), wanted);
                for (key, value) in drained {
                    assert_eq!(self.model.remove(&key), Some(value));
                }
                self.model.clear();
            }
            Op::Reserve(additional) => {
                if self.room(map.reserve(additional)).is_some() {
                    assert!(map.capacity() >= map.len() + additional);
                }
            }
            Op::Shrink => {
                map.shrink_to_fit().unwrap();
                self.durable.clone_from(&self.model);
                self.compare(map);
            }
            Op::Checkpoint => {
                map.checkpoint().unwrap();
                self.durable.clone_from(&self.model);
            }
            Op::Compare => self.compare(map),
            Op::ScanPart => {
                self.scan_part(map);
            }
            Op::End(_) => unreachable!("the handle ends outside"),
        }
    }

    fn look<BS: ByteStore>(&self, map: &Map<T, BS>, n: u32) {
        let key = T::key(n);
        let value = self.model.get(&key);
        assert_eq!(map.get(&key).unwrap().map(owned::<T::V>).as_ref(), value);
        assert_eq!(map.get_owned(&key).unwrap().as_ref(), value);
        assert_eq!(map.contains_key(&key).unwrap(), value.is_some());
        let entry = map.get_key_value(&key).unwrap().map(|(k, v)| (owned::<T::K>(k), owned::<T::V>(v)));
        assert_eq!(entry, value.map(|value| (key, value.clone())));
    }

    fn insert<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32) {
        let (key, value) = (T::key(n), T::value(v));
        let old = map.insert(&key, &value).map(|old| old.map(owned::<T::V>));
        if let Some(old) = self.room(old) {
            assert_eq!(old, self.model.insert(key, value));
        }
    }

    fn update<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32) {
        let (key, value) = (T::key(n), T::value(v));
        let old = self.model.get(&key);
        let updated = map.update(&key, |view| {
            assert_eq!(Some(&owned::<T::V>(view)), old);
            value.clone()
        });
        let there = old.is_some();
        if let Some(updated) = self.room(updated) {
            assert_eq!(updated, there);
            self.model.entry(key).and_modify(|old| *old = value);
        }
    }

    fn remove<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32) {
        let key = T::key(n);
        assert_eq!(map.remove(&key).unwrap().map(owned::<T::V>), self.model.remove(&key));
    }

    /// Does something with an entry; the model does it too unless there was no room.
    fn entry<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32, how: How) {
        let (key, new) = (T::key(n), T::value(v));
        let was = self.model.get(&key).cloned();
        let entry = map.entry(&key).unwrap();
        assert_eq!(entry.key(), &key);
        assert_eq!((entry.is_occupied(), entry.is_vacant()), (was.is_some(), was.is_none()));
        // What the call must return, and the value afterwards.
        let kept = was.clone().unwrap_or_else(|| new.clone());
        let (got, wanted, after) = match how {
            How::OrInsert => (entry.or_insert(&new).map(owned::<T::V>), kept.clone(), Some(kept)),
            How::OrInsertWith => {
                let called = || {
                    assert!(was.is_none());
                    new.clone()
                };
                (entry.or_insert_with(called).map(owned::<T::V>), kept.clone(), Some(kept))
            }
            How::OrInsertWithKey => {
                let called = |seen: &T::Key| {
                    assert_eq!(seen, &key);
                    new.clone()
                };
                (entry.or_insert_with_key(called).map(owned::<T::V>), kept.clone(), Some(kept))
            }
            How::OrDefault => {
                let value = was.clone().unwrap_or_default();
                (entry.or_default().map(owned::<T::V>), value.clone(), Some(value))
            }
            How::AndModifyOrInsert => {
                let change = |view: <T::V as diskmap::DiskValue>::View<'_>| {
                    assert_eq!(Some(owned::<T::V>(view)), was);
                    new.clone()
                };
                let got = entry.and_modify(change).and_then(|entry| entry.or_insert(&new).map(owned::<T::V>));
                (got, new.clone(), Some(new))
            }
            How::InsertEntry => {
                let got = entry.insert_entry(&new).and_then(|entry| {
                    assert_eq!(entry.key(), &key);
                    entry.get().map(owned::<T::V>)
                });
                (got, new.clone(), Some(new))
            }
            How::InsertEntryThenInsert => {
                let mut room = None;
                let got = entry.insert_entry(&new).and_then(|entry| {
                    room = Some(());
                    entry.insert(&T::value(v + 1)).map(owned::<T::V>)
                });
                if got.is_err() && room.is_some() {
                    // Only the second step found no room.
                    assert!(self.room(got).is_none());
                    self.model.insert(key, new);
                    return;
                }
                (got, new, Some(T::value(v + 1)))
            }
            How::InsertEntryThenRemove => {
                let got = entry.insert_entry(&new).and_then(|entry| entry.remove().map(owned::<T::V>));
                (got, new, None)
            }
            How::VariantInsert => match entry {
                MapEntry::Vacant(entry) => (entry.insert(&new).map(owned::<T::V>), new.clone(), Some(new)),
                MapEntry::Occupied(entry) => (entry.insert(&new).map(owned::<T::V>), kept, Some(new)),
            },
            How::VariantOrInsert => match entry {
                MapEntry::Vacant(entry) => (entry.or_insert(&new).map(owned::<T::V>), new.clone(), Some(new)),
                MapEntry::Occupied(entry) => (entry.or_insert(&new).map(owned::<T::V>), kept.clone(), Some(kept)),
            },
            How::VariantOrInsertWith => match entry {
                MapEntry::Vacant(entry) => {
                    (entry.or_insert_with(|| new.clone()).map(owned::<T::V>), new.clone(), Some(new))
                }
                MapEntry::Occupied(entry) => {
                    let called = || -> T::Value { unreachable!("there is a value") };
                    (entry.or_insert_with(called).map(owned::<T::V>), kept.clone(), Some(kept))
                }
            },
            How::VariantRemove | How::VariantRemoveEntry => {
                let MapEntry::Occupied(entry) = entry else { return };
                let got = match how {
                    How::VariantRemove => entry.remove().map(owned::<T::V>),
                    _ => entry.remove_entry().map(|(k, v)| {
                        assert_eq!(owned::<T::K>(k), key);
                        owned::<T::V>(v)
                    }),
                };
                assert!(got.is_ok(), "removing needs no room");
                (got, kept, None)
            }
        };
        if let Some(got) = self.room(got) {
            assert_eq!(got, wanted, "{how:?}");
            match after {
                Some(after) => self.model.insert(key, after),
                None => self.model.remove(&key),
            };
        }
    }

    fn is_same<BS: ByteStore>(&self, map: &Map<T, BS>) -> bool {
        map.len() == self.model.len() as u64
            && self.model.iter().all(|(key, value)| map.get(key).unwrap().map(owned::<T::V>).as_ref() == Some(value))
    }

    fn compare<BS: ByteStore>(&self, map: &Map<T, BS>) {
        let entries = map.iter().map(Result::unwrap).map(|(k, v)| (owned::<T::K>(k), owned::<T::V>(v)));
        let mut met = HashSet::new();
        for (key, value) in entries {
            assert_eq!(self.model.get(&key), Some(&value), "value of {key:?}");
            assert!(met.insert(key), "met twice");
        }
        assert_eq!(met.len(), self.model.len());
        assert!(map.keys().map(|key| owned::<T::K>(key.unwrap())).all(|key| met.remove(&key)));
        assert!(met.is_empty());
        assert_eq!(map.values().map(Result::unwrap).count(), self.model.len());
        for (key, value) in &self.model {
            assert_eq!(map.get(key).unwrap().map(owned::<T::V>).as_ref(), Some(value), "value of {key:?}");
        }
        let stats = map.stats();
        assert_eq!(stats.entries, self.model.len() as u64);
        assert!(stats.slots >= stats.entries && map.capacity() >= stats.entries);
        assert_eq!(map.is_empty(), self.model.is_empty());
    }

    /// Meets the entries of one segment; whether there are more.
    fn scan_part<BS: ByteStore>(&mut self, map: &Map<T, BS>) -> bool {
        let mut scan = self.scan.take().unwrap_or_else(|| Scan {
            cursor: 0,
            throughout: self.model.keys().cloned().collect(),
            met: HashSet::new(),
        });
        let (part, next) = map.scan(scan.cursor).unwrap();
        for entry in part {
            let (key, value) = entry.unwrap();
            let key = owned::<T::K>(key);
            assert_eq!(self.model.get(&key), Some(&owned::<T::V>(value)));
            assert!(scan.met.insert(key), "met twice in one scan");
        }
        if let Some(cursor) = next {
            scan.cursor = cursor;
            self.scan = Some(scan);
            return true;
        }
        assert!(scan.throughout.is_subset(&scan.met), "the scan missed entries that were there throughout");
        false
    }

    fn finish_scan<BS: ByteStore>(&mut self, map: &Map<T, BS>) {
        while self.scan.is_some() && self.scan_part(map) {}
    }
}

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
