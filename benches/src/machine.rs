//! The machine: pinning the program, a directory on a real disk, and what a map's files take there.
//!
//! Must not know maps. Invariant: nothing is measured on a file system that lives in memory unless the user names it.

use std::{
    hint::black_box,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use memmap2::{Advice, MmapMut};
use rustix::{
    fs::statfs,
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use tempfile::TempDir;

const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58F6;

/// Keeps the program, and all threads it starts from now on, on one CPU.
pub fn pin(cpu: usize) -> Result<()> {
    ensure!(cpu < CpuSet::MAX_CPU, "there is no CPU {cpu}");
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).with_context(|| format!("cannot stay on CPU {cpu}"))
}

/// A temporary directory in `parent`, or in the build directory, or where temporary files go.
pub fn scratch(parent: Option<&Path>) -> Result<TempDir> {
    let parent = match parent {
        Some(parent) => parent.to_owned(),
        None => {
            let built = PathBuf::from("target");
            let parent = if built.is_dir() { built } else { std::env::temp_dir() };
            ensure!(!in_memory(&parent)?, "{} is in memory; name a directory on a disk with --dir", parent.display());
            parent
        }
    };
    TempDir::with_prefix_in("diskmap-bench-", &parent)
        .with_context(|| format!("cannot make a directory in {}", parent.display()))
}

/// Whether a file system keeps its files in memory.
pub fn in_memory(dir: &Path) -> Result<bool> {
    let kind = statfs(dir).with_context(|| format!("cannot look at {}", dir.display()))?.f_type as u64;
    Ok(kind == TMPFS || kind == RAMFS)
}

/// Has the system at hand as much memory as a map of so many entries may grow by in a measurement. A virtual machine gives memory
/// that is free back to its host after some seconds, and has to wait for a page of it ten times as long as for one that it kept.
pub fn warm_memory(entries: usize) -> Result<()> {
    const BYTES_AN_ENTRY: usize = 107;
    let mut memory = MmapMut::map_anon((entries * BYTES_AN_ENTRY).max(1)).context("cannot map memory to warm it")?;
    // Where there are no huge pages, small ones will do.
    let _ = memory.advise(Advice::HugePage);
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = black_box(1));
    Ok(())
}

/// Bytes that the files of a directory and of those in it occupy.
pub fn bytes_on_disk(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let metadata = entry?.metadata()?;
        bytes += if metadata.is_dir() { 0 } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

/// What figures depend on, in the words of the system: each thing and what it is.
pub fn description(dir: &Path) -> Result<Vec<(&'static str, String)>> {
    let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".into(), |(_, value)| value.trim().to_owned())
    };
    let system = rustix::system::uname();
    let cores = std::thread::available_parallelism()?;
    Ok(vec![
        ("CPU", field(&read("/proc/cpuinfo")?, "model name")),
        ("cores", cores.to_string()),
        ("memory", field(&read("/proc/meminfo")?, "MemTotal")),
        ("kernel", format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy())),
        ("file system", file_system(&read("/proc/self/mounts")?, &dir.canonicalize()?)),
        ("huge pages", read("/sys/kernel/mm/transparent_hugepage/enabled")?.trim().to_owned()),
    ])
}

/// Type and options of the mount that a path is in: the last of the longest.
fn file_system(mounts: &str, path: &Path) -> String {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let within = fields.filter(|fields| fields.len() > 3 && path.starts_with(fields[1]));
    let mount = within.max_by_key(|fields| fields[1].len());
    mount.map_or_else(|| "unknown".into(), |fields| format!("{} ({})", fields[2], fields[3]))
}

static CPU_TIME: AtomicBool = AtomicBool::new(false);

/// From now on [`timed`] takes the time the thread was on a CPU: other programs on it then disturb less, and what the
/// thread waits for (a disk, a lock) does not count.
pub fn count_cpu_time() {
    CPU_TIME.store(true, Ordering::Relaxed);
}

/// Nanoseconds for each of `count` operations, and what they returned.
pub fn timed<R>(count: usize, work: impl FnOnce() -> Result<R>) -> Result<(f64, R)> {
    if !CPU_TIME.load(Ordering::Relaxed) {
        let (milliseconds, result) = timed_ms(work)?;
        return Ok((milliseconds * 1e6 / count as f64, result));
    }
    let start = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?;
    let result = work()?;
    let time = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))? - start;
    Ok((time.as_nanos() as f64 / count as f64, result))
}

/// Milliseconds by the clock on the wall, and what the work returned.
pub fn timed_ms<R>(work: impl FnOnce() -> Result<R>) -> Result<(f64, R)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed().as_secs_f64() * 1e3, result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_is_taken() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw,noatime 0 0\nnone /proc proc rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/data/maps")), "xfs (rw,noatime)");
        assert_eq!(file_system(mounts, Path::new("/database")), "ext4 (rw)");
    }
}
