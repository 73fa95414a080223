//! Where the maps of benches lie.
//!
//! Must not know maps. Invariant: they do not lie in memory unless the build directory does.

use std::path::Path;

use anyhow::Result;
use diskmap_benches::machine::scratch;
use tempfile::TempDir;

/// A new directory in the build directory.
pub(crate) fn dir() -> Result<TempDir> {
    scratch(Some(Path::new(env!("CARGO_TARGET_TMPDIR"))))
}
