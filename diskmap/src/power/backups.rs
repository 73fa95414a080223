//! Backups under power cuts and failing steps: at every step of one there is no map in its directory, or the whole snapshot.
//!
//! Must not know which steps there are. Invariant: only the backup's directory is looked at; the map it is made from is
//! compared when all is over.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fastrand::Rng;
use tempfile::TempDir;

use super::{
    held::Held,
    image::{Image, boot_id},
    kinds::{Kind, Map, Numbers, Texts},
    medium::{Flaw, Medium},
    memory_dir,
    model::{self, Belief, Check, Model},
    plan::{Op, Plan},
    simulator::{Fault, Run},
    walk::Walk,
};
use crate::{
    OpenOptions, Recovery, Result as MapResult,
    error::Error,
    store::watch::{Step, Watch, watch},
};

/// Images at each step.
const LOOKS: u32 = 4;

/// The directory of a backup.
struct Target {
    root: TempDir,
    dir: PathBuf,
    state: Mutex<State>,
}

struct State {
    medium: Medium,
    fault: Fault,
    rng: Rng,
    images: u64,
}

impl Target {
    /// A directory with a backup that something ended, or nothing.
    fn new(root: TempDir, fault: Fault, seed: u64) -> Target {
        let dir = root.path().join("backup");
        let medium = Medium::new(&dir, Flaw::None);
        Target { root, dir, state: Mutex::new(State { medium, fault, rng: Rng::with_seed(seed), images: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a power cut, or a kill, leaves now.
    fn image(&self, kill: bool) -> PathBuf {
        let State { medium, rng, images, .. } = &mut *self.state();
        *images += 1;
        let dir = self.root.path().join(images.to_string());
        if kill {
            medium.copy(&dir);
        } else {
            medium.image(&dir, rng);
        }
        dir
    }
}

/// Looks on while a backup of a snapshot with these entries is made.
struct Looking<T> {
    target: Arc<Target>,
    model: Model,
    /// How many images had no map and how many had one; what was wrong with one.
    seen: Mutex<(u64, u64, Check)>,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Kind> Looking<T> {
    fn look(&self, at: &str) {
        for number in 0..=LOOKS {
            let image = self.target.image(number == LOOKS);
            let found = open::<T>(&image, &self.model);
            let _ = fs::remove_dir_all(image);
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match found {
                Ok(false) => seen.0 += 1,
                Ok(true) => seen.1 += 1,
                Err(wrong) if seen.2.is_ok() => seen.2 = Err(format!("at {at}: {wrong}")),
                Err(_) => {}
            }
        }
    }

    /// Images without a map and with one.
    fn seen(&self) -> Result<(u64, u64), String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.2.clone().map(|()| (seen.0, seen.1))
    }
}

impl<T: Kind> Watch for Looking<T> {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        let struck = {
            let State { medium, fault, rng, .. } = &mut *self.target.state();
            fault.strike(step).inspect_err(|_| medium.failed(step, rng))
        };
        if struck.is_ok() && matches!(step, Step::Sync(_) | Step::SyncDir(_) | Step::Rename(..)) {
            self.look(&format!("the beginning of {step:?}"));
        }
        struck
    }

    fn after(&self, step: Step<'_>) {
        self.target.state().medium.took(step);
        self.look(&format!("the end of {step:?}"));
    }
}

/// Whether there is a map in a directory; if so, it must have exactly these entries, and be sound.
fn open<T: Kind>(dir: &Path, model: &Model) -> Result<bool, String> {
    let options = OpenOptions::new().boot_id(boot_id(9)).auto_checkpoint(None).sync_on_drop(false).reserve(1 << 28);
    let map: Map<T> = match options.open(dir) {
        Ok(map) => map,
        Err(Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(format!("it does not open: {error}")),
    };
    model::compare::<T>(&map, model)?;
    let report = map.verify().map_err(|error| error.to_string())?;
    match (map.stats().recovery, report.is_sound() && report.leaked_cells == 0 && report.leaked_segments == 0) {
        (Recovery::Closed, true) => Ok(true),
        (recovery, _) => Err(format!("{recovery:?}: {report}")),
    }
}

/// Makes a backup, watched by the one that is returned.
fn backup<T: Kind>(held: &Held<T>, target: &Arc<Target>) -> (MapResult<()>, Arc<Looking<T>>) {
    let (snapshot, model) = held.last().expect("a snapshot");
    let looking = Arc::new(Looking {
        target: Arc::clone(target),
        model: Arc::clone(model),
        seen: Mutex::new((0, 0, Ok(()))),
        kind: std::marker::PhantomData,
    });
    let _watched = watch(&target.dir, looking.clone());
    (snapshot.backup_to(&target.dir), looking)
}

/// A map that has changed since a snapshot was taken of it.
fn source<T: Kind>(seed: u64, root: &Path) -> Result<Walk<T>, String> {
    let mut rng = Rng::with_seed(seed);
    let run = Arc::new(Run::new(root, Flaw::None, Plan::small::<T>(), false));
    let image = Image { dir: run.place(), boot: 1, belief: Belief::nothing() };
    fs::create_dir(&image.dir).expect("a directory");
    let mut walk = Walk::open(&run, image, None, &mut rng)?;
    walk.changes(200)?;
    walk.apply(Op::Checkpoint)?;
    walk.changes(100)?;
    walk.apply(Op::Hold)?;
    walk.changes(100)?;
    Ok(walk)
}

fn cut_at_every_step<T: Kind>() -> Result<(u64, u64), String> {
    let (mut none, mut whole) = (0, 0);
    for seed in 0..3 {
        let root = memory_dir();
        let mut walk = source::<T>(seed, root.path())?;
        let target = Arc::new(Target::new(memory_dir(), Fault::default(), seed));
        let (done, looking) = backup(walk.held(), &target);
        done.map_err(|error| error.to_string())?;
        let before = looking.seen()?;
        (none, whole) = (none + before.0, whole + before.1);
        looking.look("its end");
        if looking.seen()?.0 > before.0 {
            return Err("a backup that was finished is gone".into());
        }
        walk.compare()?;
        walk.verify()?;
        walk.end();
    }
    Ok((none, whole))
}

/// One step fails; whether it came to that.
fn fails_at<T: Kind>(walk: &mut Walk<T>, fault: Fault) -> Result<bool, String> {
    let target = Arc::new(Target::new(memory_dir(), fault, fault.at.unwrap_or(0)));
    let (done, looking) = backup(walk.held(), &target);
    let Fault { kind: Some(kind), code, .. } = target.state().fault else {
        return done.map(|()| false).map_err(|error| error.to_string());
    };
    let explained = match &done {
        Err(Error::Io { source, .. } | Error::OutOfSpace { source, .. }) => source.raw_os_error() == Some(code),
        _ => false,
    };
    if !explained {
        return Err(format!("a {kind} failed: {done:?}"));
    }
    looking.look(&format!("the end, after a failed {kind}"));
    looking.seen()?;
    if open::<T>(&target.dir, &looking.model)? {
        return Err(format!("there is a map, though a {kind} failed"));
    }
    drop(looking);
    let root = Arc::into_inner(target).expect("nobody looks on any more").root;
    let target = Arc::new(Target::new(root, Fault::default(), 0));
    let (done, looking) = backup(walk.held(), &target);
    done.map_err(|error| format!("once more after a failed {kind}: {error}"))?;
    looking.seen()?;
    walk.compare()?;
    if open::<T>(&target.dir, &looking.model)? { Ok(true) } else { Err("the second backup is not there".into()) }
}

fn every_step_fails<T: Kind>(code: i32, lasting: bool) {
    let root = memory_dir();
    let mut walk = source::<T>(1, root.path()).expect("a map");
    let mut at = 0;
    loop {
        let fault = Fault { at: Some(at), code, lasting, ..Fault::default() };
        match fails_at(&mut walk, fault) {
            Ok(true) => at += 1,
            Ok(false) => break,
            Err(wrong) => panic!("{}: step {at}, error {code}: {wrong}", T::NAME),
        }
    }
    walk.verify().expect("sound");
    walk.end();
    println!("{}: {at} steps", T::NAME);
    assert!(at > 20, "{at} steps");
}

#[test]
fn a_power_cut_in_a_backup_leaves_all_of_it_or_no_map() {
    for (name, seen) in [(Numbers::NAME, cut_at_every_step::<Numbers>()), (Texts::NAME, cut_at_every_step::<Texts>())] {
        let (none, whole) = seen.unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        println!("{name}: {none} images without a map, {whole} with all of it");
        assert!(none > 200 && whole > 10);
    }
}

#[test]
fn a_backup_of_which_a_step_fails_leaves_no_map_and_does_no_harm() {
    every_step_fails::<Numbers>(libc::EIO, false);
    every_step_fails::<Texts>(libc::EIO, false);
    every_step_fails::<Numbers>(libc::ENOSPC, true);
    every_step_fails::<Texts>(libc::ENOSPC, true);
}
