//! Tests in processes of their own: a signal or an endless loop there is a failure of one test.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const CHILD: &str = "DISKMAP_IT_CHILD";
const NOTES: &str = "DISKMAP_IT_NOTES";

/// This test binary once more, to run one test with an argument.
pub(crate) fn respawn(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD, argument).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The argument of [`respawn`]; `None` in the process that was not started by it.
pub(crate) fn argument() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// The cases of a test that runs in a process of its own.
pub(crate) struct Cases {
    notes: File,
    failures: Vec<String>,
    /// How many ran.
    pub count: u64,
}

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

impl Cases {
    /// Runs a case; a panic in it is noted, and the next case can go on.
    pub(crate) fn run<R>(&mut self, name: impl Fn() -> String, case: impl FnOnce() -> R) -> Option<R> {
        self.count += 1;
        self.note(&name());
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(case)) {
            Ok(result) => Some(result),
            Err(_) => {
                let panic = LAST_PANIC.lock().expect("the last panic").clone();
                let failure = format!("{}: {panic}", name());
                eprintln!("FAILED {failure}");
                self.failures.push(failure);
                assert!(self.failures.len() < 20, "too many failures");
                None
            }
        }
    }

    fn note(&mut self, text: &str) {
        let mut line = [b' '; 240];
        for (to, from) in line.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        self.notes.write_all_at(&line, 0).expect("a note");
    }
}

/// Runs `body` in a process of its own that has `limit` for it, so that a signal or an endless loop is a failure of this
/// test with the name of the case.
pub(crate) fn isolated(test: &str, limit: Duration, body: impl FnOnce(&mut Cases)) {
    if argument().as_deref() == Some(test) {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            *LAST_PANIC.lock().expect("the last panic") = text;
        }));
        let notes = File::options().write(true).open(std::env::var(NOTES).expect("notes")).expect("notes");
        let mut cases = Cases { notes, failures: Vec::new(), count: 0 };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&mut cases)));
        if done.is_err() {
            let failure = LAST_PANIC.lock().expect("the last panic").clone();
            eprintln!("FAILED {failure}");
            cases.failures.push(failure);
        }
        eprintln!("{} cases", cases.count);
        std::process::exit(if cases.failures.is_empty() { 0 } else { 7 });
    }
    assert_eq!(argument(), None, "a child runs its own test only");
    let dir = memory_dir();
    let (notes, output) = (dir.path().join("notes"), dir.path().join("output"));
    File::create(&notes).expect("notes");
    let mut child =
        respawn(test, test).env(NOTES, &notes).stderr(File::create(&output).expect("output")).spawn().expect("a child");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child's state") {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().expect("the child killed");
            child.wait().expect("the child's end");
            panic!("{test} does not end; the last case: {}", fs::read_to_string(&notes).unwrap_or_default().trim());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = fs::read_to_string(&output).unwrap_or_default();
    let last = fs::read_to_string(&notes).unwrap_or_default();
    assert!(status.success(), "{test}: {status}; the last case: {}\n{output}", last.trim());
    println!("{test}: {} in {:?}", output.trim(), start.elapsed());
}

/// The seed of this run.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = match std::env::var("DISKMAP_SEED") {
        Ok(text) => text.parse().expect("DISKMAP_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("{test}: DISKMAP_SEED={seed}");
    seed
}

/// A directory in memory if there is one, where syncing costs nothing.
pub(crate) fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// Copies the files of a directory; the copies have other inodes.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// What the files of a directory hold, `lock` left out.
pub(crate) fn contents(dir: &Path) -> Vec<(String, u64, u64)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_name() != "lock")
        .map(|entry| {
            let bytes = fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes.len() as u64, xxh3_64(&bytes))
        })
        .collect();
    files.sort();
    files
}
