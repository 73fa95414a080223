//! A map in use: random operations, one after the other, with a checkpoint in another thread between any two of them.
//!
//! Must not know what a power cut leaves. Invariant: what is believed of the map is noted before a call is made and after
//! it returned, nowhere else.

use std::{fs, ops::ControlFlow, path::Path, sync::Arc};

use fastrand::Rng;

use super::{
    beside::Beside,
    handle::Handle,
    held::Held,
    image::{Image, adopt, boot_id},
    kinds::{Kind, Map, Open},
    medium::Medium,
    model::{self, Belief, Change, Check, Model},
    plan::Op,
    simulator::{Run, Simulator},
};
use crate::{
    Error, OpenOptions, Progress, Result,
    store::watch::{Watched, watch},
};

/// A map in use.
pub(super) struct Walk<T: Kind> {
    sim: Arc<Simulator<T>>,
    rng: Rng,
    /// Before the map: its thread refers to it.
    beside: Option<Beside>,
    held: Held<T>,
    map: Option<Open<T>>,
    watched: Option<Watched>,
    /// Something was changed since it was opened.
    changed: bool,
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
        Walk { sim, rng: rng.fork(), beside: None, held: Held::none(), map: None, watched, changed: false }
    }

    /// So many random operations.
    pub(super) fn run(&mut self, ops: usize) -> Check {
        for _ in 0..ops {
            let op = self.choose();
            let times = if let Op::Change(Change::Insert(..) | Change::Remove(_)) = op {
                // More beside a checkpoint, so that space comes round while it is made.
                let most = self.sim.run.plan.burst * if self.beside.is_some() { 4 } else { 1 };
                self.rng.usize(..most) + 1
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
            let change = self.sim.run.plan.change::<T>(&mut self.rng);
            self.apply(Op::Change(change))?;
        }
        Ok(())
    }

    fn choose(&mut self) -> Op {
        if self.beside.is_some() && self.rng.u32(..3) == 0 {
            return Op::Advance;
        }
        self.sim.run.plan.op::<T>(&mut self.rng)
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
            Op::Reserve(more) => return Ok(self.map().whole(|map| map.reserve(more))),
            Op::Shrink => return self.checkpointing(|walk| walk.map().whole(|map| map.shrink_to_fit())),
            Op::Checkpoint => return self.checkpointing(|walk| walk.map().checkpoint()),
            Op::Compact(stop) => return self.checkpointing(|walk| walk.compact(stop)),
            Op::Hold => self.hold()?,
            Op::LetGo => self.held.let_go(&mut self.rng)?,
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
            Change::Insert(number, version) => self.map().insert(&T::key(number), &T::value(number, version)),
            Change::Remove(number) => self.map().remove::<_, T::Value>(&T::key(number)),
            Change::Clear => self.map().whole(|map| map.clear()),
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
        self.held.compare()?;
        Ok(done)
    }

    fn compact(&mut self, stop: Option<u32>) -> Result<()> {
        let mut calls = 0;
        let progress = |_| {
            calls += 1;
            if Some(calls) == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        self.map().whole(|map| map.compact_with(progress)).map(drop)
    }

    /// Compacts with a checkpoint in another thread, which begins while records are moved, takes a step at each call of the
    /// callback, and ends with that pass over the entries.
    pub(super) fn compact_beside(&mut self) -> Check {
        let captured = self.model();
        self.sim.state().belief.begin();
        let mut work = self.map().beside();
        let (sim, mut beside, mut wrong, mut passes) = (Arc::clone(&self.sim), None::<Beside>, Ok(()), 0);
        let progress = |progress: Progress| {
            passes += u32::from(progress.done == 256);
            // The first looks for cells that are lost.
            if passes == 2
                && let Some(work) = work.take()
            {
                beside = Some(Beside::begin(work, Arc::clone(&captured)));
            }
            let last = progress.done + 256 > progress.total;
            while let Some(other) = &mut beside {
                if let Some(ended) = other.arrive() {
                    (wrong, beside) = (ended, None);
                    break;
                }
                sim.look("a step of a checkpoint beside compaction");
                other.advance();
                if !last {
                    break;
                }
            }
            ControlFlow::Continue(())
        };
        let done = self.map().whole(|map| map.compact_with(progress));
        wrong?;
        let moved = done.map_err(|error| error.to_string())?.records_moved;
        self.sim.state().belief.done(captured);
        self.held.compare()?;
        self.sim.verdict()?;
        if work.is_some() || moved == 0 { Err("nothing was compacted".into()) } else { Ok(()) }
    }

    fn hold(&mut self) -> Check {
        let model = self.model();
        let Walk { held, map, rng, .. } = self;
        map.as_ref().map_or(Ok(()), |map| held.take(map.snapshot(), model, rng))
    }

    /// Closes the map, with what it says of that. Snapshots may outlive it for a while.
    pub(super) fn close(&mut self) -> Result<Result<()>, String> {
        if self.rng.bool() {
            self.held.let_all_go()?;
        }
        let closed = self.checkpointing(|walk| walk.map.take().map_or(Ok(()), Open::<T>::close))?;
        self.outlive()?;
        Ok(closed)
    }

    /// Ends the use of the map; its files stay as a kill would leave them.
    pub(super) fn drop_map(&mut self) -> Check {
        self.finish()?;
        self.map = None;
        self.outlive()
    }

    /// Snapshots that have outlived the map: as long as there is one, nobody opens it.
    fn outlive(&mut self) -> Check {
        if self.held.is_empty() {
            return Ok(());
        }
        if !matches!(self.options().open::<T::K, T::V>(&self.sim.dir), Err(Error::Locked { .. })) {
            return Err("a snapshot does not keep the directory locked".into());
        }
        self.held.let_all_go()?;
        if self.watched.is_some() && !self.sim.state().quiet {
            self.sim.look("the end of snapshots that outlived their map");
        }
        self.sim.verdict()
    }

    fn begin(&mut self) -> Check {
        self.finish()?;
        let captured = self.model();
        self.sim.state().belief.begin();
        let work = self.map().beside().ok_or("a map that takes no checkpoints")?;
        self.beside = Some(Beside::begin(work, captured));
        self.arrive()
    }

    fn advance(&mut self) -> Check {
        let Some(beside) = &self.beside else { return Ok(()) };
        beside.advance();
        self.arrive()?;
        self.sim.look("a step of a checkpoint in another thread");
        self.sim.verdict()
    }

    fn arrive(&mut self) -> Check {
        let Some(beside) = &mut self.beside else { return Ok(()) };
        let Some(done) = beside.arrive() else { return Ok(()) };
        self.sim.state().belief.done(Arc::clone(&beside.captured));
        self.beside = None;
        self.held.compare()?;
        done
    }

    /// Lets the other thread end its checkpoint.
    pub(super) fn finish(&mut self) -> Check {
        while self.beside.is_some() {
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
        self.held.compare()?;
        self.leave();
        let run = Arc::clone(&self.sim.run);
        let medium = medium.unwrap_or_else(|| Medium::new(&image.dir, run.flaw));
        *self = Walk::on(&run, image, Some(medium), self.sim.depth, &mut self.rng);
        self.open_again()
    }

    fn leave(&mut self) {
        self.watched = None;
        self.beside = None;
        self.held = Held::none();
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
        let map: Map<T> = match self.options().create(!belief.exists).open(&self.sim.dir) {
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
        drop(state);
        let depth = self.sim.run.plan.writers.depth(&mut self.rng);
        match Handle::new(map, depth, depth.map_or(Rng::with_seed(0), |_| self.rng.fork())) {
            // To be shared, it is written to.
            Ok(map) => (self.map, self.changed) = (Some(map), depth.is_some()),
            Err(error) => return Ok(Err(error)),
        }
        Ok(Ok(()))
    }

    fn options(&self) -> OpenOptions {
        let boot = boot_id(self.sim.boot);
        OpenOptions::new().boot_id(boot).auto_checkpoint(None).sync_on_drop(false).reserve(1 << 28)
    }

    /// Looks at everything in the map.
    pub(super) fn verify(&mut self) -> Check {
        self.finish()?;
        let report = self.map().whole(|map| map.verify()).map_err(|error| format!("verify: {error}"))?;
        // One of the writers wrote at a time.
        let sound = report.is_sound() && report.leaked_cells <= 1 && report.leaked_segments == 0;
        if sound { Ok(()) } else { Err(report.to_string()) }
    }

    /// Whether the map has what it should have.
    pub(super) fn compare(&mut self) -> Check {
        self.held.compare()?;
        let model = self.model();
        let compared = self.map().whole(|map| Ok(model::compare::<T>(map, &model)));
        compared.map_err(|error| error.to_string())?
    }

    /// Ends the walk, with nothing left of it.
    pub(super) fn end(mut self) {
        self.leave();
    }

    pub(super) fn is_open(&self) -> bool {
        self.map.is_some()
    }

    fn map(&mut self) -> &mut Open<T> {
        self.map.as_mut().expect("a walk has a map unless opening it failed")
    }

    pub(super) fn held(&self) -> &Held<T> {
        &self.held
    }

    pub(super) fn sim(&self) -> &Arc<Simulator<T>> {
        &self.sim
    }

    fn model(&self) -> Model {
        self.sim.state().belief.live.clone().unwrap_or_default()
    }
}
