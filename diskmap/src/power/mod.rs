//! Power cuts, simulated: a medium that keeps what was synced and any part of the rest, cut at every step of a map's work.
//!
//! `medium` is the disk, `simulator` looks on and cuts, `walk` uses a map, `image` opens what a cut left, `model` knows what
//! may be found. Invariant: all that happens follows from a seed. `DISKMAP_POWER_SEED` repeats one walk,
//! `DISKMAP_POWER_SECONDS` makes the tests go on for so long.

mod backups;
mod beside;
mod errors;
pub(crate) mod handle;
mod held;
mod image;
mod kinds;
mod medium;
mod model;
mod plan;
mod scenarios;
mod simulator;
mod threads;
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
    plan::{Plan, Writers},
    simulator::Run,
    walk::Walk,
};

/// Operations of one walk.
const OPS: usize = 40;

fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// One walk; how many images it looked at, and what was wrong with one.
fn walk<T: Kind>(seed: u64, writers: Writers, talks: bool) -> (u64, Check) {
    let root = memory_dir();
    let mut rng = Rng::with_seed(seed);
    let run = Arc::new(Run::new(root.path(), Flaw::None, Plan::new::<T>(&mut rng).of(writers), talks));
    let result = Walk::<T>::create(&run, &mut rng).and_then(|mut walk| {
        walk.run(OPS)?;
        walk.verify()?;
        walk.compare()?;
        walk.end();
        Ok(())
    });
    (run.images(), result)
}

fn walks<T: Kind>(writers: Writers, images: u64) {
    let variable = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = variable("DISKMAP_POWER_SEED") {
        let (images, result) = walk::<T>(seed, writers, true);
        println!("{}, {writers:?}: seed {seed}: {images} images", T::NAME);
        result.unwrap_or_else(|wrong| panic!("{}, {writers:?}: seed {seed}: {wrong}", T::NAME));
        return;
    }
    let seconds = variable("DISKMAP_POWER_SECONDS").map(Duration::from_secs);
    let first = seconds.map_or(0, |_| fastrand::u64(..1 << 48));
    let (start, mut all, mut seed) = (Instant::now(), 0, first);
    while all < images || seconds.is_some_and(|seconds| start.elapsed() < seconds) {
        let (more, result) = walk::<T>(seed, writers, false);
        all += more;
        result.unwrap_or_else(|wrong| {
            panic!("{}, {writers:?}: DISKMAP_POWER_SEED={seed} repeats it; after {all} images: {wrong}", T::NAME)
        });
        seed += 1;
    }
    println!("{}, {writers:?}: {all} images of {} walks in {:?}", T::NAME, seed - first, start.elapsed());
    assert!(all >= images);
}

#[test]
fn the_power_is_cut_under_numbers() {
    walks::<Numbers>(Writers::One, Numbers::IMAGES);
}

#[test]
fn the_power_is_cut_under_texts() {
    walks::<Texts>(Writers::One, Texts::IMAGES);
}

#[test]
fn the_power_is_cut_under_numbers_of_several_writers() {
    walks::<Numbers>(Writers::Any, Numbers::IMAGES_OF_SEVERAL);
}

#[test]
fn the_power_is_cut_under_texts_of_several_writers() {
    walks::<Texts>(Writers::Any, Texts::IMAGES_OF_SEVERAL);
}
