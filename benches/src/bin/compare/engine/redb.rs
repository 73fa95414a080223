//! redb: a B-tree of byte strings, with commits that are synced or not.
//!
//! Must not know what is measured. Invariant: a batch of writes is one transaction; readers share one table of one transaction.

use std::{marker::PhantomData, path::Path};

use anyhow::Result;
use diskmap_benches::keys::Key;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition};

use super::{About, Engine, Kind, Read, Write, cache};
use crate::pair::Pair;

const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

pub(crate) const UNSYNCED: About = About {
    name: "redb",
    package: "redb",
    kind: Kind::Disk,
    setting: "`Durability::None`, 10,000 writes a transaction, cache of 4 GiB; look-ups through one open read transaction; \
              a killed process loses all since the last durable commit (here: at close)",
    lacks: &[],
};

pub(crate) const SYNCED: About = About {
    name: "redb-sync",
    setting: "`Durability::Immediate`: synced at each commit, 10,000 writes a transaction, cache of 4 GiB; nothing committed \
              is lost",
    ..UNSYNCED
};

/// The database, synced at each commit or not.
pub(crate) struct Store<P, const SYNC: bool> {
    database: Database,
    pair: PhantomData<P>,
}

/// A table that is read.
pub(crate) struct Reader(ReadOnlyTable<&'static [u8], &'static [u8]>);

/// A table in a transaction.
pub(crate) struct Writer<'t> {
    table: Table<'t, &'static [u8], &'static [u8]>,
    buffer: Vec<u8>,
}

macro_rules! read {
    ($reader:ty, $table:tt) => {
        impl<P: Pair> Read<P> for $reader {
            #[inline(always)]
            fn get(&self, key: P::Key) -> Result<Option<u64>> {
                self.$table.get(key.bytes())?.map(|value| P::of_bytes(value.value())).transpose()
            }

            fn iterate(&self, mut see: impl FnMut(u64) -> bool) -> Result<()> {
                for entry in self.$table.iter()? {
                    if !see(P::of_bytes(entry?.1.value())?) {
                        break;
                    }
                }
                Ok(())
            }

            fn scan(&self, key: P::Key, count: usize) -> Result<(usize, u64)> {
                let (mut met, mut sum) = (0, 0u64);
                for entry in self.$table.range(key.bytes()..)?.take(count) {
                    sum = sum.wrapping_add(P::of_bytes(entry?.1.value())?);
                    met += 1;
                }
                Ok((met, sum))
            }
        }
    };
}

read!(Reader, 0);
read!(Writer<'_>, table);

impl<P: Pair> Write<P> for Writer<'_> {
    #[inline(always)]
    fn insert(&mut self, key: P::Key, value: &P::Input) -> Result<()> {
        let Writer { table, buffer } = self;
        P::with_bytes(value, buffer, |bytes| {
            table.insert(key.bytes(), bytes)?;
            Ok(())
        })
    }

    #[inline(always)]
    fn remove(&mut self, key: P::Key) -> Result<bool> {
        Ok(self.table.remove(key.bytes())?.is_some())
    }
}

impl<P: Pair, const SYNC: bool> Engine<P> for Store<P, SYNC> {
    type Reader<'e> = Reader;
    type Writer<'e> = Writer<'e>;

    fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let database = Database::builder().set_cache_size(cache() as usize).create(dir.join("redb"))?;
        let write = database.begin_write()?;
        write.open_table(TABLE)?;
        write.commit()?;
        Ok(Store { database, pair: PhantomData })
    }

    fn read<R>(&self, work: impl FnOnce(&Reader) -> Result<R>) -> Result<R> {
        work(&Reader(self.database.begin_read()?.open_table(TABLE)?))
    }

    fn write<R>(&mut self, work: impl FnOnce(&mut Writer<'_>) -> Result<R>) -> Result<R> {
        let mut transaction = self.database.begin_write()?;
        if !SYNC {
            transaction.set_durability(Durability::None)?;
        }
        let result = work(&mut Writer { table: transaction.open_table(TABLE)?, buffer: Vec::new() })?;
        transaction.commit()?;
        Ok(result)
    }

    fn sync(&mut self) -> Result<()> {
        Ok(self.database.begin_write()?.commit()?)
    }

    fn close(mut self) -> Result<()> {
        Engine::<P>::sync(&mut self)?;
        Ok(self.database.close()?)
    }
}
