//! This test binary once more, as a child process that can be killed.

use std::process::{Command, Stdio};

use tempfile::TempDir;

const CHILD: &str = "DISKMAP_IT_CHILD";

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

/// A directory in memory if there is one, where syncing costs nothing.
pub(crate) fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}
