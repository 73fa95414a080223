//! What every engine can do, and which engines there are.
//!
//! Must not know what is measured. Invariant: a method of [`Read`] or [`Write`] is one call of the engine's own, inlined;
//! what a transaction costs is paid once in [`Engine::read`] and [`Engine::write`].

/// What the maps in memory have in common: an empty one is made by default, needs no transaction, and nothing of it stays.
macro_rules! in_memory {
    () => {
        impl<P: $crate::pair::Pair> $crate::engine::Engine<P> for Map<P> {
            type Reader<'e> = Self;
            type Writer<'e> = Self;

            fn open(_: &std::path::Path) -> anyhow::Result<Self> {
                Ok(Map(Default::default()))
            }

            #[inline(always)]
            fn read<R>(&self, work: impl FnOnce(&Self) -> anyhow::Result<R>) -> anyhow::Result<R> {
                work(self)
            }

            #[inline(always)]
            fn write<R>(&mut self, work: impl FnOnce(&mut Self) -> anyhow::Result<R>) -> anyhow::Result<R> {
                work(self)
            }

            fn sync(&mut self) -> anyhow::Result<()> {
                Ok(())
            }

            fn close(self) -> anyhow::Result<()> {
                Ok(())
            }
        }
    };
}

mod candystore;
mod concurrent;
mod dashmap;
mod diskmap;
mod fjall;
mod hashbrown;
#[allow(unsafe_code, reason = "LMDB's environment is a mapped file, and its fastest flags promise things of it")]
mod lmdb;
mod papaya;
mod predecessor;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod scc;
mod sled;
mod std_map;

use std::{path::Path, sync::OnceLock};

use anyhow::{Result, bail};

use crate::pair::Pair;

pub(crate) use self::diskmap::options as our_options;

static CACHE: OnceLock<u64> = OnceLock::new();

/// Bytes of cache for engines that have one of their own: more than any map here takes, unless there is less memory.
fn cache() -> u64 {
    *CACHE.get_or_init(|| 4 << 30)
}

/// Makes [`cache`] smaller, before any engine is opened.
pub(crate) fn limit_cache(bytes: u64) -> Result<()> {
    CACHE.set(bytes).map_err(|_| anyhow::anyhow!("an engine was opened already"))
}

/// What there is to say of an engine.
pub(crate) struct About {
    /// Its name in tables and arguments.
    pub name: &'static str,
    /// Its crate, whose version is in `Cargo.lock`.
    pub package: &'static str,
    pub kind: Kind,
    /// How it was opened, and what a crash then costs.
    pub setting: &'static str,
    /// Operations it does not have, and why.
    pub lacks: &'static [(&'static str, &'static str)],
}

/// Where an engine keeps its entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Memory,
    Disk,
}

impl About {
    /// Whether it is diskmap itself.
    pub(crate) fn ours(&self) -> bool {
        self.package.starts_with("diskmap")
    }

    /// Whether it is another setting of an engine that is measured, too.
    pub(crate) fn variant(&self) -> bool {
        self.name.ends_with("-sync") || self.name.ends_with("-no-timer")
    }

    /// Why it cannot do what is asked.
    pub(crate) fn lack(&self, operation: &str) -> Option<&'static str> {
        self.lacks.iter().find(|(lacking, _)| *lacking == operation).map(|(_, reason)| *reason)
    }
}

/// A reader, which may be a transaction.
pub(crate) trait Read<P: Pair> {
    /// The digest of the value of a key.
    fn get(&self, key: P::Key) -> Result<Option<u64>>;

    /// Shows digests of all values until told to stop.
    fn iterate(&self, see: impl FnMut(u64) -> bool) -> Result<()>;

    /// Reads up to `count` entries from the key or, where there is no order, from its place on: how many, and the sum of
    /// their digests.
    fn scan(&self, _key: P::Key, _count: usize) -> Result<(usize, u64)> {
        bail!("no scan from a key")
    }

    /// The sum of the digests of the values of keys that are all there.
    fn get_many(&self, _keys: &[P::Key]) -> Result<u64> {
        bail!("no batches of look-ups")
    }
}

/// A writer, which may be a transaction.
pub(crate) trait Write<P: Pair>: Read<P> {
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()>;
    /// Removes a key; whether it was there.
    fn remove(&mut self, key: P::Key) -> Result<bool>;
}

/// An open engine.
pub(crate) trait Engine<P: Pair>: Sized {
    type Reader<'e>: Read<P>
    where
        Self: 'e;
    type Writer<'e>: Write<P>
    where
        Self: 'e;

    /// Opens what is in a directory, or creates it.
    fn open(dir: &Path) -> Result<Self>;
    fn read<R>(&self, work: impl FnOnce(&Self::Reader<'_>) -> Result<R>) -> Result<R>;
    /// All that `work` does is one transaction, where the engine has them.
    fn write<R>(&mut self, work: impl FnOnce(&mut Self::Writer<'_>) -> Result<R>) -> Result<R>;
    /// Puts everything on the medium.
    fn sync(&mut self) -> Result<()>;
    /// Closes it; all is on the medium.
    fn close(self) -> Result<()>;
}

/// An engine that several threads use at once.
pub(crate) trait Shared<P: Pair>: Sync + Sized {
    fn create(dir: &Path) -> Result<Self>;
    fn get(&self, key: P::Key) -> Result<Option<u64>>;
    fn insert(&self, key: P::Key, value: &P::Input) -> Result<()>;
}

/// Runs a task with an engine.
pub(crate) trait WithEngine<P: Pair> {
    fn run<E: Engine<P>>(self, about: &'static About) -> Result<()>;
}

/// Runs a task with an engine for several threads.
pub(crate) trait WithShared<P: Pair> {
    fn run<E: Shared<P>>(self, about: &'static About) -> Result<()>;
}

/// All engines, in the order of the tables: ours, in memory, on disk.
pub(crate) const ALL: &[&About] = &[
    &diskmap::TIMED,
    &diskmap::UNTIMED,
    &concurrent::TIMED,
    &concurrent::UNTIMED,
    &diskmap::MEMORY,
    &hashbrown::ABOUT,
    &std_map::ABOUT,
    &dashmap::ABOUT,
    &papaya::ABOUT,
    &scc::ABOUT,
    &predecessor::ABOUT,
    &redb::UNSYNCED,
    &redb::SYNCED,
    &lmdb::UNSYNCED,
    &lmdb::SYNCED,
    &sled::ABOUT,
    &fjall::ABOUT,
    &candystore::ABOUT,
    #[cfg(feature = "rocksdb")]
    &rocksdb::ABOUT,
];

/// Engines that several threads can use at once.
pub(crate) const SHARED: &[&About] = &[
    &concurrent::TIMED,
    &concurrent::UNTIMED,
    &dashmap::ABOUT,
    &papaya::ABOUT,
    &scc::ABOUT,
    &sled::ABOUT,
    &fjall::ABOUT,
    &candystore::ABOUT,
];

/// What is known of an engine.
pub(crate) fn about(name: &str) -> Result<&'static About> {
    match ALL.iter().find(|about| about.name == name) {
        Some(about) => Ok(about),
        None => bail!("there is no engine `{name}`; there are {}", names().join(", ")),
    }
}

/// Names of all engines.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|about| about.name).collect()
}

/// See [`WithEngine`].
pub(crate) fn with<P: Pair, T: WithEngine<P>>(name: &str, task: T) -> Result<()> {
    let about = about(name)?;
    match name {
        "diskmap" => task.run::<diskmap::OnDisk<P, true>>(about),
        "diskmap-no-timer" => task.run::<diskmap::OnDisk<P, false>>(about),
        "diskmap-memory" => task.run::<diskmap::InMemory<P>>(about),
        "diskmap-shared" => task.run::<concurrent::Timed<P, true>>(about),
        "diskmap-shared-no-timer" => task.run::<concurrent::Timed<P, false>>(about),
        "hashbrown" => task.run::<hashbrown::Map<P>>(about),
        "std" => task.run::<std_map::Map<P>>(about),
        "dashmap" => task.run::<dashmap::Map<P>>(about),
        "papaya" => task.run::<papaya::Map<P>>(about),
        "scc" => task.run::<scc::Map<P>>(about),
        "opendiskmap" => task.run::<predecessor::Map<P>>(about),
        "redb" => task.run::<redb::Store<P, false>>(about),
        "redb-sync" => task.run::<redb::Store<P, true>>(about),
        "lmdb" => task.run::<lmdb::Store<P, false>>(about),
        "lmdb-sync" => task.run::<lmdb::Store<P, true>>(about),
        "sled" => task.run::<sled::Store<P>>(about),
        "fjall" => task.run::<fjall::Store<P>>(about),
        "candystore" => task.run::<candystore::Store<P>>(about),
        #[cfg(feature = "rocksdb")]
        "rocksdb" => task.run::<rocksdb::Store<P>>(about),
        other => bail!("the engine `{other}` is listed but cannot be run"),
    }
}

/// See [`WithShared`].
pub(crate) fn with_shared<P: Pair, T: WithShared<P>>(name: &str, task: T) -> Result<()> {
    let about = about(name)?;
    match name {
        "diskmap-shared" => task.run::<concurrent::Timed<P, true>>(about),
        "diskmap-shared-no-timer" => task.run::<concurrent::Timed<P, false>>(about),
        "dashmap" => task.run::<dashmap::Map<P>>(about),
        "papaya" => task.run::<papaya::Map<P>>(about),
        "scc" => task.run::<scc::Map<P>>(about),
        "sled" => task.run::<sled::Store<P>>(about),
        "fjall" => task.run::<fjall::Store<P>>(about),
        "candystore" => task.run::<candystore::Store<P>>(about),
        other => bail!("the engine `{other}` is not for several threads"),
    }
}
