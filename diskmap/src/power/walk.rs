//! A map in use: random operations, one after the other, with a checkpoint in another thread between any two of them.
//!
//! Must not know what a power cut leaves. Invariant: what is believed of the map is noted before a call is made and after
//! it returned, nowhere else.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use fastrand::Rng;

use super::{
    image::{Image, adopt, boot_id},
    kinds::{Kind, Map},
    medium::Medium,
    model::{self, Belief, Change, Check, Model},
    simulator::{Meeting, Run, Simulator, met},
};
use crate::{
    OpenOptions, Result,
    store::watch::{Watched, watch},
};

/// Something a walk does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Change(Change),
    Reserve(u64),
    Shrink,
    Checkpoint,
    /// Begins a checkpoint in another thread.
    Begin,
    /// Lets it take one more step.
    Advance,
    /// Closes the map and opens it.
    Close,
    /// Ends the process, as far as the files can tell, and opens the map.
    Kill,
    /// Cuts the power and opens the map.
    Cut,
}

/// What the operations of a walk are chosen from.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Numbers below this.
    keys: u32,
    /// Usual lengths of values.
    lens: Vec<u32>,
    /// Changes at most between two looks.
    burst: usize,
}

/// A map in use.
pub(super) struct Walk<T: Kind> {
    sim: Arc<Simulator<T>>,
    rng: Rng,
    /// Before the map: its thread refers to it.
    helper: Option<Helper>,
    map: Option<Map<T>>,
    watched: Option<Watched>,
    /// Something was changed since it was opened.
    changed: bool,
}

/// A checkpoint in another thread.
struct Helper {
    thread: Option<JoinHandle<Result<()>>>,
    arrived: Receiver<()>,
    go_on: Option<Sender<()>>,
    captured: Model,
}

impl Plan {
    /// Some numbers with short values.
    pub(super) fn small<T: Kind>(keys: u32) -> Plan {
        Plan { keys, lens: T::LENS.iter().copied().take(4).collect(), burst: 1 }
    }

    pub(super) fn new<T: Kind>(rng: &mut Rng) -> Plan {
        let keys = [12, 60, 300, 300, 1000, 7000][rng.usize(..6)];
        let short: Vec<u32> =
            T::LENS.iter().copied().filter(|&len| len <= if keys > 500 { 100 } else { 3000 }).collect();
        let lens = (0..4).map(|_| short[rng.usize(..short.len())]).collect();
        Plan { keys, lens, burst: 1 + keys as usize / [4, 10, 30][rng.usize(..3)] }
    }

    fn version<T: Kind>(&self, rng: &mut Rng) -> u64 {
        let len = match rng.u32(..40) {
            0 => T::LENS[rng.usize(..T::LENS.len())],
            _ => self.lens[rng.usize(..self.lens.len())],
        };
        u64::from(len) << 32 | u64::from(rng.u32(..))
    }
}

impl<T: Kind> Walk<T> {
    /// A map in a new directory, watched from the start.
    pub(super) fn create(run: &Arc<Run>, rng: &mut Rng) -> Result<Walk<T>, String> {
        let image = Image { dir: run.place(), boot: 1, belief: Belief::nothing() };
        fs::create_dir(&image.dir).expect("a directory");
        Walk::open(run, image, Some(0), rng)
    }

    /// Opens what a power cut or a kill left; watched if a depth is given.
    pub(super) fn open(run: &Arc<Run>, image: Image, depth: Option<u32>, rng: &mut Rng) -> Result<Walk<T>, String> {
        let mut walk = Walk::closed(run, image, depth, rng);
        walk.open_again()?;
        Ok(walk)
    }

    /// The same, before it is opened.
    pub(super) fn closed(run: &Arc<Run>, image: Image, depth: Option<u32>, rng: &mut Rng) -> Walk<T> {
        let medium = depth.map(|_| Medium::new(&image.dir, run.flaw));
        Walk::on(run, image, medium, depth.unwrap_or(u32::MAX), rng)
    }

    fn on(run: &Arc<Run>, image: Image, medium: Option<Medium>, depth: u32, rng: &mut Rng) -> Walk<T> {
        adopt(&image.dir);
        let is_watched = medium.is_some();
        let medium = medium.unwrap_or_else(|| Medium::new(Path::new("/nowhere"), run.flaw));
        let sim = Arc::new(Simulator::new(Arc::clone(run), &image, medium, depth, rng));
        let watched = is_watched.then(|| watch(&image.dir, sim.clone()));
        Walk { sim, rng: rng.fork(), helper: None, map: None, watched, changed: false }
    }

    /// So many random operations.
    pub(super) fn run(&mut self, ops: usize) -> Check {
        for _ in 0..ops {
            let op = self.choose();
            let times = if let Op::Change(Change::Insert(..) | Change::Remove(_)) = op {
                self.rng.usize(..self.sim.run.plan.burst) + 1
            } else {
                1
            };
            self.apply(op)?;
            self.changes(times - 1)?;
            if self.watched.is_some() && self.rng.bool() {
                self.sim.look(&format!("rest after {op:?}"));
                self.sim.verdict()?;
            }
        }
        Ok(())
    }

    /// So many insertions and removals.
    pub(super) fn changes(&mut self, count: usize) -> Check {
        for _ in 0..count {
            let change = self.change_of_one();
            self.apply(Op::Change(change))?;
        }
        Ok(())
    }

    fn choose(&mut self) -> Op {
        if self.helper.is_some() && self.rng.u32(..3) == 0 {
            return Op::Advance;
        }
        match self.rng.u32(..100) {
            0..70 => Op::Change(self.change_of_one()),
            70 => Op::Change(Change::Clear),
            71..73 => Op::Reserve(self.rng.u64(..u64::from(self.sim.run.plan.keys) * 2)),
            73..75 => Op::Shrink,
            75..81 => Op::Checkpoint,
            81..90 => Op::Begin,
            90..93 => Op::Close,
            93..97 => Op::Kill,
            _ => Op::Cut,
        }
    }

    /// An insertion or a removal.
    pub(super) fn change_of_one(&mut self) -> Change {
        let plan = &self.sim.run.plan;
        let number = self.rng.u32(..plan.keys);
        match self.rng.u32(..10) {
            0..7 => Change::Insert(number, plan.version::<T>(&mut self.rng)),
            _ => Change::Remove(number),
        }
    }

    /// One operation, which must succeed.
    pub(super) fn apply(&mut self, op: Op) -> Check {
        self.attempt(op)?.map_err(|error| format!("{op:?} failed: {error}"))?;
        self.sim.verdict()
    }

    /// One operation, with what the map says of it.
    pub(super) fn attempt(&mut self, op: Op) -> Result<Result<()>, String> {
        self.sim.tell(|| format!("{op:?}"));
        match op {
            Op::Change(change) => return Ok(self.change(change)),
            Op::Reserve(more) => return Ok(self.map().reserve(more)),
            Op::Shrink => return self.checkpointing(|walk| walk.map().shrink_to_fit()),
            Op::Checkpoint => return self.checkpointing(|walk| walk.map().checkpoint()),
            Op::Close => {
                let closed = self.close()?;
                self.open_again()?;
                return Ok(closed);
            }
            // The first change after a close waits for a checkpoint that is being made.
            Op::Begin if self.watched.is_none() || !self.changed => {}
            Op::Begin => self.begin()?,
            Op::Advance => self.advance()?,
            Op::Kill => self.kill()?,
            Op::Cut if self.watched.is_none() => {}
            Op::Cut => self.go_on_in(|sim| Some((sim.cut(), None)))?,
        }
        Ok(Ok(()))
    }

    fn change(&mut self, change: Change) -> Result<()> {
        self.sim.state().belief.doing = Some(change);
        let done = match change {
            Change::Insert(number, version) => {
                self.map().insert(&T::key(number), &T::value(number, version)).map(|_| ())
            }
            Change::Remove(number) => self.map().remove(&T::key(number)).map(|_| ()),
            Change::Clear => self.map().clear(),
        };
        let belief = &mut self.sim.state().belief;
        belief.doing = None;
        if let (Ok(()), Some(live)) = (&done, &mut belief.live) {
            change.apply(live);
        }
        self.changed |= done.is_ok();
        done
    }

    /// Something that makes a checkpoint in this thread; after a failure none is believed in.
    fn checkpointing(&mut self, run: impl FnOnce(&mut Walk<T>) -> Result<()>) -> Result<Result<()>, String> {
        self.finish()?;
        self.sim.state().belief.begin();
        let done = run(self);
        if done.is_ok() {
            let belief = &mut self.sim.state().belief;
            let live = belief.live.clone().unwrap_or_default();
            belief.done(live);
        }
        Ok(done)
    }

    /// Closes the map, with what it says of that.
    pub(super) fn close(&mut self) -> Result<Result<()>, String> {
        self.checkpointing(|walk| walk.map.take().map_or(Ok(()), Map::<T>::close))
    }

    /// Ends the use of the map; its files stay as a kill would leave them.
    pub(super) fn drop_map(&mut self) -> Check {
        self.finish()?;
        self.map = None;
        Ok(())
    }

    fn begin(&mut self) -> Check {
        self.finish()?;
        let captured = self.model();
        self.sim.state().belief.begin();
        let ((arrived, arrivals), (go_on, goes)) = (channel(), channel());
        let work = self.map().beside().ok_or("a map that takes no checkpoints")?;
        let meeting = Meeting { arrived, go_on: goes };
        let thread = Some(std::thread::spawn(move || met(meeting, work)));
        self.helper = Some(Helper { thread, arrived: arrivals, go_on: Some(go_on), captured });
        self.arrive()
    }

    fn advance(&mut self) -> Check {
        let Some(helper) = &self.helper else { return Ok(()) };
        if let Some(go_on) = &helper.go_on {
            go_on.send(()).map_err(|_| "the checkpoint's thread is gone")?;
        }
        self.arrive()?;
        self.sim.look("a step of a checkpoint in another thread");
        self.sim.verdict()
    }

    /// Waits until the other thread is at its next step, or done.
    fn arrive(&mut self) -> Check {
        let Some(helper) = &mut self.helper else { return Ok(()) };
        if helper.arrived.recv().is_ok() {
            return Ok(());
        }
        let done = helper.thread.take().map_or(Ok(Ok(())), JoinHandle::join);
        let captured = Arc::clone(&helper.captured);
        self.helper = None;
        match done {
            Ok(Ok(())) => self.sim.state().belief.done(captured),
            Ok(Err(error)) => return Err(format!("the checkpoint in another thread failed: {error}")),
            Err(_) => return Err("the checkpoint in another thread panicked".into()),
        }
        Ok(())
    }

    /// Lets the other thread end its checkpoint.
    pub(super) fn finish(&mut self) -> Check {
        while self.helper.is_some() {
            self.advance()?;
        }
        Ok(())
    }

    fn kill(&mut self) -> Check {
        if self.watched.is_some() {
            return self.go_on_in(|sim| sim.kill().map(|(image, medium)| (image, Some(medium))));
        }
        self.drop_map()?;
        self.open_again()
    }

    /// Leaves the map as it is and goes on in an image of it.
    fn go_on_in(&mut self, image: impl FnOnce(&Simulator<T>) -> Option<(Image, Option<Medium>)>) -> Check {
        let (image, medium) = image(&self.sim).ok_or("nothing is known of the map")?;
        self.leave();
        let run = Arc::clone(&self.sim.run);
        let medium = medium.unwrap_or_else(|| Medium::new(&image.dir, run.flaw));
        *self = Walk::on(&run, image, Some(medium), self.sim.depth, &mut self.rng);
        self.open_again()
    }

    fn leave(&mut self) {
        self.watched = None;
        self.helper = None;
        self.map = None;
        let _ = fs::remove_dir_all(&self.sim.dir);
    }

    /// Opens the map, or makes it; what it is must be one of the possible states.
    pub(super) fn open_again(&mut self) -> Check {
        let opened = self.try_open()?.map_err(|error| format!("it does not open: {error}"));
        self.sim.verdict()?;
        opened
    }

    /// Opens the map, with what the map says of that.
    pub(super) fn try_open(&mut self) -> Result<Result<()>, String> {
        let belief = self.sim.state().belief.clone();
        let options = OpenOptions::new()
            .create(!belief.exists)
            .boot_id(boot_id(self.sim.boot))
            .auto_checkpoint(None)
            .sync_on_drop(false)
            .reserve(1 << 28);
        let map: Map<T> = match options.open(&self.sim.dir) {
            Ok(map) => map,
            Err(error) => return Ok(Err(error)),
        };
        let found = model::which::<T>(&map, &belief.possible())?;
        let mut state = self.sim.state();
        if state.belief.live.is_none() {
            state.belief.durable = vec![Arc::clone(&found)];
        }
        state.belief.live = Some(found);
        (state.belief.doing, state.belief.exists) = (None, true);
        (self.map, self.changed) = (Some(map), false);
        drop(state);
        Ok(Ok(()))
    }

    /// Looks at everything in the map.
    pub(super) fn verify(&mut self) -> Check {
        self.finish()?;
        let report = self.map().verify().map_err(|error| format!("verify: {error}"))?;
        // There is one writer.
        let sound = report.is_sound() && report.leaked_cells <= 1 && report.leaked_segments == 0;
        if sound { Ok(()) } else { Err(report.to_string()) }
    }

    /// Whether the map has what it should have.
    pub(super) fn compare(&mut self) -> Check {
        let model = self.model();
        model::compare::<T>(self.map(), &model)
    }

    /// Ends the walk, with nothing left of it.
    pub(super) fn end(mut self) {
        self.leave();
    }

    pub(super) fn is_open(&self) -> bool {
        self.map.is_some()
    }

    fn map(&mut self) -> &mut Map<T> {
        self.map.as_mut().expect("a walk has a map unless opening it failed")
    }

    pub(super) fn sim(&self) -> &Arc<Simulator<T>> {
        &self.sim
    }

    fn model(&self) -> Model {
        self.sim.state().belief.live.clone().unwrap_or_default()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.go_on = None;
        if let Some(thread) = self.thread.take() {
            // Whatever becomes of it, nobody is interested in it any more.
            let _ = thread.join();
        }
    }
}
