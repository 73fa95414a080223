//! One map through many kills.

use super::*;

/// One map through many kills.
pub(super) struct Life<T: Kind> {
    pub(super) root: TempDir,
    pub(super) dir: PathBuf,
    pub(super) state: State,
    /// What the last checkpoint on disk may hold.
    pub(super) durable: Vec<(u64, usize)>,
    /// With automatic checkpoints, their thread marks a closed map as open soon after the first change, not before it: there
    /// may be changes in a map that a copy of it takes for closed.
    pub(super) unmarked: bool,
    pub(super) rng: Rng,
    pub(super) copies: u64,
    /// Each may leak a cell.
    pub(super) kills: u64,
    /// Those that came before an open had returned.
    pub(super) unopened: u64,
    pub(super) kind: std::marker::PhantomData<T>,
}

impl<T: Kind> Life<T> {
    pub(super) fn new(seed: u64, root: TempDir) -> Life<T> {
        let dir = root.path().join("map");
        let state = State::default();
        let durable = vec![state.id()];
        Life {
            root,
            dir,
            state,
            durable,
            unmarked: false,
            rng: Rng::with_seed(seed),
            copies: 0,
            kills: 0,
            unopened: 0,
            kind: std::marker::PhantomData,
        }
    }

    /// Runs a child and kills it; the operations that returned, and the one that was under way.
    pub(super) fn run_child(&mut self, seed: u64) -> (u64, Option<Op>) {
        let (acknowledged, errors) = (self.root.path().join("acknowledged"), self.root.path().join("errors"));
        fs::write(&acknowledged, NOT_STARTED.to_le_bytes()).expect("acknowledgements");
        let file = File::open(&acknowledged).expect("acknowledgements");
        let argument = format!("{} {seed} {} {}", T::NAME, self.dir.display(), acknowledged.display());
        let mut child =
            respawn("crash::child", &argument).stderr(File::create(&errors).expect("errors")).spawn().expect("a child");
        let (wanted, delay) = match self.rng.u32(..10) {
            0 => (NOT_STARTED, self.rng.u64(..6_000)),
            1..4 => (OPENING, self.rng.u64(..1_500)),
            4..7 => (OPENED + self.rng.u64(..200), self.rng.u64(..3_000)),
            _ => (OPENED + self.rng.u64(..10_000), self.rng.u64(..20_000)),
        };
        await_count(&file, &mut child, wanted);
        spin(Duration::from_micros(delay));
        child.kill().expect("the child killed");
        let status = child.wait().expect("the child's end");
        self.kills += u64::from(status.signal() == Some(KILLED));
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        let ended = status.success() || status.signal() == Some(KILLED);
        assert!(ended && errors.is_empty(), "seed {seed}: the child ended with {status}: {errors}");
        self.unopened += u64::from(read_count(&file) < OPENED);
        let count = read_count(&file).saturating_sub(OPENED);
        (count, Plan::new(seed, T::SLOW).nth(count as usize))
    }

    /// One round: a child is killed, what it left is checked, and the next round goes on with it.
    pub(super) fn round(&mut self, seed: u64) {
        let plan = Plan::new(seed, T::SLOW);
        let (keys, auto) = (plan.keys, plan.auto.is_some());
        let (count, under_way) = self.run_child(seed);
        let done: Vec<Op> = plan.take(count as usize).collect();
        for &op in &done {
            self.state.apply::<T>(op);
            if op.is_durable() {
                self.durable.clear();
            }
            if auto || op.is_durable() {
                self.durable.push(self.state.id());
            }
        }
        let mut after = self.state.clone();
        if let Some(op) = under_way {
            after.apply::<T>(op);
            if auto || op.is_durable() {
                self.durable.extend([self.state.id(), after.id()]);
            }
        }
        self.unmarked &= done.len() <= UNTIL_MARKED && !done.iter().any(|op| op.is_durable());
        self.unmarked |= auto && !done.iter().any(|op| op.is_durable());
        let fresh = count == 0;
        if fresh && !self.dir.join("MAP").exists() {
            assert!(self.state.entries.is_empty(), "only a map that never opened may have no MAP");
            let gone = options::<T>().open::<T::K, T::V>(&self.dir);
            assert!(matches!(gone, Err(Error::NotFound { .. })), "leftovers are no map");
            return;
        }
        let copy = (self.rng.u32(..3) == 0).then(|| self.check_copy(keys, &after));
        let way = self.rng.u32(..10);
        if way < 3 {
            let before = contents(&self.dir);
            let map: Map<T> = options::<T>().read_only(true).open(&self.dir).expect("a killed map, read-only");
            self.settle(&map, after, keys);
            drop(map);
            assert_eq!(contents(&self.dir), before, "reading changes nothing");
            return;
        }
        let map: Map<T> = options::<T>().open(&self.dir).expect("a killed map");
        self.settle(&map, after, keys);
        match (way, copy) {
            (3..6, _) => drop(map),
            (6..8, _) | (_, None) => {
                map.close().expect("closed");
                self.unmarked = false;
                self.durable = vec![self.state.id()];
            }
            (_, Some((dir, state))) => {
                drop(map);
                fs::remove_dir_all(&self.dir).expect("removed");
                self.dir = dir;
                self.durable = vec![state.id()];
                self.state = state;
                self.unmarked = false;
            }
        }
    }

    /// Decides whether the operation under way was done, and that nothing else is different.
    pub(super) fn settle(&mut self, map: &Map<T>, after: State, keys: u64) {
        let recovery = map.stats().recovery;
        let expected = matches!(recovery, Recovery::Resumed | Recovery::Closed);
        assert!(expected, "{recovery:?} is not how a killed map is found");
        self.verify(map);
        let found = dump::<T>(map, keys);
        if found.entries == after.entries {
            self.state = after;
        } else if found.entries != self.state.entries {
            panic!("{}", difference(&found, &self.state, &after));
        }
    }

    /// Nothing is damaged, and no more is lost than there were kills.
    fn verify(&self, map: &Map<T>) {
        let report = map.verify().expect("verified");
        assert!(report.is_sound() && report.leaked_segments == 0 && report.leaked_cells <= self.kills, "{report}");
    }

    /// A copy of the directory is as after a power cut: exactly the last checkpoint.
    pub(super) fn check_copy(&mut self, keys: u64, after: &State) -> (PathBuf, State) {
        self.copies += 1;
        let dir = self.root.path().join(format!("copy{}", self.copies));
        copy_dir(&self.dir, &dir);
        let mut map: Map<T> = options::<T>().open(&dir).expect("a copied map");
        let recovery = map.stats().recovery;
        self.verify(&map);
        let mut state = dump::<T>(&map, keys);
        let whole = [self.state.id(), after.id()].contains(&state.id());
        let closed = recovery == Recovery::Closed && (whole || self.unmarked);
        assert!(closed || recovery == Recovery::RolledBack, "{recovery:?} is not how a copy is found");
        assert!(
            self.durable.contains(&state.id()),
            "a copy has {} entries; {}",
            state.entries.len(),
            difference(&state, &self.state, &self.state)
        );
        // And it can be worked with: what is free there is really free.
        let ops = Plan::new(self.rng.u64(..), T::SLOW).filter(|op| !op.is_durable()).take(500);
        for op in ops {
            apply::<T>(&mut map, op).expect("a write to a copy");
            state.apply::<T>(op);
        }
        assert_eq!(dump::<T>(&map, keys).entries, state.entries, "a copy that was written to");
        map.close().expect("closed");
        (dir, state)
    }
}

pub(super) fn read_count(file: &File) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, 0).expect("acknowledgements");
    u64::from_le_bytes(bytes)
}

pub(super) fn await_count(file: &File, child: &mut Child, wanted: u64) {
    let start = Instant::now();
    while read_count(file) < wanted {
        if child.try_wait().expect("the child's state").is_some() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the child makes no progress");
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// Sleeps to the microsecond.
pub(super) fn spin(time: Duration) {
    let start = Instant::now();
    if time > Duration::from_millis(1) {
        std::thread::sleep(time - Duration::from_millis(1));
    }
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

pub(super) fn difference(found: &State, before: &State, after: &State) -> String {
    let mut lines = Vec::new();
    let keys = found.entries.keys().chain(before.entries.keys()).chain(after.entries.keys());
    let keys: std::collections::BTreeSet<u64> = keys.copied().collect();
    for key in keys {
        let [found, before, after] = [found, before, after].map(|state| state.entries.get(&key));
        if found != before && found != after {
            lines.push(format!("key {key}: found {found:?}, acknowledged {before:?}, under way {after:?}"));
        }
    }
    lines.truncate(10);
    format!("found {} entries, {} were acknowledged:\n{}", found.entries.len(), before.entries.len(), lines.join("\n"))
}
