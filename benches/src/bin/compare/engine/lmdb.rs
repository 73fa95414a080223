//! LMDB through heed: a B-tree of byte strings in a mapped file.
//!
//! Must not know what is measured. Invariant: a batch of writes is one transaction; readers share one transaction; a directory
//! is opened once at a time in this process, and only by this program.

use std::{marker::PhantomData, path::Path};

use anyhow::{Context, Result};
use diskmap_benches::keys::Key;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn, WithTls, types::Bytes};

use super::{About, Engine, Kind, Read, Write};
use crate::pair::Pair;

/// Address space, and the length of the (sparse) file under `WRITEMAP`.
const MAP_SIZE: usize = 64 << 30;

pub(crate) const UNSYNCED: About = About {
    name: "lmdb",
    package: "heed",
    kind: Kind::Disk,
    setting: "through heed, its fastest: NOSYNC, NOMETASYNC, WRITEMAP, NOMEMINIT, NORDAHEAD, 10,000 writes a \
              transaction, look-ups through one open read transaction; a killed process loses nothing committed, a power cut \
              may damage the file",
    lacks: &[],
};

pub(crate) const SYNCED: About = About {
    name: "lmdb-sync",
    setting: "through heed, its safe default: synced at each commit, 10,000 writes a transaction; nothing committed is lost",
    ..UNSYNCED
};

/// The environment, synced at each commit or not.
pub(crate) struct Store<P, const SYNC: bool> {
    env: Env,
    pair: PhantomData<P>,
}

/// A transaction that reads.
pub(crate) struct Reader<'t> {
    transaction: RoTxn<'t, WithTls>,
    database: Database<'t, Bytes, Bytes>,
}

/// A transaction that writes.
pub(crate) struct Writer<'t> {
    transaction: RwTxn<'t>,
    database: Database<'t, Bytes, Bytes>,
    buffer: Vec<u8>,
}

macro_rules! read {
    ($reader:ident) => {
        impl<P: Pair> Read<P> for $reader<'_> {
            #[inline(always)]
            fn get(&self, key: P::Key) -> Result<Option<u64>> {
                self.database.get(&self.transaction, key.bytes())?.map(P::of_bytes).transpose()
            }

            fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
                for entry in self.database.iter(&self.transaction)? {
                    if !see(P::of_bytes(entry?.1)?) {
                        break;
                    }
                }
                Ok(())
            }

            fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
                let (mut met, mut sum) = (0, 0u64);
                let from = (std::ops::Bound::Included(key.bytes()), std::ops::Bound::Unbounded);
                for entry in self.database.range(&self.transaction, &from)?.take(count) {
                    sum = sum.wrapping_add(P::of_bytes(entry?.1)?);
                    met += 1;
                }
                Ok((met, sum))
            }
        }
    };
}

read!(Reader);
read!(Writer);

impl<P: Pair> Write<P> for Writer<'_> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        let Writer { transaction, database, buffer } = self;
        P::with_bytes(value, buffer, |bytes| Ok(database.put(transaction, key.bytes(), bytes)?))
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.database.delete(&mut self.transaction, key.bytes())?)
    }
}

impl<P, const SYNC: bool> Store<P, SYNC> {
    fn database(&self) -> Result<Database<'_, Bytes, Bytes>> {
        let opened = self.env.open_databases_and_commit(self.env.read_txn()?, |opener, transaction| {
            Ok::<_, heed::Error>(match opener.open_database::<Bytes, Bytes>(transaction, None)? {
                Some(database) => CommitOrAbort::Commit(database),
                None => CommitOrAbort::Abort(()),
            })
        })?;
        opened.commit().context("LMDB's main database is missing")
    }
}

impl<P: Pair, const SYNC: bool> Engine<P> for Store<P, SYNC> {
    type Reader<'e> = Reader<'e>;
    type Writer<'e> = Writer<'e>;

    fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP_SIZE);
        if !SYNC {
            let fastest = EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC | EnvFlags::WRITE_MAP | EnvFlags::NO_MEM_INIT;
            // SAFETY: what is not synced is lost or damaged when the machine goes down, which this program says; nothing in this
            // process writes to memory that it does not own, as WRITE_MAP demands.
            unsafe { options.flags(fastest | EnvFlags::NO_READ_AHEAD) };
        }
        // SAFETY: the directory is this program's own, on a local disk, and nothing else opens, truncates or writes its files
        // while they are mapped.
        let env = unsafe { options.open(dir)? };
        let created = env.create_databases_and_commit(env.write_txn()?, |opener, transaction| {
            let database = opener.create_database::<Bytes, Bytes>(transaction, None)?;
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(database))
        })?;
        created.commit().context("LMDB's main database was not made")?;
        Ok(Store { env, pair: PhantomData })
    }

    fn read<R>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R>) -> Result<R> {
        let database = self.database()?;
        work(&Reader { transaction: self.env.read_txn()?, database })
    }

    fn write<R>(&mut self, work: impl FnOnce(&mut Writer<'_>) -> Result<R>) -> Result<R> {
        let database = self.database()?;
        let mut writer = Writer { transaction: self.env.write_txn()?, database, buffer: Vec::new() };
        let result = work(&mut writer)?;
        writer.transaction.commit()?;
        Ok(result)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }

    fn close(mut self) -> Result<()> {
        Engine::<P>::sync(&mut self)?;
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}
