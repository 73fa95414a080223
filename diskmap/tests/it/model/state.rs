//! What the map must be, after each operation.

use super::*;

/// A scan that is under way.
pub(super) struct Scan<T: Kind> {
    pub(super) cursor: u64,
    /// There since it began.
    pub(super) throughout: HashSet<T::Key>,
    pub(super) met: HashSet<T::Key>,
}

/// Snapshots that there may be at a time.
pub(super) const HELD: usize = 3;

/// A snapshot, and what it must be.
type Held<T, BS> = (Snapshot<<T as Kind>::K, <T as Kind>::V, BS>, Model<T>);

type Model<T> = HashMap<<T as Kind>::Key, <T as Kind>::Value>;

/// What the map must be.
pub(super) struct State<T: Kind> {
    pub(super) model: HashMap<T::Key, T::Value>,
    pub(super) durable: HashMap<T::Key, T::Value>,
    pub(super) scan: Option<Scan<T>>,
    /// The store does not grow.
    pub(super) fixed: bool,
}

/// Whether a key is among one in `part` of all keys.
pub(super) fn is_picked(key: &impl Hash, part: u64) -> bool {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(key).is_multiple_of(part)
}

pub(super) fn owned<T: IntoOwned + ?Sized>(view: T::View<'_>) -> T::Owned {
    T::into_owned(view).unwrap()
}

impl<T: Kind> State<T> {
    pub(super) fn new(fixed: bool) -> State<T> {
        State { model: HashMap::new(), durable: HashMap::new(), scan: None, fixed }
    }

    /// `None` if there was no room, which must be said by nothing but a store that does not grow.
    pub(super) fn room<R>(&self, result: Result<R>) -> Option<R> {
        match result {
            Ok(done) => Some(done),
            Err(Error::Full { .. }) if self.fixed => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs operations until one ends the handle.
    pub(super) fn run<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, ops: &mut slice::Iter<'_, Op>) -> Option<End> {
        let mut held: Vec<Held<T, BS>> = Vec::new();
        for op in ops {
            match *op {
                Op::End(end) => {
                    held.iter().for_each(compare_snapshot::<T, BS>);
                    return Some(end);
                }
                // What a snapshot holds cannot be removed without room for a copy.
                Op::Snapshot if !self.fixed && held.len() < HELD => held.push((map.snapshot(), self.model.clone())),
                Op::DropSnapshot(n) if n < held.len() => compare_snapshot::<T, BS>(&held.swap_remove(n)),
                _ => self.step(map, op),
            }
            assert_eq!(map.len(), self.model.len() as u64, "after {op:?}");
            self.advance_scan();
        }
        self.finish_scan(map);
        self.compare(map);
        held.iter().for_each(compare_snapshot::<T, BS>);
        None
    }

    pub(super) fn advance_scan(&mut self) {
        if let Some(scan) = &mut self.scan {
            scan.throughout.retain(|key| self.model.contains_key(key));
        }
    }

    pub(super) fn step<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, op: &Op) {
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
            Op::Shrink | Op::Compact => {
                match op {
                    Op::Shrink => map.shrink_to_fit().unwrap(),
                    _ => assert!(map.compact().unwrap().finished),
                }
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
            Op::Snapshot | Op::DropSnapshot(_) => {}
            Op::End(_) => unreachable!("the handle ends outside"),
        }
    }

    pub(super) fn look<BS: ByteStore>(&self, map: &Map<T, BS>, n: u32) {
        let key = T::key(n);
        let value = self.model.get(&key);
        assert_eq!(map.get(&key).unwrap().map(owned::<T::V>).as_ref(), value);
        assert_eq!(map.get_owned(&key).unwrap().as_ref(), value);
        assert_eq!(map.contains_key(&key).unwrap(), value.is_some());
        let entry = map.get_key_value(&key).unwrap().map(|(k, v)| (owned::<T::K>(k), owned::<T::V>(v)));
        assert_eq!(entry, value.map(|value| (key, value.clone())));
    }

    pub(super) fn insert<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32) {
        let (key, value) = (T::key(n), T::value(v));
        let old = map.insert(&key, &value).map(|old| old.map(owned::<T::V>));
        if let Some(old) = self.room(old) {
            assert_eq!(old, self.model.insert(key, value));
        }
    }

    pub(super) fn update<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32) {
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

    pub(super) fn remove<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32) {
        let key = T::key(n);
        assert_eq!(map.remove(&key).unwrap().map(owned::<T::V>), self.model.remove(&key));
    }

    /// Does something with an entry; the model does it too unless there was no room.
    pub(super) fn entry<BS: ByteStore>(&mut self, map: &mut Map<T, BS>, n: u32, v: u32, how: How) {
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

    pub(super) fn is_same<BS: ByteStore>(&self, map: &Map<T, BS>) -> bool {
        map.len() == self.model.len() as u64
            && self.model.iter().all(|(key, value)| map.get(key).unwrap().map(owned::<T::V>).as_ref() == Some(value))
    }

    pub(super) fn compare<BS: ByteStore>(&self, map: &Map<T, BS>) {
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
    pub(super) fn scan_part<BS: ByteStore>(&mut self, map: &Map<T, BS>) -> bool {
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

    pub(super) fn finish_scan<BS: ByteStore>(&mut self, map: &Map<T, BS>) {
        while self.scan.is_some() && self.scan_part(map) {}
    }
}

fn compare_snapshot<T: Kind, BS: ByteStore>((snapshot, model): &Held<T, BS>) {
    assert_eq!(snapshot.len(), model.len() as u64);
    let mut met = 0;
    for entry in snapshot {
        let (key, value) = entry.map(|(key, value)| (owned::<T::K>(key), owned::<T::V>(value))).unwrap();
        assert_eq!(model.get(&key), Some(&value), "value of {key:?} in a snapshot");
        met += 1;
    }
    assert_eq!(met, model.len());
    for (key, value) in model {
        assert_eq!(
            snapshot.get(key).unwrap().map(owned::<T::V>).as_ref(),
            Some(value),
            "value of {key:?} in a snapshot"
        );
    }
    let absent = T::key(UNIVERSE);
    assert_eq!(snapshot.contains_key(&absent).unwrap(), model.contains_key(&absent));
}
