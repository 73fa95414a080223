//! What the kernel counts and what it takes for plain files.
//!
//! Must not know maps. Invariant: the file written is new, as large as asked for, and gone afterwards.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use anyhow::{Context, Result};
use diskmap_benches::machine::timed_ms;

/// What `work` returned, and the bytes that the block layer was given meanwhile: by this process when it made pages dirty,
/// mapped or not.
pub(crate) fn written<R>(work: impl FnOnce() -> Result<R>) -> Result<(u64, R)> {
    let before = write_bytes()?;
    let result = work()?;
    Ok((write_bytes()?.saturating_sub(before), result))
}

fn write_bytes() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io").context("the kernel counts no bytes")?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).context("the kernel counts no bytes")?;
    Ok(line.parse()?)
}

/// Milliseconds that writing and syncing so many bytes takes, as `dd conv=fsync` does it.
pub(crate) fn write_and_sync(dir: &Path, bytes: u64) -> Result<f64> {
    let path = dir.join("plain");
    let block = vec![0x5A; 1 << 20];
    let (took, ()) = timed_ms(|| {
        let mut file = File::create(&path)?;
        let mut left = bytes as usize;
        while left > 0 {
            let len = left.min(block.len());
            file.write_all(&block[..len])?;
            left -= len;
        }
        Ok(file.sync_all()?)
    })?;
    fs::remove_file(&path)?;
    Ok(took)
}
