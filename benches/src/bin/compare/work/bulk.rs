//! diskmap's `try_extend` beside inserts one by one, into maps with capacity and without.
//!
//! Must not know other engines. Invariant: all four maps get the same entries, and each is filled twice, of which the second
//! time counts.

use anyhow::{Context, Result, bail, ensure};
use diskmap::{DiskHashMap, Encode};
use diskmap_benches::{keys::Key, machine::timed};

use super::{Task, remove_dir};
use crate::{
    engine::our_options,
    figure::tell,
    pair::{Bytes100, Numbers, Pair, Texts, seed},
};

type Map<P> = DiskHashMap<<<P as Pair>::Key as Key>::Codec, <P as Pair>::Codec>;

pub(super) fn run(task: &Task) -> Result<()> {
    match task.pair.as_str() {
        Numbers::NAME => measure::<Numbers, _>(task, |seed| seed),
        Texts::NAME => measure::<Texts, _>(task, |seed| seed),
        Bytes100::NAME => measure::<Bytes100, _>(task, Bytes100::array),
        other => bail!("`{other}` is not loaded in bulk"),
    }
}

fn measure<P: Pair, V>(task: &Task, value: impl Fn(u64) -> V + Copy) -> Result<()>
where
    P::Codec: Encode<V>,
{
    let keys = P::keys(task.entries)?.stored;
    for _ in 0..task.runs {
        for (operation, sized, batched) in [
            ("loop", false, false),
            ("loop-presized", true, false),
            ("extend", false, true),
            ("extend-presized", true, true),
        ] {
            filled::<P, V>(task, &keys, sized, batched, value)?;
            let ns = filled::<P, V>(task, &keys, sized, batched, value)?;
            tell(operation, "ns", ns, keys.len(), false);
        }
    }
    Ok(())
}

/// Nanoseconds for each entry.
fn filled<P: Pair, V>(
    task: &Task,
    keys: &[P::Key],
    sized: bool,
    batched: bool,
    value: impl Fn(u64) -> V + Copy,
) -> Result<f64>
where
    P::Codec: Encode<V>,
{
    let dir = task.dir.join("bulk");
    let mut options = our_options(true);
    if sized {
        let (entries, key_bytes, value_bytes) = room::<P>(keys)?;
        options = options.capacity(entries, key_bytes, value_bytes);
    }
    let mut map: Map<P> = options.open(&dir)?;
    let (ns, ()) = timed(keys.len(), || {
        if batched { extend::<P, V>(&mut map, keys, value) } else { insert::<P, V>(&mut map, keys, value) }
    })?;
    ensure!(map.len() == keys.len() as u64, "{} entries of {} were stored", map.len(), keys.len());
    for &key in keys.iter().step_by(keys.len().div_ceil(1000)) {
        let found = map.get(key.borrowed())?.map(P::of_view).context("a stored key was not found")?;
        super::check(found, P::digest(seed(key, 0)))?;
    }
    drop(map);
    remove_dir(&dir)?;
    Ok(ns)
}

/// Entries, and bytes of keys and values that are records: those of numbers lie in the index.
fn room<P: Pair>(keys: &[P::Key]) -> Result<(u64, u64, u64)> {
    let (mut maker, mut buffer) = (P::Maker::default(), Vec::new());
    let mut bytes = (0, 0);
    for &key in keys {
        bytes.0 += key.bytes().len() as u64;
        let len = P::with_bytes(P::make(&mut maker, seed(key, 0)), &mut buffer, |bytes| Ok(bytes.len()))?;
        bytes.1 += len as u64;
    }
    Ok((keys.len() as u64, bytes.0, bytes.1))
}

#[inline(never)]
fn insert<P: Pair, V>(map: &mut Map<P>, keys: &[P::Key], value: impl Fn(u64) -> V) -> Result<()>
where
    P::Codec: Encode<V>,
{
    for &key in keys {
        map.insert(key.borrowed(), &value(seed(key, 0)))?;
    }
    Ok(())
}

#[inline(never)]
fn extend<P: Pair, V>(map: &mut Map<P>, keys: &[P::Key], value: impl Fn(u64) -> V) -> Result<()>
where
    P::Codec: Encode<V>,
{
    Ok(map.try_extend(keys.iter().map(|&key| (key, value(seed(key, 0)))))?)
}
