//! A kill between any two stores: an operation is run instruction by instruction, and whenever a file has changed, what a
//! new process would find there is compared with the state before and after.

use super::*;

/// What a round does before it begins to step.
fn prepare<T: Kind>(rng: &mut Rng) -> (Vec<Op>, Vec<Op>) {
    let keys = [40, 70, 140][rng.usize(..3)];
    let mut ops: Vec<Op> = (0..rng.u64(..keys * 2)).map(|_| Op::Insert(rng.u64(..keys), rng.u64(..))).collect();
    if rng.bool() {
        ops.push(Op::Checkpoint);
    }
    let steps = (0..8).map(|number| match rng.u32(..12) {
        0..4 => Op::Insert(rng.u64(..keys), rng.u64(..)),
        4..7 => Op::Update(rng.u64(..keys), rng.u64(..)),
        7..10 => Op::Remove(rng.u64(..keys)),
        10 if number > 5 => Op::Clear,
        _ => Op::Insert(keys + rng.u64(..keys), rng.u64(..)),
    });
    let steps = steps.collect();
    (ops, steps)
}

pub(super) fn work<T: Kind>(seed: u64, dir: &Path, notes: &Path) -> Result<()> {
    let (ops, steps) = prepare::<T>(&mut Rng::with_seed(seed));
    let mut map: Map<T> = options::<T>().create(true).open(dir)?;
    for op in ops {
        apply::<T>(&mut map, op)?;
    }
    // SAFETY: neither call touches this process's memory.
    let thread = unsafe {
        libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
        libc::gettid()
    };
    fs::write(notes, thread.to_string()).expect("a note");
    for op in steps {
        stop();
        apply::<T>(&mut map, op)?;
    }
    stop();
    Ok(())
}

fn stop() {
    // SAFETY: a signal to this thread, which its tracer sees.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Waits until the traced thread stops; the signal it stopped for, `None` if it ended.
fn stopped(thread: i32) -> Option<i32> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
    (waited == thread && libc::WIFSTOPPED(status)).then(|| libc::WSTOPSIG(status))
}

fn step(thread: i32) {
    // SAFETY: the thread is traced by this one and stopped; its memory is its own.
    unsafe { libc::ptrace(libc::PTRACE_SINGLESTEP, thread, 0, 0) };
}

/// The files that decide what is in a map, as they are.
struct Watch {
    dir: PathBuf,
    files: Vec<(PathBuf, memmap2::Mmap, Vec<u8>)>,
}

impl Watch {
    fn new(dir: &Path) -> Watch {
        let mut watch = Watch { dir: dir.into(), files: Vec::new() };
        watch.map();
        watch
    }

    fn map(&mut self) {
        self.files.clear();
        for name in ["segments", "blocks", "index"] {
            let path = self.dir.join(name);
            let Ok(file) = File::open(&path) else { continue };
            if file.metadata().expect("metadata").len() > 0 {
                // SAFETY: the child that writes to the file is stopped whenever this is read, and truncates nothing.
                let map = unsafe { memmap2::Mmap::map(&file) }.expect("a mapping");
                self.files.push((path, map, Vec::new()));
            }
        }
    }

    /// Whether anything but the index changed, and whether the index did.
    fn changed(&mut self, grown: bool) -> (bool, bool) {
        if grown {
            self.map();
        }
        let (mut tables, mut index) = (false, false);
        for (path, map, old) in &mut self.files {
            if old.as_slice() != &map[..] {
                old.clear();
                old.extend_from_slice(map);
                if path.ends_with("index") { index = true } else { tables = true }
            }
        }
        (tables, index)
    }

    fn lens(&self) -> Vec<u64> {
        ["segments", "blocks", "index"]
            .iter()
            .map(|name| fs::metadata(self.dir.join(name)).map_or(0, |metadata| metadata.len()))
            .collect()
    }
}

fn find<T: Kind>(dir: &Path) -> State {
    // The child's lock is on the file that had this name.
    let _ = fs::remove_file(dir.join("lock"));
    let map: Map<T> = options::<T>().read_only(true).open(dir).expect("the map as a kill would leave it");
    assert_eq!(map.stats().recovery, Recovery::Resumed);
    let report = map.verify().expect("the map, verified");
    // There is one writer.
    assert!(report.is_sound() && report.leaked_cells <= 1 && report.leaked_segments == 0, "{report}");
    dump::<T>(&map, 1)
}

pub(super) fn rounds<T: Kind>(time: Duration) {
    if argument().is_some() {
        return;
    }
    let mut rng = Rng::with_seed(seed(T::NAME));
    let (start, mut states, mut instructions) = (Instant::now(), 0u64, 0u64);
    while start.elapsed() < time {
        let root = memory_dir();
        round::<T>(rng.u64(..), root.path(), &mut states, &mut instructions, start + time * 3 / 2);
    }
    println!("{}: {states} states in {instructions} instructions", T::NAME);
    assert!(states > 0, "no state was looked at");
}

fn round<T: Kind>(seed: u64, root: &Path, states: &mut u64, instructions: &mut u64, deadline: Instant) {
    let (dir, notes, errors) = (root.join("map"), root.join("notes"), root.join("errors"));
    let (ops, steps) = prepare::<T>(&mut Rng::with_seed(seed));
    let mut before = State::default();
    ops.iter().for_each(|&op| before.apply::<T>(op));
    let argument = format!("{} {seed} {} {}", T::NAME, dir.display(), notes.display());
    let mut child = respawn("crash::stepped_child", &argument)
        .stderr(File::create(&errors).expect("errors"))
        .spawn()
        .expect("a child");
    let waiting = Instant::now();
    let thread = loop {
        if let Some(thread) = fs::read_to_string(&notes).ok().and_then(|text| text.parse().ok()) {
            break thread;
        }
        let ended = child.try_wait().expect("the child's state");
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        assert!(ended.is_none() && waiting.elapsed() < Duration::from_secs(60), "seed {seed}: {ended:?} {errors}");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(stopped(thread), Some(libc::SIGSTOP), "the child stops");
    let mut watch = Watch::new(&dir);
    watch.changed(true);
    'ops: for op in steps {
        let mut after = before.clone();
        after.apply::<T>(op);
        let (mut seen, mut lens, mut stored, mut is_after) = (0u64, watch.lens(), 0u64, false);
        loop {
            step(thread);
            let signal = stopped(thread);
            seen += 1;
            match signal {
                Some(libc::SIGTRAP) => {}
                Some(libc::SIGSTOP) => break,
                other => panic!("seed {seed}: {op:?} ended with {other:?}: {:?}", fs::read_to_string(&errors)),
            }
            let grown = seen % 64 == 0 && watch.lens() != lens;
            if grown {
                lens = watch.lens();
            }
            let (tables, index) = watch.changed(grown);
            stored += u64::from(index);
            // Filling a new segment takes many stores that nothing refers to.
            if !tables && !(index && (stored < 150 || stored.is_multiple_of(53))) {
                continue;
            }
            *states += 1;
            let found = find::<T>(&dir);
            let (was, now) = (found.entries == before.entries, found.entries == after.entries);
            if !(now || was && !is_after) {
                panic!("seed {seed}: {op:?} after {seen} instructions: {}", difference(&found, &before, &after));
            }
            is_after |= now && !was;
            if Instant::now() > deadline {
                break 'ops;
            }
        }
        *instructions += seen;
        let found = find::<T>(&dir);
        assert_eq!(found.entries, after.entries, "seed {seed}: after {op:?}");
        before = after;
    }
    child.kill().expect("the child killed");
    while stopped(thread).is_some() {}
    child.wait().expect("the child's end");
}
