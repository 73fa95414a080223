//! A control group with a limit on memory, of version 1 or 2.
//!
//! Must not know who joins it. Invariant: the group goes when its owner does.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// A group of this process.
pub(crate) struct Limit {
    path: PathBuf,
    /// Where the kernel counts processes it ended, and the name of the count.
    events: (&'static str, &'static str),
}

impl Limit {
    /// Makes a group whose processes may use so many bytes, cached file pages included.
    pub(crate) fn new(bytes: u64) -> Result<Limit> {
        let root = Path::new("/sys/fs/cgroup");
        let (parent, file, events) = if root.join("memory/memory.limit_in_bytes").exists() {
            (root.join("memory"), "memory.limit_in_bytes", ("memory.oom_control", "oom_kill"))
        } else if root.join("cgroup.controllers").exists() {
            (root.to_owned(), "memory.max", ("memory.events", "oom_kill"))
        } else {
            bail!("there are no control groups for memory in {}", root.display());
        };
        let path = parent.join(format!("diskmap-compare-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("may not make {}", path.display()))?;
        let limit = Limit { path, events };
        let file = limit.path.join(file);
        fs::write(&file, bytes.to_string()).with_context(|| format!("cannot set {}", file.display()))?;
        Ok(limit)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the kernel ended a process of it for want of memory.
    pub(crate) fn killed(&self) -> Result<bool> {
        let text = fs::read_to_string(self.path.join(self.events.0))?;
        let count = text.lines().find_map(|line| line.strip_prefix(self.events.1)).map(str::trim);
        Ok(count.is_some_and(|count| count != "0"))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // It is empty, unless a process of it could not be ended.
        let _ = fs::remove_dir(&self.path);
    }
}
