//! A copy of a map's snapshot in another directory, which opens like any map.
//!
//! On `raw` and `disk`; must not know key or value types. Invariant: the directory becomes a map only when everything in
//! it is on the medium and was read again and found sound.

use std::{path::Path, sync::Arc};

use crate::{
    crash,
    disk::{Access, CHECKPOINT, Disk},
    error::Result,
    format::{manifest::Manifest, map_file::MapFile},
    raw::{Core, Files, Frozen, Root, Validate},
    report::{Progress, Report},
    store::{ByteStore, MMapFile, replace::replace_file},
    table::Scheme,
};

/// Makes `dir` a map with the entries of a snapshot. `map` is what its `MAP` will say.
pub(crate) fn write<B: ByteStore, C: Scheme>(
    core: &Core<B, C>,
    frozen: &Frozen,
    map: &MapFile,
    dir: &Path,
    validate: Validate,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let (disk, files) = Disk::create(dir, &Access::default(), C::LAYOUT.has_heap(), map)?;
    let written = fill(core, frozen, &disk, files, validate, progress).and_then(|()| {
        crash::point("backup: read again");
        disk.publish(map)
    });
    crash::point("backup: published");
    if written.is_err() {
        disk.discard();
    }
    written
}

fn fill<B: ByteStore, C: Scheme>(
    core: &Core<B, C>,
    frozen: &Frozen,
    disk: &Disk,
    files: Files<MMapFile>,
    validate: Validate,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    // Every byte is met twice: it is copied and read again.
    let mut bytes = 0;
    let manifest = core.copy_frozen(frozen, disk.uuid, &files, &mut |done, total| {
        bytes = total;
        progress(Progress { done, total: 2 * total });
    })?;
    replace_file(&disk.dir, CHECKPOINT, &manifest.encode())?;
    crash::point("backup: manifest written");
    read_again(core.scheme(), files, &manifest, validate, &mut |read: Progress| {
        let part = u128::from(bytes) * u128::from(read.done) / u128::from(read.total.max(1));
        progress(Progress { done: bytes + part as u64, total: 2 * bytes });
    })
}

/// Looks at everything in the files, as opening and verifying them would.
fn read_again<C: Scheme>(
    scheme: &C,
    files: Files<MMapFile>,
    manifest: &Manifest,
    validate: Validate,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let copy = Core::open(scheme, files, Arc::default(), manifest.clone(), Root::Checkpoint)?;
    let mut report = Report::default();
    copy.inspect(validate, Some(manifest), &mut report, progress);
    // Cells that a killed process left in use are copied like all others.
    report.sound()
}
