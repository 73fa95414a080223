//! A child process works on a map and is killed at a random moment: nothing acknowledged is lost, nothing is half there.
//!
//! The child tells how many operations returned by writing the number to a file; the operations follow from a seed, so the
//! parent knows them too and keeps the oracle. `DISKMAP_SEED` repeats the operations of a run (not the moments of its
//! kills).

use std::{
    collections::HashMap,
    fs::{self, File},
    hash::{BuildHasher, Hasher},
    os::unix::{fs::FileExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, Error, MMapFile, OpenOptions, Recovery, Result, StableHasher};
use fastrand::Rng;
use rustc_hash::FxBuildHasher;
use tempfile::TempDir;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

mod kinds;
mod life;
mod plan;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stepped;

pub(crate) use self::kinds::Constant;
use self::{kinds::*, life::*, plan::*};
use crate::isolated::{argument, contents, copy_dir, memory_dir, respawn, seed};

const KILLED: i32 = 9;

/// One of so many operations is a change, which without automatic checkpoints is marked before it is made.
const UNTIL_MARKED: usize = 20;
const NOT_STARTED: u64 = 0;
const OPENING: u64 = 1;
const OPENED: u64 = 2;

/// The child: `kind seed directory acknowledgements`.
#[test]
fn child() {
    let Some(argument) = argument() else { return };
    let parts: Vec<&str> = argument.splitn(4, ' ').collect();
    let [kind, seed, dir, acknowledged] = parts[..] else { panic!("arguments of the child") };
    let seed = seed.parse().expect("a seed");
    let acknowledged = File::options().write(true).open(acknowledged).expect("acknowledgements");
    let run = match kind {
        Numbers::NAME => work::<Numbers>,
        Wide::NAME => work::<Wide>,
        Names::NAME => work::<Names>,
        Texts::NAME => work::<Texts>,
        _ => work::<Same>,
    };
    if let Err(error) = run(seed, Path::new(dir), &acknowledged) {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

fn work<T: Kind>(seed: u64, dir: &Path, acknowledged: &File) -> Result<()> {
    let acknowledge = |count: u64| acknowledged.write_all_at(&count.to_le_bytes(), 0).expect("acknowledged");
    let plan = Plan::new(seed, T::SLOW);
    acknowledge(OPENING);
    let auto = plan.auto.map(Duration::from_millis);
    let mut map: Map<T> = options::<T>().create(true).auto_checkpoint(auto).open(dir)?;
    let mut count = OPENED;
    acknowledge(count);
    for op in plan {
        if let Op::Close = op {
            break;
        }
        apply::<T>(&mut map, op).inspect_err(|_| {
            eprintln!("after {} operations {op:?} failed", count - OPENED);
        })?;
        count += 1;
        acknowledge(count);
    }
    map.close()?;
    acknowledge(count + 1);
    Ok(())
}

/// Rounds until so many of them were ended by a kill; in the others the child was done before.
fn kills<T: Kind>(wanted: u64, root: TempDir) {
    if argument().is_some() {
        return;
    }
    let seed = seed(T::NAME);
    let mut life = Life::<T>::new(seed, root);
    let mut round = 0;
    while life.kills < wanted {
        round += 1;
        // A map is born about every 20 rounds.
        if life.rng.u32(..20) == 0 {
            let _ = fs::remove_dir_all(&life.dir);
            (life.state, life.unmarked) = (State::default(), false);
            life.durable = vec![life.state.id()];
        }
        let number = life.rng.u64(..);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.round(number)));
        if let Err(panic) = result {
            println!("{}: round {round} with operations of seed {number} failed", T::NAME);
            println!("the files are kept in {}", life.root.keep().display());
            std::panic::resume_unwind(panic);
        }
    }
    println!("{}: {wanted} kills in {round} rounds, {} before the map was open", T::NAME, life.unopened);
}

#[test]
fn killed_while_writing_numbers() {
    kills::<Numbers>(40, memory_dir());
}

#[test]
fn killed_while_writing_wide_values() {
    kills::<Wide>(40, memory_dir());
}

#[test]
fn killed_while_writing_names() {
    kills::<Names>(40, tempfile::tempdir().expect("a directory"));
}

/// The longest row of kills: openings and all operations are among what they interrupt.
#[test]
fn killed_two_hundred_times_in_a_row_while_writing_texts() {
    kills::<Texts>(200, memory_dir());
}

#[test]
fn killed_while_every_key_hashes_alike() {
    kills::<Same>(25, memory_dir());
}

/// The child of the stepping test: `kind seed directory notes`. It stops before each operation.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn stepped_child() {
    let Some(argument) = argument() else { return };
    let parts: Vec<&str> = argument.splitn(4, ' ').collect();
    let [kind, seed, dir, notes] = parts[..] else { panic!("arguments of the child") };
    let run = match kind {
        Wide::NAME => stepped::work::<Wide>,
        Names::NAME => stepped::work::<Names>,
        Texts::NAME => stepped::work::<Texts>,
        _ => stepped::work::<Same>,
    };
    if let Err(error) = run(seed.parse().expect("a seed"), Path::new(dir), Path::new(notes)) {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod killed_between_two_stores {
    use super::*;

    const TIME: Duration = Duration::from_secs(3);

    #[test]
    fn of_wide_values() {
        stepped::rounds::<Wide>(TIME);
    }

    #[test]
    fn of_names() {
        stepped::rounds::<Names>(TIME);
    }

    #[test]
    fn of_texts() {
        stepped::rounds::<Texts>(TIME);
    }

    #[test]
    fn while_every_key_hashes_alike() {
        stepped::rounds::<Same>(TIME);
    }
}
