//! Random look-ups in a map of many GiB whose pages are huge, and in a copy of it whose pages are small.
//!
//! Must not know engines other than diskmap. Values are records, which are written one after the other: an index of many GiB
//! that is filled at random keeps the kernel writing it back. Invariant: the copy is written a small page at a time, so that
//! the page cache holds it in small pages, and each process says how much of the map it has mapped by huge pages.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use diskmap::DiskHashMap;
use fastrand::Rng;

use super::{BATCH, Task, lost, spread};
use crate::{
    engine::our_options,
    figure::{Line, tell, tell_pace},
    pace::paced,
    pair::{Bytes100, Pair},
};

/// The parts, each in a process: make the map and look up in it; copy it; look up in the copy.
pub(crate) const MAKE: &str = "make";
pub(crate) const COPY: &str = "copy";
pub(crate) const SMALL: &str = "small";

const LOOK_UPS: usize = 10_000_000;
const SMALL_PAGE: usize = 4096;

type Map = DiskHashMap<u64, Vec<u8>>;

pub(super) fn run(task: &Task) -> Result<()> {
    let (huge, small) = (task.dir.join("huge"), task.dir.join("small"));
    match task.part.as_deref() {
        Some(MAKE) => {
            let mut map: Map = our_options(false).open(&huge)?;
            let begun = Instant::now();
            map.try_extend((0..task.entries).map(|at| (spread(at), Bytes100::array(spread(at)))))?;
            tell("folios-load", "ns", begun.elapsed().as_nanos() as f64 / task.entries as f64, task.entries, false);
            tell("folios-size", "GiB", map.file_size() as f64 / f64::from(1 << 30), task.entries, false);
            look_up(task, &map, "folios-huge")?;
            map.close()?;
        }
        Some(COPY) => {
            std::fs::create_dir(&small)?;
            for file in huge.read_dir()? {
                let name = file?.file_name();
                copy(&huge.join(&name), &small.join(&name))?;
            }
            Line::Ready(task.entries).tell();
        }
        Some(SMALL) => look_up(task, &our_options(false).open(&small)?, "folios-small")?,
        other => bail!("{other:?} is no part of folios"),
    }
    Ok(())
}

fn look_up(task: &Task, map: &Map, operation: &str) -> Result<()> {
    let entries = task.entries as u64;
    ensure!(map.len() == entries, "the map has {} entries, not {entries}", map.len());
    // Every page is touched before the clock starts.
    let mut met = 0u64;
    for entry in map {
        let (key, value) = entry?;
        met += u64::from(Bytes100::of_view(value) == Bytes100::digest(key));
    }
    ensure!(met == entries, "{met} entries of {entries} were met");
    for _ in 0..task.runs {
        let mut random = Rng::with_seed(8);
        let mut wrong = 0;
        let pace = paced(LOOK_UPS, BATCH, task.cap(), |part| {
            for _ in part {
                let key = spread(random.usize(..task.entries));
                wrong |= Bytes100::of_view(map.get(&key)?.ok_or_else(lost)?) ^ Bytes100::digest(key);
            }
            Ok(())
        })?;
        ensure!(wrong == 0, "wrong values were read");
        tell_pace(operation, pace);
    }
    tell(&format!("{operation}-mapped"), "% huge", mapped_huge()?, task.entries, false);
    Ok(())
}

/// The share of resident file pages of this process that are mapped by huge pages, in percent.
fn mapped_huge() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let field = |name: &str| -> Result<f64> {
        let line = text.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name} in smaps"))?;
        let kib = line.split_whitespace().nth(1).context("no figure in smaps")?;
        Ok(kib.parse()?)
    };
    let resident = field("Rss:")? - field("Anonymous:")?;
    Ok(100.0 * (field("FilePmdMapped:")? + field("ShmemPmdMapped:")?) / resident)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let (mut source, mut target) = (File::open(from)?, File::create_new(to)?);
    let mut page = [0; SMALL_PAGE];
    loop {
        let read = source.read(&mut page)?;
        if read == 0 {
            return Ok(());
        }
        target.write_all(&page[..read])?;
    }
}
