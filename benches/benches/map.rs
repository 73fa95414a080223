//! Operations of `DiskHashMap`, on disk and in memory, for sides of fixed and of variable length.
//!
//! Must not compare with other maps. Invariant: every pass proves that what it read was right and what it wrote is there.

mod place;
mod setting;

use std::marker::PhantomData;

use anyhow::Result;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use diskmap::{ByteStore, DiskHashMap, DiskKey, DiskValue, Encode, MMapFile, OpenOptions, VecStore};
use diskmap_benches::{
    keys::{Key, Keys, RandomKey},
    passes::{entries, passes, same},
};
use tempfile::TempDir;

/// Of a map: more than a second-level cache holds, few enough for hundreds of passes.
const ENTRIES: usize = 200_000;

fn main() {
    let mut criterion = setting::criterion();
    pair::<Numbers>(&mut criterion);
    pair::<TextKeys>(&mut criterion);
    pair::<Texts>(&mut criterion);
    criterion.final_summary();
}

/// The types of a map, and what is stored for a key.
trait Pair {
    const NAME: &'static str;
    type Key: RandomKey;
    type Value: ?Sized + DiskValue + Encode<Self::Given>;
    type Given: Copy;

    /// The value that belongs to a key.
    fn given(key: Self::Key) -> Self::Given;
    /// What [`Key::value`] is of the key that the value belongs to.
    fn number(view: <Self::Value as DiskValue>::View<'_>) -> u64;
}

struct Numbers;
struct TextKeys;
struct Texts;

impl Pair for Numbers {
    const NAME: &'static str = "u64 to u64";
    type Key = u64;
    type Value = u64;
    type Given = u64;

    fn given(key: u64) -> u64 {
        key.value()
    }

    fn number(view: u64) -> u64 {
        view
    }
}

impl Pair for TextKeys {
    const NAME: &'static str = "String to u64";
    type Key = &'static str;
    type Value = u64;
    type Given = u64;

    fn given(key: &'static str) -> u64 {
        key.value()
    }

    fn number(view: u64) -> u64 {
        view
    }
}

impl Pair for Texts {
    const NAME: &'static str = "String to String";
    type Key = &'static str;
    type Value = String;
    type Given = &'static str;

    fn given(key: &'static str) -> &'static str {
        key
    }

    fn number(view: &str) -> u64 {
        view.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}

/// Where a map lies.
trait Place {
    const NAME: &'static str;
    type Store: ByteStore;

    fn make<K: ?Sized + DiskKey, V: ?Sized + DiskValue>() -> Result<Placed<K, V, Self::Store>>;
}

/// A map, and its directory if it has one.
struct Placed<K: ?Sized + DiskKey, V: ?Sized + DiskValue, B: ByteStore> {
    map: DiskHashMap<K, V, B>,
    _dir: Option<TempDir>,
}

struct Disk;
struct Memory;

impl Place for Disk {
    const NAME: &'static str = "on disk";
    type Store = MMapFile;

    fn make<K: ?Sized + DiskKey, V: ?Sized + DiskValue>() -> Result<Placed<K, V, MMapFile>> {
        let dir = place::dir()?;
        let map = OpenOptions::new().create(true).sync_on_drop(false).open(dir.path())?;
        Ok(Placed { map, _dir: Some(dir) })
    }
}

impl Place for Memory {
    const NAME: &'static str = "in memory";
    type Store = VecStore;

    fn make<K: ?Sized + DiskKey, V: ?Sized + DiskValue>() -> Result<Placed<K, V, VecStore>> {
        Ok(Placed { map: DiskHashMap::new(), _dir: None })
    }
}

/// Keys, and the values of two rounds.
struct Work<P: Pair> {
    keys: Keys<P::Key>,
    /// Each key with the value that belongs to it.
    stored: Vec<(P::Key, P::Given)>,
    /// Each key with a value that belongs to another.
    changed: Vec<(P::Key, P::Given)>,
    /// How many, and the sum of their numbers.
    expected: Seen,
    expected_changed: Seen,
    types: PhantomData<P>,
}

/// How many values were met, and the sum of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Seen {
    count: usize,
    sum: u64,
}

impl Seen {
    fn add(&mut self, number: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(number);
    }

    fn of(numbers: impl Iterator<Item = u64>) -> Seen {
        let mut seen = Seen::default();
        numbers.for_each(|number| seen.add(number));
        seen
    }
}

type Map<P, B> = DiskHashMap<<<P as Pair>::Key as Key>::Codec, <P as Pair>::Value, B>;

impl<P: Pair> Work<P> {
    fn new(count: usize) -> Work<P> {
        let keys = Keys::<P::Key>::new(count);
        Work {
            stored: keys.stored.iter().map(|&key| (key, P::given(key))).collect(),
            changed: keys.shuffled.iter().zip(&keys.missing).map(|(&key, &other)| (key, P::given(other))).collect(),
            expected: Seen::of(keys.stored.iter().map(|key| key.value())),
            expected_changed: Seen::of(keys.missing.iter().map(|key| key.value())),
            keys,
            types: PhantomData,
        }
    }

    fn filled<L: Place>(&self) -> Result<Placed<<P::Key as Key>::Codec, P::Value, L::Store>> {
        let mut placed = L::make()?;
        same(insert::<P, _>(&mut placed.map, &self.stored)?, Seen::default())?;
        Ok(placed)
    }
}

fn pair<P: Pair>(criterion: &mut Criterion) {
    let work = Work::<P>::new(entries(ENTRIES));
    placed::<P, Disk>(criterion, &work);
    placed::<P, Memory>(criterion, &work);
}

fn placed<P: Pair, L: Place>(criterion: &mut Criterion, work: &Work<P>) {
    let mut group = criterion.benchmark_group(format!("{}, {}", P::NAME, L::NAME));
    group.throughput(Throughput::Elements(work.stored.len() as u64));
    write_benches::<P, L>(&mut group, work);
    read_benches::<P, L>(&mut group, work);
    group.finish();
}

fn write_benches<P: Pair, L: Place>(group: &mut BenchmarkGroup<'_, WallTime>, work: &Work<P>) {
    let filled = || work.filled::<L>();
    // What was there before, and what must be there now.
    let replaced = |before: Seen, now: &[(P::Key, P::Given)], expected: Seen| {
        let now = now.to_vec();
        move |placed: Placed<<P::Key as Key>::Codec, P::Value, L::Store>, seen: Seen| {
            same(seen, before)?;
            let keys: Vec<P::Key> = now.iter().map(|(key, _)| *key).collect();
            same(placed.map.len(), now.len() as u64)?;
            same(get::<P, _>(&placed.map, &keys)?, expected)
        }
    };
    let new = replaced(Seen::default(), &work.stored, work.expected);
    let changed = replaced(work.expected, &work.changed, work.expected_changed);
    group.bench_function("insert new", |b| {
        b.iter_custom(|n| passes(n, L::make, |placed| insert::<P, _>(&mut placed.map, &work.stored), &new));
    });
    group.bench_function("try_extend", |b| {
        let extend = |placed: &mut Placed<_, _, _>| {
            placed.map.try_extend(work.stored.iter().copied())?;
            Ok(Seen::default())
        };
        b.iter_custom(|n| passes(n, L::make, extend, &new));
    });
    group.bench_function("entry vacant", |b| {
        b.iter_custom(|n| passes(n, L::make, |placed| entry::<P, _>(&mut placed.map, &work.stored), &new));
    });
    group.bench_function("update", |b| {
        b.iter_custom(|n| passes(n, filled, |placed| insert::<P, _>(&mut placed.map, &work.changed), &changed));
    });
    group.bench_function("entry occupied", |b| {
        b.iter_custom(|n| passes(n, filled, |placed| entry::<P, _>(&mut placed.map, &work.changed), &changed));
    });
    group.bench_function("remove", |b| {
        let removed = |placed: Placed<_, _, L::Store>, seen: Seen| {
            same(seen, work.expected)?;
            same(placed.map.len(), 0)
        };
        b.iter_custom(|n| passes(n, filled, |placed| remove::<P, _>(&mut placed.map, &work.keys.shuffled), removed));
    });
}

fn read_benches<P: Pair, L: Place>(group: &mut BenchmarkGroup<'_, WallTime>, work: &Work<P>) {
    let placed = work.filled::<L>().unwrap_or_else(|error| panic!("no map to read: {error:#}"));
    let map = &placed.map;
    let mut bench = |name, expected: Seen, read: &dyn Fn() -> Result<Seen>| {
        group.bench_function(name, |b| {
            b.iter_custom(|n| passes(n, || Ok(()), |()| read(), |(), seen| same(seen, expected)));
        });
    };
    bench("get hit", work.expected, &|| get::<P, _>(map, &work.keys.shuffled));
    bench("get miss", Seen::default(), &|| get::<P, _>(map, &work.keys.missing));
    bench("get_many", work.expected, &|| get_many::<P, _>(map, &work.keys.shuffled));
    bench("iterate", work.expected, &|| iterate::<P, _>(map));
}

#[inline(never)]
fn get<P: Pair, B: ByteStore>(map: &Map<P, B>, keys: &[P::Key]) -> Result<Seen> {
    let mut seen = Seen::default();
    for key in keys {
        if let Some(value) = map.get(key.borrowed())? {
            seen.add(P::number(value));
        }
    }
    Ok(seen)
}

#[inline(never)]
fn get_many<P: Pair, B: ByteStore>(map: &Map<P, B>, keys: &[P::Key]) -> Result<Seen> {
    let mut seen = Seen::default();
    for value in map.get_many(keys) {
        if let Some(value) = value? {
            seen.add(P::number(value));
        }
    }
    Ok(seen)
}

#[inline(never)]
fn iterate<P: Pair, B: ByteStore>(map: &Map<P, B>) -> Result<Seen> {
    let mut seen = Seen::default();
    for entry in map {
        seen.add(P::number(entry?.1));
    }
    Ok(seen)
}

/// The values that were replaced.
#[inline(never)]
fn insert<P: Pair, B: ByteStore>(map: &mut Map<P, B>, entries: &[(P::Key, P::Given)]) -> Result<Seen> {
    let mut seen = Seen::default();
    for (key, value) in entries {
        if let Some(old) = map.insert(key.borrowed(), value)? {
            seen.add(P::number(old));
        }
    }
    Ok(seen)
}

/// The values that were modified.
#[inline(never)]
fn entry<P: Pair, B: ByteStore>(map: &mut Map<P, B>, entries: &[(P::Key, P::Given)]) -> Result<Seen> {
    let mut seen = Seen::default();
    for (key, value) in entries {
        let modify = |old: <P::Value as DiskValue>::View<'_>| {
            seen.add(P::number(old));
            *value
        };
        map.entry(key.borrowed())?.and_modify(modify)?.or_insert(value)?;
    }
    Ok(seen)
}

/// The values that were removed.
#[inline(never)]
fn remove<P: Pair, B: ByteStore>(map: &mut Map<P, B>, keys: &[P::Key]) -> Result<Seen> {
    let mut seen = Seen::default();
    for key in keys {
        if let Some(value) = map.remove(key.borrowed())? {
            seen.add(P::number(value));
        }
    }
    Ok(seen)
}
