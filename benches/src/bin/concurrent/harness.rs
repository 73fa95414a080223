//! The mixes of the `bustle` harness, as the authors of dashmap run them.
//!
//! Must not know how the maps work. Invariant: within a run all maps get the same seed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context, Result};
use bustle::{Collection, CollectionHandle, Measurement, Mix, Workload};
use diskmap::{ByteStore, MMapFile, OpenOptions, VecStore};
use diskmap_benches::{
    machine::scratch,
    report::{Limit, Report},
};
use diskmap_concurrent::DiskDashMap;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;

use crate::{
    Arguments,
    contest::{Dash, Papaya},
};

/// Name, mix, and how much of the capacity is filled first.
const WORKLOADS: [(&str, Mix, f64); 3] = [
    ("read-heavy", Mix { read: 98, insert: 1, remove: 1, update: 0, upsert: 0 }, 0.75),
    ("exchange", Mix { read: 10, insert: 40, remove: 40, update: 10, upsert: 0 }, 0.75),
    ("rapid-grow", Mix { read: 5, insert: 80, remove: 5, update: 10, upsert: 0 }, 0.0),
];

/// Where the harness, which makes the maps itself, has to put those on disk.
static PARENT: OnceLock<PathBuf> = OnceLock::new();

/// Runs each mix with one thread and with two.
pub(crate) fn measure(arguments: &Arguments, parent: &Path, run: u32, report: &mut Report) -> Result<()> {
    PARENT.get_or_init(|| parent.to_owned());
    let capacity = u8::try_from(arguments.entries().next_power_of_two().ilog2()).context("too many entries")?;
    for (name, mix, filled) in WORKLOADS {
        for threads in [1, 2] {
            let mut workload = Workload::new(threads, mix);
            workload.initial_capacity_log2(capacity).prefill_fraction(filled).seed([run as u8; 32]);
            let measured = |done: Measurement| done.throughput / 1e6;
            let disk = measured(workload.run_silently::<Table<Ours<MMapFile>>>());
            let dash = measured(workload.run_silently::<Table<Dash<u64>>>());
            let memory = measured(workload.run_silently::<Table<Ours<VecStore>>>());
            let papaya = measured(workload.run_silently::<Table<Papaya<u64>>>());
            let name = format!("bustle {name}, {threads} thread(s)");
            report.pair(format!("{name} / dashmap"), "M/s", (disk, dash), Limit::None);
            report.pair(format!("{name} / papaya"), "M/s", (disk, papaya), Limit::None);
            report.pair(format!("{name}, in memory / dashmap"), "M/s", (memory, dash), Limit::None);
        }
    }
    Ok(())
}

/// A map as the harness asks for it.
struct Table<M>(Arc<M>);

/// diskmap's map, and its directory if it has one, which goes with it.
struct Ours<BS: ByteStore> {
    map: DiskDashMap<u64, u64, BS>,
    _dir: Option<TempDir>,
}

/// What the harness does with a map. It knows no errors: they end the program.
trait Rival: Send + Sync + 'static {
    fn with_capacity(capacity: usize) -> Result<Self>
    where
        Self: Sized;
    fn get(&self, key: u64) -> Result<bool>;
    /// Whether the key is new.
    fn insert(&self, key: u64) -> Result<bool>;
    fn remove(&self, key: u64) -> Result<bool>;
    fn update(&self, key: u64) -> Result<bool>;
}

impl<M: Rival> Collection for Table<M> {
    type Handle = Table<M>;

    fn with_capacity(capacity: usize) -> Self {
        Table(Arc::new(M::with_capacity(capacity).expect("a map can be made")))
    }

    fn pin(&self) -> Self {
        Table(Arc::clone(&self.0))
    }
}

impl<M: Rival> CollectionHandle for Table<M> {
    type Key = u64;

    #[inline]
    fn get(&mut self, key: &u64) -> bool {
        self.0.get(*key).expect("reading works")
    }

    #[inline]
    fn insert(&mut self, key: &u64) -> bool {
        self.0.insert(*key).expect("inserting works")
    }

    #[inline]
    fn remove(&mut self, key: &u64) -> bool {
        self.0.remove(*key).expect("removing works")
    }

    #[inline]
    fn update(&mut self, key: &u64) -> bool {
        self.0.update(*key).expect("updating works")
    }
}

/// Where a map of diskmap's lies.
trait Place: ByteStore + Sized {
    fn make() -> Result<Ours<Self>>;
}

impl Place for MMapFile {
    fn make() -> Result<Ours<Self>> {
        let dir = scratch(PARENT.get().map(PathBuf::as_path))?;
        let options = OpenOptions::new().create(true).sync_on_drop(false);
        Ok(Ours { map: DiskDashMap::open_with(dir.path(), options)?, _dir: Some(dir) })
    }
}

impl Place for VecStore {
    fn make() -> Result<Ours<Self>> {
        Ok(Ours { map: DiskDashMap::new()?, _dir: None })
    }
}

impl<BS: Place + Send + Sync + 'static> Rival for Ours<BS> {
    fn with_capacity(capacity: usize) -> Result<Self> {
        let ours = BS::make()?;
        ours.map.reserve(capacity as u64)?;
        Ok(ours)
    }

    #[inline(always)]
    fn get(&self, key: u64) -> Result<bool> {
        Ok(self.map.get_copied(&key)?.is_some())
    }

    #[inline(always)]
    fn insert(&self, key: u64) -> Result<bool> {
        Ok(self.map.insert(&key, &0)?.is_none())
    }

    #[inline(always)]
    fn remove(&self, key: u64) -> Result<bool> {
        Ok(self.map.remove(&key)?.is_some())
    }

    #[inline(always)]
    fn update(&self, key: u64) -> Result<bool> {
        Ok(self.map.update(&key, |value| value + 1)?)
    }
}

impl Rival for Dash<u64> {
    fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Dash::<u64>::with_capacity_and_hasher(capacity, FxBuildHasher))
    }

    #[inline(always)]
    fn get(&self, key: u64) -> Result<bool> {
        Ok(self.get(&key).is_some())
    }

    #[inline(always)]
    fn insert(&self, key: u64) -> Result<bool> {
        Ok(self.insert(key, 0).is_none())
    }

    #[inline(always)]
    fn remove(&self, key: u64) -> Result<bool> {
        Ok(self.remove(&key).is_some())
    }

    #[inline(always)]
    fn update(&self, key: u64) -> Result<bool> {
        Ok(self.get_mut(&key).map(|mut value| *value += 1).is_some())
    }
}

impl Rival for Papaya<u64> {
    fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Papaya::<u64>::with_capacity_and_hasher(capacity, FxBuildHasher))
    }

    #[inline(always)]
    fn get(&self, key: u64) -> Result<bool> {
        Ok(self.pin().get(&key).is_some())
    }

    #[inline(always)]
    fn insert(&self, key: u64) -> Result<bool> {
        Ok(self.pin().insert(key, 0).is_none())
    }

    #[inline(always)]
    fn remove(&self, key: u64) -> Result<bool> {
        Ok(self.pin().remove(&key).is_some())
    }

    #[inline(always)]
    fn update(&self, key: u64) -> Result<bool> {
        Ok(self.pin().update(key, |value| value + 1).is_some())
    }
}
