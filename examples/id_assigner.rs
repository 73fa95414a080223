//! Names to dense ids, assigned by many threads: each name gets one id, whoever comes first. Killed or not, the next run goes
//! on where this one ended; a kill leaves out the ids that were just being given, one a thread at most.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example id_assigner [directory of the map]
//! ```

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::{Result, ensure};
use diskmap_concurrent::DiskDashMap;

/// Ids and the names they stand for, each in a map of its own.
struct Ids {
    ids: DiskDashMap<str, u32>,
    names: DiskDashMap<u32, str>,
    next: AtomicU32,
}

impl Ids {
    fn open(dir: &std::path::Path) -> Result<Ids> {
        let ids: DiskDashMap<str, u32> = DiskDashMap::open(dir.join("ids"))?;
        let names = DiskDashMap::open(dir.join("names"))?;
        let mut next = 0;
        for id in ids.values() {
            next = next.max(id?.value() + 1);
        }
        let next = AtomicU32::new(next);
        Ok(Ids { ids, names, next })
    }

    /// The id of a name. The same name gets the same id in all threads.
    fn id(&self, name: &str) -> Result<u32> {
        // Without a lock, and without a write to shared memory but the pin.
        if let Some(id) = self.ids.get_copied(name)? {
            return Ok(id);
        }
        // The name's shard is locked while the entry is held, so nobody else gives it an id. The entry of one map may be held
        // while another map is written to.
        let entry = self.ids.entry(name)?;
        if entry.is_vacant() {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            self.names.insert(&id, name)?;
            return Ok(entry.or_insert(&id)?.value());
        }
        Ok(entry.or_insert(&0)?.value())
    }
}

fn main() -> Result<()> {
    let place = tempfile::tempdir()?;
    let dir = env::args_os().nth(1).map_or_else(|| place.path().to_path_buf(), Into::into);
    let ids = Ids::open(&dir)?;
    println!("{} names have an id already", ids.ids.len());

    // Four threads with overlapping names, in different orders.
    let name = |i: u32| format!("node-{:05}", i.wrapping_mul(2_654_435_761) % 50_000);
    thread::scope(|scope| {
        let ids = &ids;
        let work = |first: u32| move || (first..first + 60_000).try_for_each(|i| ids.id(&name(i)).map(drop));
        let threads: Vec<_> = (0..4).map(|i| scope.spawn(work(i * 20_000))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;

    for entry in &ids.ids {
        let entry = entry?;
        let name = ids.names.get(&entry.value())?.expect("an id is given after its name was stored");
        ensure!(&*name == entry.key(), "{} has the id of {}", entry.key(), &*name);
    }
    println!("{} names have ids below {}", ids.ids.len(), ids.next.into_inner());
    Ok(())
}
