//! Mapped files as their users see them, on roomy and on tiny file systems.

use super::{ByteStore, DEFAULT_RESERVE, HUGE, MMapFile, PAGE, lock::DirLock, make_room, replace};
use crate::error::Error;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

fn word(base: *mut u8, at: u64) -> &'static AtomicU64 {
    // SAFETY: tests pass 8-aligned offsets of granted bytes and drop the store after the last use.
    unsafe { AtomicU64::from_ptr(base.add(at as usize).cast()) }
}

fn get(store: &impl ByteStore, at: u64) -> u64 {
    assert!(at + 8 <= store.len());
    word(store.base(), at).load(Relaxed)
}

fn put(store: &impl ByteStore, at: u64, value: u64) {
    assert!(at + 8 <= store.len());
    word(store.base(), at).store(value, Relaxed);
}

fn all_zero(store: &impl ByteStore, from: u64, to: u64) -> bool {
    (from..to).step_by(8).all(|at| get(store, at) == 0)
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Dir {
        Dir(tempfile::tempdir().expect("dir"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("index")
    }
}

/// A file system of its own, unmounted on drop.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// `None`, with the reason printed, where mounting is refused.
    fn mount(size: &str) -> Option<Tmpfs> {
        let dir = tempfile::tempdir().expect("dir");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(dir.path()).output();
        match mount {
            Ok(output) if output.status.success() => return Some(Tmpfs(dir)),
            Ok(output) => eprintln!("skipped: cannot mount a tmpfs: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => eprintln!("skipped: cannot mount a tmpfs: {error}"),
        }
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn growth_keeps_bytes_and_base_and_reads_zero() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    let base = store.base();
    assert!(store.is_empty());
    let mut last = 0;
    for need in [1, 100_000, 3 << 20, 20 << 20] {
        make_room(&store, need, 64 << 10).expect("grow");
        assert!(store.len() >= need && store.len().is_multiple_of(PAGE));
        assert_eq!(store.file_len().expect("metadata"), store.len());
        assert!(all_zero(&store, last, store.len()));
        put(&store, last, need);
        assert_eq!((store.base(), get(&store, last)), (base, need));
        last = store.len();
    }
    store.grow(8, 8).expect("nothing to do");
    store.sync().expect("sync");
    assert_eq!(store.len(), last);
    drop(store);
    let store = MMapFile::open(&dir.file(), DEFAULT_RESERVE).expect("open");
    assert_eq!((store.len(), get(&store, 0)), (last, 1));
    assert!(matches!(MMapFile::create(&dir.file(), DEFAULT_RESERVE), Err(Error::Io { .. })));
}

#[test]
fn beyond_the_reserve_old_bases_stay_good() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), PAGE).expect("create");
    let mut bases = Vec::new();
    for round in 0..12 {
        store.grow(PAGE << round, 0).expect("grow");
        put(&store, (PAGE << round) - 8, round + 1);
        bases.push((store.base(), store.len()));
    }
    bases.dedup();
    assert!(bases.len() > 4);
    for (base, len) in bases {
        (0..12).filter(|round| PAGE << round <= len).for_each(|round| {
            assert_eq!(word(base, (PAGE << round) - 8).load(Relaxed), round + 1);
        });
        word(base, 0).fetch_add(1, Relaxed);
        assert_eq!(get(&store, 0), word(base, 0).load(Relaxed));
    }
}

#[test]
fn a_view_shows_what_is_written_at_the_base() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), PAGE).expect("create");
    store.grow(PAGE, 0).expect("grow");
    assert_eq!(store.view(), store.base());
    store.divide_view();
    store.divide_view();
    let mut views = Vec::new();
    for round in 0..12 {
        store.grow(PAGE << round, 0).expect("grow");
        put(&store, (PAGE << round) - 8, round + 1);
        views.push((store.view(), store.len()));
        assert_ne!(store.view(), store.base());
    }
    views.dedup();
    assert!(views.len() > 4);
    for (view, len) in views {
        put(&store, 0, len);
        assert_eq!(word(view, 0).load(Relaxed), len);
        (0..12).filter(|round| PAGE << round <= len).for_each(|round| {
            assert_eq!(word(view, (PAGE << round) - 8).load(Relaxed), round + 1);
        });
    }
    store.truncate(PAGE).expect("truncate");
    store.grow(2 * PAGE, 0).expect("grow");
    assert_eq!(word(store.view(), 2 * PAGE - 8).load(Relaxed), 0);
    let view = store.view();
    store.join_view();
    assert_eq!(store.view(), store.base());
    store.divide_view();
    assert_eq!(store.view(), view);
    drop(store);
    let private = MMapFile::open_private(&dir.file()).expect("open");
    private.divide_view();
    assert_eq!(private.view(), private.base());
}

#[test]
fn truncated_bytes_come_back_zero() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    let len = 3 * HUGE;
    store.grow(len, len).expect("grow");
    store.prepare(len);
    (0..len).step_by(8).for_each(|at| put(&store, at, at + 1));
    store.truncate(PAGE + 1).expect("truncate");
    store.truncate(len).expect("nothing to do");
    assert_eq!((store.len(), store.file_len().expect("metadata")), (2 * PAGE, 2 * PAGE));
    store.grow(len, len).expect("grow");
    store.prepare(len);
    assert!(all_zero(&store, 2 * PAGE, len));
    assert_eq!(get(&store, 2 * PAGE - 8), 2 * PAGE - 7);
}

#[test]
fn preparing_changes_nothing() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    store.prepare(PAGE);
    store.grow(HUGE + PAGE, 0).expect("grow");
    put(&store, 8, 7);
    for end in [0, 1, PAGE, HUGE, HUGE + 1, 5 * HUGE, u64::MAX] {
        store.prepare(end);
    }
    assert_eq!((get(&store, 8), store.len()), (7, HUGE + PAGE));
    assert!(all_zero(&store, 16, store.len()));
}

#[test]
fn a_file_of_any_length_can_be_used() {
    let dir = Dir::new();
    for len in [0, 1, 7, 4095, 4097, 70_001] {
        fs::write(dir.file(), vec![9; len]).expect("write");
        let store = MMapFile::open(&dir.file(), PAGE).expect("open");
        assert_eq!(store.len(), len as u64);
        store.grow(len as u64 + 1, 0).expect("grow");
        let aligned = (len as u64).next_multiple_of(8);
        assert!(all_zero(&store, aligned, store.len()));
        drop(store);
        assert!(fs::read(dir.file()).expect("read").starts_with(&vec![9; len]));
        fs::write(dir.file(), vec![9; len]).expect("write");
        assert_eq!(MMapFile::open_private(&dir.file()).expect("open").len(), len as u64);
    }
}

#[test]
fn a_private_mapping_leaves_the_file_as_it_is() {
    let dir = Dir::new();
    let bytes: Vec<u8> = (0..20_000).map(|i| i as u8).collect();
    fs::write(dir.file(), &bytes).expect("write");
    let store = MMapFile::open_private(&dir.file()).expect("open");
    put(&store, 0, u64::MAX);
    store.prepare(store.len());
    store.sync().expect("nothing to do");
    assert_eq!(get(&store, 0), u64::MAX);
    store.grow(10, 10).expect("nothing to do");
    assert!(matches!(store.grow(20_001, 20_001), Err(Error::ReadOnly)));
    assert!(matches!(store.truncate(0), Err(Error::ReadOnly)));
    assert_eq!(get(&store, 0), u64::MAX);
    assert_eq!(fs::read(dir.file()).expect("read"), bytes);
    drop(store);
    assert_eq!(fs::read(dir.file()).expect("read"), bytes);
}

#[test]
fn identity_tells_a_file_from_its_copy() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    store.grow(PAGE, 0).expect("grow");
    let copy = dir.0.path().join("copy");
    fs::copy(store.path(), &copy).expect("copy");
    let again = MMapFile::open(store.path(), DEFAULT_RESERVE).expect("open");
    assert_eq!(store.identity(), again.identity());
    let copy = MMapFile::open(&copy, DEFAULT_RESERVE).expect("open");
    assert_ne!(store.identity(), copy.identity());
}

#[test]
fn absurd_lengths_are_errors() {
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    store.grow(PAGE, 0).expect("grow");
    for need in [1 << 60, u64::MAX / 2, u64::MAX] {
        assert!(store.grow(need, need).is_err());
        assert_eq!((store.len(), store.file_len().expect("metadata")), (PAGE, PAGE));
    }
    store.grow(2 * PAGE, u64::MAX).expect("an absurd wish is only a wish");
    drop(store);
    assert!(MMapFile::open(&dir.file(), u64::MAX).is_ok());
}

#[test]
fn readers_go_on_while_the_store_grows() {
    const STEP: u64 = 64 << 10;
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), STEP).expect("create");
    let published = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let end = published.load(std::sync::atomic::Ordering::Acquire);
                    (0..end).step_by(STEP as usize).for_each(|at| assert_eq!(get(&store, at), at + 1));
                    if end == 200 * STEP {
                        break;
                    }
                }
            });
        }
        for round in 0..200 {
            let at = round * STEP;
            store.grow(at + STEP, at + 2 * STEP).expect("grow");
            store.prepare(at + STEP);
            put(&store, at, at + 1);
            published.store(at + STEP, std::sync::atomic::Ordering::Release);
        }
    });
}

#[test]
fn a_full_file_system_is_an_error_and_changes_nothing() {
    let Some(disk) = Tmpfs::mount("size=4m") else { return };
    let store = MMapFile::create(&disk.path().join("heap"), DEFAULT_RESERVE).expect("create");
    let (need, error) = loop {
        let need = store.len() + (100 << 10);
        if let Err(error) = store.grow(need, need + (64 << 20)) {
            break (need, error);
        }
        store.prepare(store.len());
        (0..store.len()).step_by(PAGE as usize).for_each(|at| put(&store, at, at + 1));
        assert!(need < 4 << 20);
    };
    assert!(matches!(error, Error::OutOfSpace { needed, .. } if needed == need - store.len()), "{error:?}");
    assert!(store.len() > 3 << 20);
    assert_eq!(store.file_len().expect("metadata"), store.len());
    store.prepare(u64::MAX);
    assert!((0..store.len()).step_by(PAGE as usize).all(|at| get(&store, at) == at + 1));

    store.truncate(1 << 20).expect("truncate");
    store.grow(2 << 20, 2 << 20).expect("room again");
    assert!(all_zero(&store, 1 << 20, 2 << 20));
}

#[test]
fn a_sparse_file_larger_than_the_disk_is_refused_without_filling_it() {
    let Some(disk) = Tmpfs::mount("size=1m") else { return };
    let path = disk.path().join("heap");
    fs::File::create(&path).and_then(|file| file.set_len(2 << 20)).expect("a hole");
    assert!(matches!(MMapFile::open(&path, DEFAULT_RESERVE), Err(Error::OutOfSpace { .. })));
    fs::write(disk.path().join("other"), vec![1; 1 << 19]).expect("room");
}

#[test]
fn replacing_a_file_on_a_full_file_system_keeps_the_old_one() {
    let Some(disk) = Tmpfs::mount("size=256k") else { return };
    replace::replace_file(disk.path(), "MAP", b"old").expect("fits");
    let error = replace::replace_file(disk.path(), "MAP", &[1; 1 << 20]).expect_err("full");
    assert!(matches!(error, Error::OutOfSpace { .. }), "{error:?}");
    assert_eq!(replace::read_file(&disk.path().join("MAP"), 10).expect("read"), b"old");
    assert!(!disk.path().join("MAP.tmp").exists());
}

#[test]
fn a_read_only_file_system_can_be_read() {
    let Some(disk) = Tmpfs::mount("size=1m") else { return };
    fs::write(disk.path().join("index"), [1; 100]).expect("write");
    let remount = |options| {
        let status = Command::new("mount").args(["-o", options]).arg(disk.path()).status();
        assert!(status.is_ok_and(|status| status.success()));
    };
    remount("remount,ro");
    let unlocked = DirLock::shared(disk.path()).expect("nobody can write");
    assert!(matches!(DirLock::exclusive(disk.path()), Err(Error::Io { .. })));
    drop(unlocked);
    remount("remount,rw");
    drop(DirLock::exclusive(disk.path()).expect("free"));
    remount("remount,ro");
    let locks = [DirLock::shared(disk.path()), DirLock::shared(disk.path())];
    assert!(locks.iter().all(Result::is_ok));
    let store = MMapFile::open_private(&disk.path().join("index")).expect("open");
    assert_eq!(get(&store, 0), u64::from_ne_bytes([1; 8]));
}

/// Set for a test that another one started under a limit.
#[cfg(target_os = "linux")]
const CHILD: &str = "DISKMAP_TEST_UNDER_LIMIT";

/// Runs one ignored test of this binary in a shell with a limit set.
#[cfg(target_os = "linux")]
fn under_limit(limit: &str, test: &str) {
    let exe = std::env::current_exe().expect("path");
    let script = format!("ulimit {limit} && exec \"$0\" --ignored --exact \"$1\" --nocapture");
    let name = format!("{}::{test}", module_path!().split_once("::").map_or("", |(_, path)| path));
    let output = Command::new("sh").args(["-c", &script]).arg(exe).arg(name).env(CHILD, "1").output().expect("sh");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_size_limit_is_an_error_not_a_signal() {
    under_limit("-f 1000", "child_with_a_file_size_limit");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by a_file_size_limit_is_an_error_not_a_signal"]
fn child_with_a_file_size_limit() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let dir = Dir::new();
    let store = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    store.grow(100_000, 1 << 30).expect("the limit bounds the wish");
    let len = store.len();
    assert!(matches!(store.grow(2 << 20, 2 << 20), Err(Error::OutOfSpace { .. })));
    assert_eq!(store.len(), len);
}

#[cfg(target_os = "linux")]
#[test]
fn a_small_address_space_gets_a_small_reserve() {
    under_limit("-v 4000000", "child_with_an_address_limit");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by a_small_address_space_gets_a_small_reserve"]
fn child_with_an_address_limit() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let dir = Dir::new();
    let file = MMapFile::create(&dir.file(), DEFAULT_RESERVE).expect("create");
    file.grow(1 << 20, 0).expect("grow");
    let memory = super::VecStore::new();
    memory.grow(1 << 20, 0).expect("grow");
    assert!(file.grow(1 << 40, 1 << 40).is_err() && memory.grow(1 << 40, 1 << 40).is_err());
    assert_eq!((get(&file, 0), get(&memory, 0)), (0, 0));
    // There is no room for another range as long.
    file.divide_view();
    put(&file, 0, 7);
    assert_eq!((file.view(), word(file.view(), 0).load(Relaxed)), (file.base(), 7));
}
