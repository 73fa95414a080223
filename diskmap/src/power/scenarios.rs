//! Single histories that random walks meet now and then, each a test of its own.
//!
//! Must not know how images are made. Invariant: each test ends with many cuts at the moment it is about.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use fastrand::Rng;

use super::{
    kinds::{Kind, Map, Numbers, Texts},
    medium::Flaw,
    memory_dir,
    model::{Change, Check},
    plan::{Op, Plan, Writers},
    simulator::Run,
    walk::Walk,
};
use crate::{
    OpenOptions,
    store::watch::{Step, Watch, watch},
};

/// Runs a history with some seeds, each in a directory of its own; how many images were looked at.
fn tell<T: Kind>(flaw: Flaw, history: impl Fn(&mut Walk<T>) -> Check) -> Result<u64, String> {
    tell_with(flaw, Plan::small::<T>, history)
}

fn tell_with<T: Kind>(
    flaw: Flaw,
    plan: impl Fn() -> Plan,
    history: impl Fn(&mut Walk<T>) -> Check,
) -> Result<u64, String> {
    let mut images = 0;
    for seed in 0..3 {
        let root = memory_dir();
        let mut rng = Rng::with_seed(seed);
        let run = Arc::new(Run::new(root.path(), flaw, plan(), false));
        let mut walk = Walk::<T>::create(&run, &mut rng)?;
        walk.sim().state().quiet = true;
        history(&mut walk).map_err(|wrong| format!("seed {seed}: {wrong}"))?;
        images += run.images();
    }
    Ok(images)
}

fn holds<T: Kind>(history: impl Fn(&mut Walk<T>) -> Check) {
    for writers in [Writers::One, Writers::Several(2)] {
        let told = tell_with::<T>(Flaw::None, || Plan::small::<T>().of(writers), &history);
        let images = told.unwrap_or_else(|wrong| panic!("{}, {writers:?}: {wrong}", T::NAME));
        assert!(images > 40, "{images} images");
    }
}

fn looks<T: Kind>(walk: &Walk<T>, at: &str) -> Check {
    for _ in 0..12 {
        walk.sim().look(at);
    }
    walk.sim().verdict()
}

/// Takes a checkpoint that another thread makes to the beginning or the end of a step.
fn step_to<T: Kind>(walk: &mut Walk<T>, step: &str) -> Check {
    walk.apply(Op::Begin)?;
    while !walk.sim().state().at.contains(step) {
        walk.apply(Op::Advance)?;
    }
    Ok(())
}

#[test]
fn space_used_again_after_a_kill_is_not_what_the_checkpoint_refers_to() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        walk.changes(300)?;
        walk.apply(Op::Checkpoint)?;
        for _ in 0..3 {
            walk.changes(200)?;
            walk.apply(Op::Kill)?;
            walk.changes(200)?;
            looks(walk, "writing after a kill")?;
        }
        walk.apply(Op::Cut)?;
        walk.verify()
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

#[test]
fn a_power_cut_while_a_power_cut_is_recovered_from_changes_nothing() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        walk.changes(300)?;
        walk.apply(Op::Checkpoint)?;
        walk.changes(200)?;
        let (run, mut rng) = (Arc::clone(&walk.sim().run), Rng::with_seed(1));
        let mut second = Walk::<T>::closed(&run, walk.sim().cut(), Some(0), &mut rng);
        second.sim().state().kept = Some(Vec::new());
        second.open_again()?;
        let kept = second.sim().state().kept.take().unwrap_or_default();
        assert!(kept.len() >= 2, "moments of an open");
        for image in kept {
            let mut third = Walk::<T>::open(&run, image, Some(0), &mut rng)?;
            third.sim().state().quiet = true;
            third.changes(200)?;
            looks(&third, "writing after two power cuts")?;
            third.apply(Op::Checkpoint)?;
            third.changes(100)?;
            looks(&third, "writing after a checkpoint")?;
            third.apply(Op::Cut)?;
            third.verify()?;
        }
        Ok(())
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

#[test]
fn a_kill_before_a_checkpoint_has_its_name_for_good_keeps_the_one_before() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        walk.changes(300)?;
        walk.apply(Op::Checkpoint)?;
        walk.changes(200)?;
        step_to(walk, "the end of Rename")?;
        walk.apply(Op::Kill)?;
        walk.changes(300)?;
        looks(walk, "writing after the kill")
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

#[test]
fn what_is_written_beside_a_checkpoint_is_not_in_it() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        walk.changes(300)?;
        for step in ["beginning of Sync", "end of Write", "end of Rename", "end of SyncDir"] {
            walk.changes(50)?;
            step_to(walk, step)?;
            walk.changes(100)?;
            looks(walk, step)?;
            walk.finish()?;
            walk.changes(100)?;
            looks(walk, "writing after the checkpoint")?;
        }
        Ok(())
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

#[test]
fn what_is_cleared_beside_a_checkpoint_is_still_in_it() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        for step in ["beginning of Sync", "end of Write", "end of Rename"] {
            walk.changes(200)?;
            step_to(walk, step)?;
            walk.apply(Op::Change(Change::Clear))?;
            looks(walk, step)?;
            walk.changes(100)?;
            looks(walk, step)?;
            walk.finish()?;
            walk.changes(100)?;
            looks(walk, "writing after the checkpoint")?;
            walk.apply(Op::Kill)?;
            walk.verify()?;
        }
        walk.apply(Op::Cut)?;
        walk.verify()
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

#[test]
fn a_checkpoint_beside_compaction_has_every_entry() {
    let history = |walk: &mut Walk<Texts>| {
        walk.changes(7000)?;
        walk.apply(Op::Hold)?;
        for number in (0..4000).filter(|number| number % 3 > 0) {
            walk.apply(Op::Change(Change::Remove(number)))?;
        }
        walk.apply(Op::Checkpoint)?;
        walk.changes(100)?;
        walk.apply(Op::LetGo)?;
        walk.compact_beside()?;
        walk.changes(300)?;
        looks(walk, "writing after compaction")?;
        walk.apply(Op::Kill)?;
        walk.verify()
    };
    for writers in [Writers::One, Writers::Several(2)] {
        let told = tell_with(Flaw::None, || Plan::many::<Texts>().of(writers), history);
        let images = told.unwrap_or_else(|wrong| panic!("{writers:?}: {wrong}"));
        assert!(images > 60, "{images} images");
    }
}

#[test]
fn nothing_of_the_tables_is_needed_after_a_power_cut() {
    fn history<T: Kind>(walk: &mut Walk<T>) -> Check {
        walk.changes(300)?;
        walk.apply(Op::Checkpoint)?;
        let (run, mut rng) = (Arc::clone(&walk.sim().run), Rng::with_seed(1));
        for len in [0, 1, 4095, 4160, 20_000] {
            for byte in [0, 1, 0xFF] {
                let image = walk.sim().cut();
                for name in ["segments", "blocks"] {
                    let path = image.dir.join(name);
                    if path.exists() {
                        fs::write(path, vec![byte; len]).expect("written");
                    }
                }
                let mut second = Walk::<T>::open(&run, image, Some(0), &mut rng)?;
                second.verify()?;
                second.changes(100)?;
                second.sim().look("writing with new tables");
                second.sim().verdict()?;
                second.apply(Op::Kill)?;
            }
        }
        Ok(())
    }
    holds(history::<Numbers>);
    holds(history::<Texts>);
}

/// Changes in place, checkpoints, and cuts: what must not survive a medium that lies.
fn plain<T: Kind>(walk: &mut Walk<T>) -> Check {
    for round in 0..20 {
        walk.changes(100)?;
        walk.apply(Op::Change(Change::Insert(0, round)))?;
        walk.apply(Op::Checkpoint)?;
        looks(walk, "rest after a checkpoint")?;
    }
    Ok(())
}

#[test]
fn a_medium_that_does_not_keep_what_it_was_told_is_found_out() {
    for name in ["index", "heap", "checkpoint.tmp"] {
        let found = tell(Flaw::DropsSync(name), plain::<Texts>).expect_err("a sync that did nothing");
        println!("without a sync of {name}: {found}");
    }
    for flaw in [Flaw::DropsSync("index"), Flaw::DropsNames] {
        let found = tell(flaw, plain::<Numbers>).expect_err("a sync that did nothing");
        println!("{flaw:?}: {found}");
    }
    holds(plain::<Numbers>);
    holds(plain::<Texts>);
}

/// Remembers which directories were synced.
#[derive(Default)]
struct Synced(Mutex<Vec<PathBuf>>);

impl Watch for Synced {
    fn before(&self, _: Step<'_>) -> io::Result<()> {
        Ok(())
    }

    fn after(&self, step: Step<'_>) {
        if let Step::SyncDir(dir) = step {
            self.0.lock().expect("a list").push(dir.into());
        }
    }
}

#[test]
fn directories_that_are_made_for_a_map_have_their_names_for_good() {
    let root = memory_dir();
    let synced = Arc::new(Synced::default());
    let _watched = watch(root.path(), synced.clone());
    let [above, dir] = ["a", "a/b"].map(|name| root.path().join(name));
    let map: Map<Numbers> = OpenOptions::new().create(true).open(&dir).expect("created");
    let synced = synced.0.lock().expect("a list").clone();
    assert_eq!(
        synced.iter().filter(|synced| [root.path(), &above].contains(&synced.as_path())).count(),
        2,
        "{synced:?}"
    );
    drop(map);
}
