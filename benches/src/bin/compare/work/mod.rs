//! What is measured: groups of operations, each run in a process of its own.
//!
//! Must not know how figures are kept or shown. Invariant: every loop proves that what it read was right.

mod basic;
mod beyond;
mod bulk;
pub(crate) mod folios;
pub(crate) mod kill;
pub(crate) mod latency;
mod mixes;
mod synced;
mod ycsb;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use diskmap_benches::{
    keys::{Key, Keys},
    machine::pin,
};

use crate::{
    engine::{self, About, Engine, Read, WithEngine, Write},
    pace::{Pace, paced},
    pair::{self, Pair, WithPair, seed},
};

/// Keys of one part of a loop; the clock is read after each. Also writes of one transaction, where there are such.
pub(crate) const BATCH: usize = 10_000;

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Load, look-ups, update, remove, iterate; close, bytes on disk, reopen.
    Basic,
    /// Reopen after the process that loaded was killed.
    Kill,
    /// YCSB A to F.
    Ycsb,
    /// Single inserts while growing.
    Latency,
    /// Two threads that read and insert.
    Mixes,
    /// `try_extend` beside inserts.
    Bulk,
    /// Each insert on the medium before the next.
    Synced,
    /// Random look-ups in huge pages and in small ones.
    Folios,
    /// A map larger than memory.
    Beyond,
}

impl Group {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// What a measuring process is to do.
#[derive(Args, Clone, Debug)]
pub(crate) struct Task {
    #[arg(long)]
    pub group: Group,
    #[arg(long)]
    pub engine: String,
    #[arg(long)]
    pub pair: String,
    #[arg(long)]
    pub entries: usize,
    #[arg(long)]
    pub runs: usize,
    /// Seconds for a load.
    #[arg(long)]
    pub load_cap: f64,
    /// Seconds for anything else.
    #[arg(long)]
    pub cap: f64,
    /// A directory of its own.
    #[arg(long)]
    pub dir: PathBuf,
    #[arg(long)]
    pub cpu: usize,
    #[arg(long)]
    pub contents: PathBuf,
    /// A part of the work that has a process of its own.
    #[arg(long)]
    pub part: Option<String>,
    /// Bytes of memory the process is limited to, for its caches.
    #[arg(long)]
    pub memory: Option<u64>,
    /// A control group to join.
    #[arg(long)]
    pub cgroup: Option<PathBuf>,
}

impl Task {
    pub(crate) fn load_cap(&self) -> Duration {
        Duration::from_secs_f64(self.load_cap)
    }

    pub(crate) fn cap(&self) -> Duration {
        Duration::from_secs_f64(self.cap)
    }

    /// Does it, in this process.
    pub(crate) fn run(&self) -> Result<()> {
        if self.group != Group::Mixes {
            pin(self.cpu)?;
        }
        if let Some(cgroup) = &self.cgroup {
            std::fs::write(cgroup.join("cgroup.procs"), std::process::id().to_string())
                .with_context(|| format!("cannot join {}", cgroup.display()))?;
        }
        if let Some(memory) = self.memory {
            engine::limit_cache(memory / 4)?;
        }
        if self.pair == pair::Paths::NAME {
            pair::load_paths(Some(&self.contents))?;
        }
        match self.group {
            Group::Mixes => mixes::run(self),
            Group::Folios => folios::run(self),
            Group::Bulk => bulk::run(self),
            Group::Beyond => beyond::run(self),
            _ => pair::with(&self.pair, OnPair(self)),
        }
    }
}

struct OnPair<'t>(&'t Task);

impl WithPair for OnPair<'_> {
    type Output = ();

    fn run<P: Pair>(self) -> Result<()> {
        engine::with::<P, _>(&self.0.engine, OnEngine(self.0))
    }
}

struct OnEngine<'t>(&'t Task);

impl<P: Pair> WithEngine<P> for OnEngine<'_> {
    fn run<E: Engine<P>>(self, about: &'static About) -> Result<()> {
        let task = self.0;
        match task.group {
            Group::Basic => basic::run::<P, E>(task, about),
            Group::Kill => kill::run::<P, E>(task),
            Group::Ycsb => ycsb::run::<P, E>(task, about),
            Group::Latency => latency::run::<P, E>(task),
            Group::Synced => synced::run::<P, E>(task, about),
            other => anyhow::bail!("{other:?} is not for any engine"),
        }
    }
}

/// Inserts keys in their order, a batch a transaction.
fn fill<P: Pair, E: Engine<P>>(engine: &mut E, keys: &[P::Key], limit: Duration) -> Result<Pace> {
    store::<P, E>(engine, keys, 0, limit)
}

/// Stores values of a version for keys.
#[inline(never)]
fn store<P: Pair, E: Engine<P>>(engine: &mut E, keys: &[P::Key], version: u64, limit: Duration) -> Result<Pace> {
    let mut maker = P::Maker::default();
    paced(keys.len(), BATCH, limit, |part| {
        engine.write(|writer| {
            for &key in &keys[part] {
                writer.insert(key, P::make(&mut maker, seed(key, version)))?;
            }
            Ok(())
        })
    })
}

/// Looks keys up that are all there.
#[inline(never)]
fn hits<P: Pair>(reader: &impl Read<P>, keys: &[P::Key], version: u64, limit: Duration) -> Result<Pace> {
    let mut sum = 0u64;
    let pace = paced(keys.len(), BATCH, limit, |part| {
        for &key in &keys[part] {
            let Some(digest) = reader.get(key)? else { return Err(lost()) };
            sum = sum.wrapping_add(digest);
        }
        Ok(())
    })?;
    check(sum, expected::<P>(&keys[..pace.done], version))?;
    Ok(pace)
}

/// The sum of the digests of the values of keys.
fn expected<P: Pair>(keys: &[P::Key], version: u64) -> u64 {
    keys.iter().fold(0, |sum: u64, &key| sum.wrapping_add(P::digest(seed(key, version))))
}

/// Fails unless what was read is what was stored.
fn check(found: u64, expected: u64) -> Result<()> {
    ensure!(found == expected, "wrong values were read: their sum is {found:#x}, not {expected:#x}");
    Ok(())
}

/// The keys of a load that was stopped before its end.
fn first<Q: Key>(keys: &Keys<Q>, count: usize) -> Keys<Q> {
    let stored = keys.stored[..count].to_vec();
    let mut shuffled = stored.clone();
    fastrand::Rng::with_seed(2).shuffle(&mut shuffled);
    Keys { shuffled, missing: keys.missing[..count].to_vec(), stored }
}

/// Keys that all differ, in no order, for maps whose keys are made and not kept.
#[inline(always)]
fn spread(at: usize) -> u64 {
    (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

fn remove_dir(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

#[cold]
fn lost() -> anyhow::Error {
    anyhow::anyhow!("a stored key was not found")
}
