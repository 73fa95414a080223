//! The hot paths: what each prepares, the loop that is counted, and the proof that it did what it should.
//!
//! Must not know who counts. Invariant: the same keys in the same order in every process, and nothing that depends on time:
//! no checkpoint but by hand, a fixed number of shards.

use std::path::Path;

use anyhow::{Result, ensure};
use diskmap::{DiskHashMap, OpenOptions};
use diskmap_benches::keys::{Key, Keys, RandomKey};
use diskmap_concurrent::DiskDashMap;

use crate::counted;

/// Of each path. Some dozens of segments, none of them about to split as a whole.
pub(crate) const OPERATIONS: usize = 300_000;
const SHARDS: usize = 8;

/// One hot path.
pub(crate) struct HotPath {
    pub(crate) name: &'static str,
    /// The function that is counted.
    pub(crate) function: &'static str,
    /// Prepares, walks and proves, with a map in this directory.
    pub(crate) walk: fn(&Path) -> Result<()>,
}

macro_rules! hot_paths {
    ($($walk:ident by $counted:ident,)*) => {
        /// All of them.
        pub(crate) const ALL: &[HotPath] = &[$(HotPath {
            name: stringify!($walk),
            function: concat!("instructions::counted::", stringify!($counted)),
            walk: $walk,
        }),*];
    };
}

hot_paths! {
    get_hit by get,
    get_miss by get,
    get_many by get_many,
    text_get_hit by get_text,
    text_get_miss by get_text,
    text_value_get by get_text_value,
    insert by insert,
    update by insert,
    remove by remove,
    text_insert by insert_text,
    try_extend_presized by try_extend,
    iterate by iterate,
    concurrent_get_copied by get_copied,
    concurrent_text_get by get_guarded,
    concurrent_insert by insert_shared,
    concurrent_update by insert_shared,
}

fn get_hit(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    all(&keys, counted::get(&map, &keys.shuffled)?)
}

fn get_miss(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    none(counted::get(&map, &keys.missing)?)
}

fn get_many(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    all(&keys, counted::get_many(&map, &keys.shuffled)?)
}

fn text_get_hit(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<&str>(dir)?;
    all(&keys, counted::get_text(&map, &keys.shuffled)?)
}

fn text_get_miss(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<&str>(dir)?;
    none(counted::get_text(&map, &keys.missing)?)
}

fn text_value_get(dir: &Path) -> Result<()> {
    let keys = Keys::<u64>::new(OPERATIONS);
    let text = |key: &u64| "a value of some length, cut off somewhere in the middle".split_at((key % 50) as usize).0;
    let mut map: DiskHashMap<u64, String> = options().open(dir)?;
    let mut length = 0;
    for key in &keys.stored {
        map.insert(key, text(key))?;
        length += text(key).len() as u64;
    }
    let (found, sum) = counted::get_text_value(&map, &keys.shuffled)?;
    ensure!((found, sum) == (OPERATIONS, length), "{found} texts of {sum} bytes, not {OPERATIONS} of {length}");
    Ok(())
}

fn insert(dir: &Path) -> Result<()> {
    let keys = Keys::<u64>::new(OPERATIONS);
    let mut map: DiskHashMap<u64, u64> = options().open(dir)?;
    none(counted::insert(&mut map, &entries(&keys.stored, 0))?)?;
    holds(&map, &keys, 0)
}

fn update(dir: &Path) -> Result<()> {
    let (mut map, keys) = filled::<u64>(dir)?;
    all(&keys, counted::insert(&mut map, &entries(&keys.shuffled, 1))?)?;
    holds(&map, &keys, 1)
}

fn remove(dir: &Path) -> Result<()> {
    let (mut map, keys) = filled::<u64>(dir)?;
    all(&keys, counted::remove(&mut map, &keys.shuffled)?)?;
    ensure!(map.is_empty(), "{} entries were not removed", map.len());
    Ok(())
}

fn text_insert(dir: &Path) -> Result<()> {
    let keys = Keys::<&str>::new(OPERATIONS);
    let mut map: DiskHashMap<String, u64> = options().open(dir)?;
    none(counted::insert_text(&mut map, &entries(&keys.stored, 0))?)?;
    holds(&map, &keys, 0)
}

fn try_extend_presized(dir: &Path) -> Result<()> {
    let keys = Keys::<u64>::new(OPERATIONS);
    let mut map: DiskHashMap<u64, u64> = options().capacity(OPERATIONS as u64, 0, 0).open(dir)?;
    counted::try_extend(&mut map, &entries(&keys.stored, 0))?;
    holds(&map, &keys, 0)
}

fn iterate(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    all(&keys, counted::iterate(&map)?)
}

fn concurrent_get_copied(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    let map = DiskDashMap::with_shards(map, SHARDS)?;
    all(&keys, counted::get_copied(&map, &keys.shuffled)?)
}

fn concurrent_text_get(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<&str>(dir)?;
    let map = DiskDashMap::with_shards(map, SHARDS)?;
    all(&keys, counted::get_guarded(&map, &keys.shuffled)?)
}

fn concurrent_insert(dir: &Path) -> Result<()> {
    let keys = Keys::<u64>::new(OPERATIONS);
    let map = DiskDashMap::with_shards(options().open(dir)?, SHARDS)?;
    none(counted::insert_shared(&map, &entries(&keys.stored, 0))?)?;
    holds_alone(map, &keys, 0)
}

fn concurrent_update(dir: &Path) -> Result<()> {
    let (map, keys) = filled::<u64>(dir)?;
    let map = DiskDashMap::with_shards(map, SHARDS)?;
    all(&keys, counted::insert_shared(&map, &entries(&keys.shuffled, 1))?)?;
    holds_alone(map, &keys, 1)
}

/// A map that does nothing by itself.
fn options() -> OpenOptions {
    OpenOptions::new().create_new(true).auto_checkpoint(None).sync_on_drop(false)
}

/// Each key with its value, and that much more.
fn entries<Q: Key>(keys: &[Q], more: u64) -> Vec<(Q, u64)> {
    keys.iter().map(|&key| (key, key.value().wrapping_add(more))).collect()
}

fn filled<Q: RandomKey>(dir: &Path) -> Result<(DiskHashMap<Q::Codec, u64>, Keys<Q>)> {
    let keys = Keys::<Q>::new(OPERATIONS);
    let mut map: DiskHashMap<Q::Codec, u64> = options().open(dir)?;
    for (key, value) in entries(&keys.stored, 0) {
        map.insert(key.borrowed(), &value)?;
    }
    Ok((map, keys))
}

fn all<Q: Key>(keys: &Keys<Q>, (found, sum): (usize, u64)) -> Result<()> {
    let right = (OPERATIONS, keys.sum());
    ensure!((found, sum) == right, "{found} values, the sum {sum:#x}, not {right:x?}");
    Ok(())
}

fn none((found, _): (usize, u64)) -> Result<()> {
    ensure!(found == 0, "{found} values where none should be");
    Ok(())
}

/// Fails unless the map has all keys, each with its value and that much more.
fn holds<Q: Key>(map: &DiskHashMap<Q::Codec, u64>, keys: &Keys<Q>, more: u64) -> Result<()> {
    ensure!(map.len() == OPERATIONS as u64, "{} entries, not {OPERATIONS}", map.len());
    for (key, value) in entries(&keys.stored, more) {
        ensure!(map.get(key.borrowed())? == Some(value), "a key was lost, or has a wrong value");
    }
    Ok(())
}

fn holds_alone(map: DiskDashMap<u64, u64>, keys: &Keys<u64>, more: u64) -> Result<()> {
    let Ok(map) = map.into_inner() else { anyhow::bail!("the map has another handle") };
    holds(&map, keys, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_can_be_walked() {
        for path in ALL {
            let dir = tempfile::tempdir().unwrap();
            (path.walk)(&dir.path().join("map")).unwrap_or_else(|error| panic!("{}: {error:#}", path.name));
        }
    }
}
