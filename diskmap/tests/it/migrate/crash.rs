//! A migration that is cut short – by a kill at any system call or any moment, by a power cut, by a full disk – leaves the
//! old map or the new one, whole.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    full_disk::Disk,
    isolated::{argument, copy_dir, isolated, respawn, seed},
};

/// A directory with all that is in it; the copies have other inodes, as after a power cut that kept everything.
fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

fn is_old(view: u32, number: u64) -> bool {
    view == small(number)
}

fn is_new(view: &str, number: u64) -> bool {
    view == small(number).to_string()
}

/// What a reader says of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Old,
    Unfinished,
    New,
}

/// Looks at what a migration left, as a reader and as a writer of the old type and of the new one.
fn examine<K: Key>(dir: &Path, entries: u64) -> State {
    let read = || options().read_only(true);
    let state = match read().open::<K, Small>(dir) {
        Ok(map) => {
            check(&map, entries, is_old);
            State::Old
        }
        Err(Error::Unfinished { .. }) => {
            assert!(matches!(read().open::<K, Text>(dir), Err(Error::Unfinished { .. })));
            State::Unfinished
        }
        Err(Error::SchemaMismatch { .. }) => State::New,
        Err(error) => panic!("as a reader: {error}"),
    };
    let copy = memory_dir();
    copy_tree(dir, copy.path());
    match options().open::<K, Small>(copy.path()) {
        Ok(map) => {
            assert_eq!(state, State::Old, "what was committed is not given up");
            check(&map, entries, is_old);
            assert_eq!(map.stats().recovery, Recovery::Closed);
        }
        Err(Error::SchemaMismatch { .. }) => assert_ne!(state, State::Old, "what was not committed is given up"),
        Err(error) => panic!("as a writer of the old type: {error}"),
    }
    assert!(directories(copy.path()).is_empty(), "leftovers of a migration");
    let map: Map<K, Text> = options().open(dir).expect("as a writer of the new type");
    check(&map, entries, is_new);
    assert!(directories(dir).is_empty(), "leftovers of a migration");
    drop(map);
    check(&read().open::<K, Text>(dir).expect("as a reader of the new type"), entries, is_new);
    state
}

fn directories(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry"));
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The child that is killed: says that it begins, and opens the map.
#[test]
fn child() {
    let Some(argument) = argument() else { return };
    let (started, dir) = argument.split_once(' ').expect("arguments of the child");
    File::create(started).expect("a sign");
    let map: Map<String, Text> = OpenOptions::new().open(dir).expect("migrated");
    map.close().expect("closed");
}

#[test]
fn killed_at_random_moments() {
    const ENTRIES: u64 = 20_000;
    if argument().is_some() {
        return;
    }
    let mut rng = fastrand::Rng::with_seed(seed("migrate"));
    let root = memory_dir();
    let source = root.path().join("source");
    closed::<String, Small, _>(&source, ENTRIES, small);
    let run = |dir: &Path, kill: Option<Duration>| {
        let started = root.path().join("started");
        let _ = fs::remove_file(&started);
        copy_dir(&source, dir);
        let argument = format!("{} {}", started.display(), dir.display());
        let mut child = respawn("migrate::crash::child", &argument).spawn().expect("a child");
        let waiting = Instant::now();
        while !started.exists() {
            assert!(waiting.elapsed() < Duration::from_secs(60), "the child does not start");
            std::thread::yield_now();
        }
        let start = Instant::now();
        if let Some(after) = kill {
            while start.elapsed() < after {
                std::hint::spin_loop();
            }
            child.kill().expect("the child killed");
        }
        let status = child.wait().expect("the child's end");
        assert!(kill.is_some() || status.success(), "{status}");
        start.elapsed()
    };
    let time = (0..3).map(|n| run(&root.path().join(format!("whole{n}")), None)).min().expect("a time");
    let (mut rounds, mut began, mut old, mut unfinished, mut new) = (0, 0, 0, 0, 0);
    // Longer and longer, should the machine be busier than it was at first.
    while rounds < 60 || (began == 0 || new == 0) && rounds < 600 {
        rounds += 1;
        let dir = root.path().join(format!("killed{rounds}"));
        run(&dir, Some(time.mul_f64(rng.f64() * (1.2 + f64::from(rounds) / 60.0))));
        began += u32::from(dir.join("MAP.migrating").exists());
        *match examine::<String>(&dir, ENTRIES) {
            State::Old => &mut old,
            State::Unfinished => &mut unfinished,
            State::New => &mut new,
        } += 1;
        fs::remove_dir_all(dir).expect("removed");
    }
    println!("{old} old ({began} of them half migrated), {unfinished} unfinished, {new} new; {time:?}");
    assert!(began > 0 && new > 0, "the kills were not at random moments");
}

/// Every file at its old or its new place, as a power cut may leave it between two syncs.
#[test]
fn any_part_of_the_last_step() {
    const FILES: [&str; 6] = ["index", "segments", "heap", "blocks", "checkpoint", "MAP"];
    let root = memory_dir();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    let text = |n: u64| n.to_string();
    closed::<u64, String, _>(&old, 500, text);
    copy_dir(&old, &new);
    let map: Map<u64, Parsed> = options().migrate(true).open(&new).expect("migrated");
    map.close().expect("closed");
    for moved in 0..1_u32 << FILES.len() {
        let dir = root.path().join(format!("{moved}"));
        let migrated = dir.join("MAP.migrated");
        copy_dir(&old, &dir);
        fs::create_dir(&migrated).expect("a directory");
        for (bit, name) in FILES.into_iter().enumerate() {
            let done = moved >> bit & 1 == 1;
            if new.join(name).exists() {
                fs::copy(new.join(name), if done { &dir } else { &migrated }.join(name)).expect("a copy");
                continue;
            }
            File::create(migrated.join(format!("{name}.none"))).expect("a file");
            if done {
                fs::remove_file(dir.join(name)).expect("removed");
            }
        }
        let before = crate::isolated::contents(&migrated);
        for read in [
            options().read_only(true).open::<u64, Parsed>(&dir).err(),
            options().create_new(true).open::<u64, u64>(&dir).err(),
        ] {
            assert!(matches!(read, Some(Error::Unfinished { .. } | Error::AlreadyExists { .. })), "{read:?}");
        }
        assert_eq!(crate::isolated::contents(&migrated), before, "a reader changes nothing");
        // Without the option: it was asked for when it began.
        let map: Map<u64, Parsed> = options().open(&dir).expect("finished");
        assert_eq!(map.stats().recovery, Recovery::Closed);
        check(&map, 500, |view: u64, n| view == n);
        drop(map);
        assert!(directories(&dir).is_empty());
        assert!(!dir.join("heap").exists() && !dir.join("blocks").exists());
    }
}

#[test]
fn leftovers_are_no_map() {
    let dir = memory_dir();
    closed::<String, Small, _>(dir.path(), 100, small);
    let half = dir.path().join("MAP.migrating");
    fs::create_dir(&half).expect("a directory");
    for name in ["index", "MAP"] {
        fs::write(half.join(name), "half a map").expect("written");
    }
    check(&options().read_only(true).open::<String, Small>(dir.path()).expect("opened"), 100, is_old);
    assert!(half.exists(), "a reader changes nothing");
    check(&options().open::<String, Small>(dir.path()).expect("opened"), 100, is_old);
    assert!(!half.exists());
    fs::create_dir(&half).expect("a directory");
    fs::remove_file(dir.path().join("MAP")).expect("removed");
    assert!(matches!(options().open::<String, Small>(dir.path()), Err(Error::NotFound { .. })));
    let map: Map<String, Small> = options().create(true).open(dir.path()).expect("created");
    assert!(map.is_empty() && !half.exists());
}

#[test]
fn a_full_disk_leaves_the_old_map() {
    isolated("migrate::crash::a_full_disk_leaves_the_old_map", Duration::from_secs(100), |cases| {
        let (mut failures, mut skipped) = (0, false);
        for kib in (0..700).step_by(14).chain([800, 1_000, 1_500, 3_000, 6_000]) {
            cases.run(
                || format!("{kib} KiB"),
                || {
                    let Some(disk) = Disk::new(8 << 10) else {
                        skipped = true;
                        return;
                    };
                    closed::<String, Small, _>(&disk.map(), 3_000, small);
                    let before = contents(&disk.map());
                    let ballast = disk.fill(kib);
                    match options().open::<String, Text>(disk.map()) {
                        Ok(map) => check(&map, 3_000, is_new),
                        Err(error) => {
                            let error = io::Error::from(error);
                            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
                            assert_eq!(contents(&disk.map()), before, "a full disk changes nothing");
                            let map = options().read_only(true).open::<String, Small>(disk.map()).expect("opened");
                            check(&map, 3_000, is_old);
                            failures += 1;
                        }
                    }
                    fs::remove_file(ballast).expect("removed");
                    check(&options().open::<String, Text>(disk.map()).expect("room again"), 3_000, is_new);
                },
            );
        }
        assert!(skipped || (10..50).contains(&failures), "{failures} migrations found no room");
    });
}

/// The child of the next test: stops, opens the map, and stops again.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn traced_child() {
    let Some(argument) = argument() else { return };
    let (notes, dir) = argument.split_once(' ').expect("arguments of the child");
    // SAFETY: none of these calls touches this process's memory.
    let thread = unsafe {
        libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
        libc::gettid()
    };
    fs::write(notes, thread.to_string()).expect("a note");
    // SAFETY: a signal to this thread, which its tracer sees.
    let stop = || unsafe { libc::raise(libc::SIGSTOP) };
    stop();
    let map: Map<String, Text> = options().open(dir).expect("migrated");
    stop();
    drop(map);
}

/// A migration is stopped before and after each of its system calls, and what a kill there would leave is looked at.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn killed_at_every_system_call() {
    const ENTRIES: u64 = 60;
    if argument().is_some() {
        return;
    }
    let root = memory_dir();
    let (dir, notes) = (root.path().join("map"), root.path().join("notes"));
    closed::<String, Small, _>(&dir, ENTRIES, small);
    let argument = format!("{} {}", notes.display(), dir.display());
    let mut child = respawn("migrate::crash::traced_child", &argument).spawn().expect("a child");
    let waiting = Instant::now();
    let thread = loop {
        if let Some(thread) = fs::read_to_string(&notes).ok().and_then(|text| text.parse().ok()) {
            break thread;
        }
        assert!(waiting.elapsed() < Duration::from_secs(60), "the child does not start");
        std::thread::sleep(Duration::from_millis(1));
    };
    let stopped = || {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        let waited = unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL) };
        (waited == thread && libc::WIFSTOPPED(status)).then(|| libc::WSTOPSIG(status))
    };
    assert_eq!(stopped(), Some(libc::SIGSTOP), "the child stops");
    let (mut states, mut locked, mut stops) = (vec![State::Old], false, 0);
    loop {
        // SAFETY: the thread is traced by this one and stopped; its memory is its own.
        unsafe { libc::ptrace(libc::PTRACE_SYSCALL, thread, 0, 0) };
        let signal = stopped();
        stops += 1;
        // What another process would find: the lock, from the first moment to the last.
        let other = options().read_only(true).open::<String, Small>(&dir).map(|map| map.len());
        locked |= matches!(other, Err(Error::Locked { .. }));
        assert!(!locked || matches!(other, Err(Error::Locked { .. })), "the lock is let go: {other:?}");
        let copy = root.path().join(format!("{stops}"));
        copy_tree(&dir, &copy);
        let state = examine::<String>(&copy, ENTRIES);
        fs::remove_dir_all(copy).expect("removed");
        let last = *states.last().expect("a state");
        if last != state {
            states.push(state);
        }
        match signal {
            Some(libc::SIGTRAP) => {}
            Some(libc::SIGSTOP) => break,
            other => panic!("the child ended with {other:?}"),
        }
    }
    println!("{stops} stops: {states:?}");
    assert_eq!(states, [State::Old, State::Unfinished, State::New], "one commit and no way back");
    assert!(locked);
    child.kill().expect("the child killed");
    while stopped().is_some() {}
    child.wait().expect("the child's end");
    check(&options().open::<String, Text>(&dir).expect("opened"), ENTRIES, is_new);
}
