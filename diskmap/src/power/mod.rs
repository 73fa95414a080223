//! Power cuts, simulated: a medium that keeps what was synced and any part of the rest, cut at every step of a map's work.
//!
//! `medium` is the disk, `simulator` looks on and cuts, `walk` uses a map, `image` opens what a cut left, `model` knows what
//! may be found. Invariant: all that happens follows from a seed. `DISKMAP_POWER_SEED` repeats one walk,
//! `DISKMAP_POWER_SECONDS` makes the tests go on for so long.

mod backups;
mod beside;
mod errors;
mod held;
mod image;
mod kinds;
mod medium;
mod model;
mod plan;
mod scenarios;
mod simulator;
mod walk;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use tempfile::TempDir;

use self::{
    kinds::{Kind, Numbers, Texts},
    medium::Flaw,
    model::Check,
    plan::Plan,
    simulator::Run,
    walk::Walk,
};

/// Operations of one walk.
const OPS: usize = 40;

fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// One walk; how many images it looked at, and what was wrong with one.
fn walk<T: Kind>(seed: u64, flaw: Flaw, talks: bool) -> (u64, Check) {
    let root = memory_dir();
    let mut rng = Rng::with_seed(seed);
    let run = Arc::new(Run::new(root.path(), flaw, Plan::new::<T>(&mut rng), talks));
    let result = Walk::<T>::create(&run, &mut rng).and_then(|mut walk| {
        walk.run(OPS)?;
        walk.verify()?;
        walk.compare()?;
        walk.end();
        Ok(())
    });
    (run.images(), result)
}

fn walks<T: Kind>() {
    let variable = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = variable("DISKMAP_POWER_SEED") {
        let (images, result) = walk::<T>(seed, Flaw::None, true);
        println!("{}: seed {seed}: {images} images", T::NAME);
        result.unwrap_or_else(|wrong| panic!("{}: seed {seed}: {wrong}", T::NAME));
        return;
    }
    let seconds = variable("DISKMAP_POWER_SECONDS").map(Duration::from_secs);
    let first = seconds.map_or(0, |_| fastrand::u64(..1 << 48));
    let (start, mut all, mut seed) = (Instant::now(), 0, first);
    while all < T::IMAGES || seconds.is_some_and(|seconds| start.elapsed() < seconds) {
        let (images, result) = walk::<T>(seed, Flaw::None, false);
        all += images;
        result.unwrap_or_else(|wrong| {
            panic!("{}: DISKMAP_POWER_SEED={seed} repeats it; after {all} images: {wrong}", T::NAME)
        });
        seed += 1;
    }
    println!("{}: {all} images of {} walks in {:?}", T::NAME, seed - first, start.elapsed());
    assert!(all >= T::IMAGES);
}

#[test]
fn the_power_is_cut_under_numbers() {
    walks::<Numbers>();
}

#[test]
fn the_power_is_cut_under_texts() {
    walks::<Texts>();
}
