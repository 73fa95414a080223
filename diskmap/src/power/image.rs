//! What a power cut or a kill leaves of a map, opened as a user would open it.
//!
//! Must not know how the image came about. Invariant: an image passes only if it is exactly one of the states that may be
//! found there, is sound, and goes on from there.

use std::{
    fs,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use fastrand::Rng;

use super::{
    kinds::Kind,
    model::{Belief, Check},
    plan::Op,
    simulator::Run,
    walk::Walk,
};
use crate::{
    format::identity::{FileIdentity, Identity, SECTOR},
    store::os,
};

/// A directory, and what may be found there.
#[derive(Clone)]
pub(super) struct Image {
    pub dir: PathBuf,
    /// Of the boot in which it will be opened.
    pub boot: u64,
    pub belief: Belief,
}

/// The boot id of a boot.
pub(super) fn boot_id(boot: u64) -> [u8; 16] {
    (u128::from(boot) + 1).to_le_bytes()
}

/// Opens an image, looks at it, and goes on with it; `deeper` cuts the power meanwhile.
pub(super) fn check<T: Kind>(run: &Arc<Run>, image: Image, deeper: Option<u32>, mut rng: Rng) -> Check {
    let dir = image.dir.clone();
    let result = catch_unwind(AssertUnwindSafe(|| go_on::<T>(run, image, deeper, &mut rng)));
    let _ = fs::remove_dir_all(dir);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("?")))
    })
}

fn go_on<T: Kind>(run: &Arc<Run>, image: Image, deeper: Option<u32>, rng: &mut Rng) -> Check {
    let mut walk = Walk::<T>::open(run, image, deeper, rng)?;
    walk.verify()?;
    let ops = if deeper.is_some() { rng.usize(..24) } else { rng.usize(..6) };
    walk.run(ops)?;
    match rng.u32(..6) {
        0 => walk.apply(Op::Close)?,
        1 => walk.apply(Op::Kill)?,
        _ => {}
    }
    walk.compare()?;
    walk.end();
    Ok(())
}

/// Makes the identity sector name the files of this directory, as if they were those that were written to.
pub(super) fn adopt(dir: &Path) {
    let Ok(file) = fs::File::options().read(true).write(true).open(dir.join("segments")) else { return };
    let mut sector = [0; SECTOR];
    if file.read_exact_at(&mut sector, 0).is_err() {
        return;
    }
    let Some(stored) = Identity::parse(&sector) else { return };
    let identity = |name: &str| match fs::metadata(dir.join(name)) {
        Ok(metadata) => {
            let found = os::FileIdentity::of(&metadata);
            FileIdentity { dev: found.dev, inode: found.inode, birth: found.birth_nanos as u64 }
        }
        Err(_) => FileIdentity::ABSENT,
    };
    let adopted = Identity {
        index: identity("index"),
        segments: identity("segments"),
        heap: identity("heap"),
        blocks: identity("blocks"),
        ..stored
    };
    file.write_all_at(&adopted.encode(), 0).expect("the sector written");
}
