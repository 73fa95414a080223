//! One thread's lookups: the shared map, and the same map given back to one thread.
//!
//! Must not change the map once it is filled. Invariant: both are asked for the same keys in the same order, and the entries lie in the same
//! pages.

use std::{fs, path::Path, thread};

use anyhow::{Result, anyhow, ensure};
use diskmap::DiskHashMap;
use diskmap_benches::{
    keys::Keys,
    machine::{pin, timed},
    report::{Limit, Report},
};

use crate::{
    Arguments,
    contest::{Contestant, Disk, Guarded, SharedKey, create},
    mixes::lost,
};

/// How often both are measured, in turns.
const PASSES: usize = 3;

/// Fills a map and measures lookups.
pub(crate) fn measure<Q: SharedKey>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    dir: &Path,
    report: &mut Report,
) -> Result<()> {
    let mut disk = create::<Q>(arguments, dir)?;
    for &key in &keys.stored {
        disk.insert(key.borrowed(), &key.value())?;
    }
    let (count, expected) = (keys.shuffled.len(), keys.sum());
    thread::scope(|scope| {
        let measured = scope.spawn(|| {
            pin(0)?;
            for _ in 0..PASSES {
                let (copied, sum) = timed(count, || shared(&disk, &keys.shuffled))?;
                ensure!(sum == expected, "wrong values");
                let (guarded, sum) = timed(count, || shared(&Guarded(&disk), &keys.shuffled))?;
                ensure!(sum == expected, "wrong values");
                let map = disk.into_inner().map_err(|_| anyhow!("the map has another handle"))?;
                let (single, sum) = timed(count, || alone::<Q>(&map, &keys.shuffled))?;
                ensure!(sum == expected, "wrong values");
                disk = Disk::<Q>::try_from(map)?;
                report.pair("one thread, get_copied / DiskHashMap", "ns", (copied, single), Limit::Ratio(1.15));
                report.pair("one thread, get / DiskHashMap", "ns", (guarded, single), Limit::None);
            }
            drop(disk);
            Ok(fs::remove_dir_all(dir)?)
        });
        measured.join().map_err(|_| anyhow!("a thread panicked"))?
    })
}

#[inline(never)]
fn shared<Q: SharedKey, M: Contestant<Q>>(map: &M, keys: &[Q]) -> Result<u64> {
    let mut sum = 0u64;
    for &key in keys {
        let Some(value) = map.get(key)? else { return Err(lost()) };
        sum = sum.wrapping_add(value);
    }
    Ok(sum)
}

#[inline(never)]
fn alone<Q: SharedKey>(map: &DiskHashMap<Q::Codec, u64>, keys: &[Q]) -> Result<u64> {
    let mut sum = 0u64;
    for &key in keys {
        let Some(value) = map.get(key.borrowed())? else { return Err(lost()) };
        sum = sum.wrapping_add(value);
    }
    Ok(sum)
}
