//! How bytes per entry and load move while one map grows.
//!
//! Must not measure time. Invariant: only space that holds entries counts, not what a checkpoint keeps or what the files
//! have in reserve (closing gives that back).

use std::path::Path;

use anyhow::Result;
use diskmap_benches::keys::{Keys, RandomKey};

use crate::{
    Arguments,
    contest::{Contestant, open},
};

const FIRST: f64 = 1e6;
const LAST: f64 = 16e6;
const STEP: f64 = 1.08;

/// Fills one map step by step and prints a line for each.
pub(crate) fn sweep<Q: RandomKey>(arguments: &Arguments, dir: &Path) -> Result<()> {
    let keys = Keys::<Q>::stored(LAST as usize);
    let mut disk = open::<Q>(arguments, dir)?;
    let (mut least, mut most) = ((f64::MAX, 0), (0.0f64, 0));
    println!("{:>12}{:>16}{:>10}{:>10}", "entries", "bytes/entry", "load", "segments");
    let mut target = FIRST;
    let mut left = keys.as_slice();
    while target <= LAST {
        let (now, later) = left.split_at(target as usize - disk.len() as usize);
        for &key in now {
            Contestant::insert(&mut disk, key, key.value())?;
        }
        left = later;
        let stats = disk.stats();
        let bytes = (stats.index_bytes + stats.heap_bytes) as f64 / stats.entries as f64;
        println!("{:>12}{bytes:>16.2}{:>10.3}{:>10}", stats.entries, disk.load_factor(), stats.segments);
        least = if bytes < least.0 { (bytes, stats.entries) } else { least };
        most = if bytes > most.0 { (bytes, stats.entries) } else { most };
        target *= STEP;
    }
    println!("\nbytes per entry: least {:.2} at {}, most {:.2} at {}", least.0, least.1, most.0, most.1);
    Ok(())
}
