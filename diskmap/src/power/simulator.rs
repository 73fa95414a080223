//! Looks on while a map is used, and cuts the power: at every step that is asked of the medium, and whenever it is told to.
//!
//! Must not know operations. Invariant: whoever looks at a directory is the only one who runs: a checkpoint in another
//! thread waits at each of its steps until the writer's thread lets it go on.

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender},
    },
};

use fastrand::Rng;

use super::{
    image::{self, Image},
    kinds::Kind,
    medium::{Flaw, Medium},
    model::{Belief, Check},
    plan::Plan,
};
use crate::store::watch::{Step, Watch};

/// A power cut while a map recovers from a power cut, and one more.
const DEEPEST: u32 = 2;

/// What all that comes from one seed shares.
pub(super) struct Run {
    root: PathBuf,
    names: AtomicU64,
    images: AtomicU64,
    pub flaw: Flaw,
    pub plan: Plan,
    /// Tells what happens.
    pub talks: bool,
}

/// The medium of one directory, and what may be found there.
pub(super) struct Simulator<T> {
    pub run: Arc<Run>,
    pub dir: PathBuf,
    /// Counts power cuts.
    pub boot: u64,
    pub depth: u32,
    state: Mutex<State>,
    kind: std::marker::PhantomData<fn() -> T>,
}

pub(super) struct State {
    pub medium: Medium,
    pub belief: Belief,
    pub fault: Fault,
    /// What a power cut at each moment of an open leaves, if these are wanted.
    pub kept: Option<Vec<Image>>,
    /// Where the thread that looked on last has come to.
    pub at: String,
    /// Looks only when told to.
    pub quiet: bool,
    rng: Rng,
    /// What was found wrong in an image. Nothing is looked at after that.
    wrong: Option<String>,
}

/// Which steps fail.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fault {
    /// Steps taken so far.
    pub steps: u64,
    /// The number of the step that fails.
    pub at: Option<u64>,
    /// What is said then: a code of the operating system's.
    pub code: i32,
    /// All of its kind that come after it fail too.
    pub lasting: bool,
    /// The kind of the step that failed.
    pub kind: Option<&'static str>,
}

/// Where another thread waits for the writer's.
pub(super) struct Meeting {
    pub arrived: Sender<()>,
    pub go_on: Receiver<()>,
}

thread_local! {
    static MEETING: RefCell<Option<Meeting>> = const { RefCell::new(None) };
}

/// Runs something whose every step waits.
pub(super) fn met<R>(meeting: Meeting, run: impl FnOnce() -> R) -> R {
    MEETING.set(Some(meeting));
    let result = run();
    MEETING.set(None);
    result
}

impl Run {
    pub(super) fn new(root: &Path, flaw: Flaw, plan: Plan, talks: bool) -> Run {
        Run { root: root.into(), names: AtomicU64::new(0), images: AtomicU64::new(0), flaw, plan, talks }
    }

    /// How many images were opened.
    pub(super) fn images(&self) -> u64 {
        self.images.load(Ordering::Relaxed)
    }

    /// A directory that is not there yet.
    pub(super) fn place(&self) -> PathBuf {
        self.root.join(self.names.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl<T: Kind> Simulator<T> {
    pub(super) fn new(run: Arc<Run>, image: &Image, medium: Medium, depth: u32, rng: &mut Rng) -> Simulator<T> {
        let state = State {
            medium,
            belief: image.belief.clone(),
            fault: Fault::default(),
            kept: None,
            at: String::new(),
            quiet: false,
            rng: rng.fork(),
            wrong: None,
        };
        Simulator {
            run,
            dir: image.dir.clone(),
            boot: image.boot,
            depth,
            state: Mutex::new(state),
            kind: std::marker::PhantomData,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if an image did.
    pub(super) fn verdict(&self) -> Check {
        self.state().wrong.clone().map_or(Ok(()), Err)
    }

    /// What a power cut leaves now.
    pub(super) fn cut(&self) -> Image {
        let mut state = self.state();
        let State { medium, belief, rng, .. } = &mut *state;
        let dir = self.run.place();
        medium.image(&dir, rng);
        Image { dir, boot: self.boot + 1, belief: belief.after_cut() }
    }

    /// What a kill leaves now, if it is known what that is, and the medium below it.
    pub(super) fn kill(&self) -> Option<(Image, Medium)> {
        let state = self.state();
        let belief = state.belief.after_kill()?;
        let dir = self.run.place();
        state.medium.copy(&dir);
        let medium = state.medium.moved(&dir);
        Some((Image { dir, boot: self.boot, belief }, medium))
    }

    /// Opens what a power cut, or now and then a kill, would leave.
    pub(super) fn look(&self, at: &str) {
        let (kill, mut rng) = {
            let mut state = self.state();
            if state.wrong.is_some() {
                return;
            }
            if state.rng.u32(..3) == 0 {
                let State { medium, rng, .. } = &mut *state;
                medium.write_back(rng);
            }
            (state.rng.u32(..8) == 0, state.rng.fork())
        };
        let image = match kill.then(|| self.kill()).flatten() {
            Some((image, _)) => image,
            None => self.cut(),
        };
        let deeper = (self.depth < DEEPEST && rng.u32(..120) == 0).then_some(self.depth + 1);
        self.run.images.fetch_add(1, Ordering::Relaxed);
        let how = if image.boot == self.boot { "kill" } else { "power cut" };
        if let Err(wrong) = image::check::<T>(&self.run, image, deeper, rng) {
            let depth = self.depth;
            self.state().wrong.get_or_insert(format!("after a {how} (depth {depth}) at {at}: {wrong}"));
        }
    }

    /// Tells, when a seed is repeated, what happens to the map that the walk began with.
    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.run.talks && self.depth < 9 {
            println!("{:>6} {} {}", self.run.images(), self.depth, what());
        }
    }

    fn pause(&self, at: &str) {
        self.tell(|| format!("  {at}"));
        at.clone_into(&mut self.state().at);
        let waited = MEETING.with_borrow(|meeting| {
            let Some(meeting) = meeting else { return false };
            // A walk that has ended lets the thread run on.
            let _ = meeting.arrived.send(()).is_ok() && meeting.go_on.recv().is_ok();
            true
        });
        // Below the first cut, one step in three: else most images would be of images.
        if !waited && !self.state().quiet && (self.depth == 0 || self.state().rng.u32(..3) == 0) {
            self.look(at);
        }
    }
}

impl<T: Kind> Watch for Simulator<T> {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        {
            let mut state = self.state();
            if let Err(error) = state.fault.strike(step) {
                let State { medium, rng, .. } = &mut *state;
                medium.failed(step, rng);
                return Err(error);
            }
        }
        if matches!(step, Step::Sync(_) | Step::SyncDir(_) | Step::Rename(..)) {
            self.pause(&format!("the beginning of {step:?}"));
        }
        Ok(())
    }

    fn after(&self, step: Step<'_>) {
        self.state().medium.took(step);
        if let Step::Moment(_) = step
            && self.state().kept.is_some()
        {
            let image = self.cut();
            self.state().kept.get_or_insert_default().push(image);
        }
        // The one who resizes a file keeps others from doing so: a writer that is to run meanwhile may need it.
        if !(matches!(step, Step::Resize(..)) && MEETING.with_borrow(Option::is_some)) {
            self.pause(&format!("the end of {step:?}"));
        }
    }
}

impl Fault {
    /// Nothing fails any more.
    pub(super) fn end(&mut self) {
        (self.at, self.lasting) = (None, false);
    }

    /// Counts a step; fails if it is to.
    pub(super) fn strike(&mut self, step: Step<'_>) -> io::Result<()> {
        let number = self.steps;
        self.steps += 1;
        if self.at == Some(number) {
            self.kind = Some(kind(step));
        } else if !self.lasting || self.kind != Some(kind(step)) {
            return Ok(());
        }
        Err(io::Error::from_raw_os_error(self.code))
    }
}

fn kind(step: Step<'_>) -> &'static str {
    match step {
        Step::Create(_) => "create",
        Step::Write(_) => "write",
        Step::Resize(..) => "resize",
        Step::Sync(_) => "sync",
        Step::Remove(_) => "remove",
        Step::Rename(..) => "rename",
        Step::SyncDir(_) => "sync of a directory",
        Step::Moment(_) => "moment",
    }
}
