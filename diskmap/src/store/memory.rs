//! How much memory there is: the machine's, or what its control groups allow this process.
//!
//! Must not know what it is for. Invariant: what cannot be found out limits nothing.

use super::os::kernel_text;
use std::{path::Path, sync::OnceLock};

/// A file of so many bytes fits whatever memory there is.
pub(super) const ALWAYS_FITS: u64 = 4 << 20;

/// Bytes, as they were when this was first asked.
pub(super) fn memory() -> u64 {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let groups = kernel_text("/proc/self/cgroup").unwrap_or_default();
        let allowed = limit_files(&groups).into_iter().filter_map(|file| limit(&kernel_text(&file).ok()?));
        allowed.chain(of_machine()).min().unwrap_or(u64::MAX)
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn of_machine() -> Option<u64> {
    let info = rustix::system::sysinfo();
    info.totalram.checked_mul(info.mem_unit.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn of_machine() -> Option<u64> {
    None
}

/// Where the limits of the groups in `/proc/self/cgroup` stand, those of the groups around them too.
fn limit_files(groups: &str) -> Vec<String> {
    let files = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            v1 if v1.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return Vec::new(),
        };
        Path::new(path).ancestors().map(|group| format!("{root}{}/{file}", group.display())).collect()
    });
    files.collect()
}

fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_groups_are_found() {
        let files = limit_files("12:cpu,memory:/a/b\n3:cpuset:/\n0::/user.slice\nnonsense");
        let expected = [
            "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory//memory.limit_in_bytes",
            "/sys/fs/cgroup/user.slice/memory.max",
            "/sys/fs/cgroup//memory.max",
        ];
        assert_eq!(files, expected);
        assert_eq!((limit("max\n"), limit("134217728\n")), (None, Some(128 << 20)));
    }

    #[test]
    fn there_is_some() {
        assert!(memory() > 1 << 20);
        if let Ok(text) = std::fs::read_to_string("/proc/meminfo") {
            let kib = of_machine().expect("told") >> 10;
            assert!(text.contains(&format!(" {kib} kB")), "{kib} of {text}");
        }
    }
}
