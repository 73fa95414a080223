//! The child: works as it is told, and tells how far it came.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use super::{
    Orders, backup,
    kinds::{Alike, Names, Texts, Wide},
    orders,
    several::DEPTH,
    together, work,
};
use crate::{OpenOptions, error::Result};

/// What a child does: its scenario, `again` if it only opens what another one has left, and a directory.
pub(super) const ARGUMENT: &str = "DISKMAP_CRASH_CHILD";
/// What it does at points: `count`, or a point's name, `#` and a number.
pub(super) const CRASH: &str = "DISKMAP_CRASH";

#[test]
fn child() {
    let Ok(argument) = std::env::var(ARGUMENT) else { return };
    let (name, rest) = argument.split_once(' ').expect("a scenario and a directory");
    let ended = match rest.strip_prefix("again ") {
        Some(root) => again(name, Path::new(root)),
        None => first(name, Path::new(rest)),
    };
    if let Err(error) = ended {
        eprintln!("the child failed: {error}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

fn first(name: &str, root: &Path) -> Result<()> {
    let dir = root.join("map");
    let done = File::create(root.join("done")).expect("a file");
    let tell = |count: u64| done.write_all_at(&count.to_le_bytes(), 0).expect("told");
    match name {
        "wide" => work::work::<Wide>(&dir, tell)?,
        "texts" => work::work::<Texts>(&dir, tell)?,
        "alike" => work::work::<Alike>(&dir, tell)?,
        "names" => work::work::<Names>(&dir, tell)?,
        "wide-of-four" => work::work_of_several::<Wide>(&dir, DEPTH, tell)?,
        "texts-of-four" => work::work_of_several::<Texts>(&dir, DEPTH, tell)?,
        "together" => together::work(root)?,
        "automatic" => work::work_beside_automatic::<Texts>(&dir, tell)?,
        "migrate" => work::migrate(&dir)?,
        "backup" => {
            backup::back_up(root)?;
            tell(1);
        }
        "repair" => {
            work::repair(root)?;
            tell(1);
        }
        other => panic!("no scenario {other}"),
    }
    if let Some(Orders::Count(counts)) = orders() {
        let counts = counts.lock().expect("counts");
        let lines = counts.iter().map(|(name, count)| format!("{count} {name}\n"));
        std::fs::write(root.join("counts"), lines.collect::<String>()).expect("told");
    }
    Ok(())
}

/// Opens the map under the boot that the first child was in.
fn again(name: &str, root: &Path) -> Result<()> {
    let dir = root.join("map");
    match name {
        "wide" => work::open_again::<Wide>(root, &work::plan::<Wide>(), None),
        "texts" => work::open_again::<Texts>(root, &work::plan::<Texts>(), None),
        "alike" => work::open_again::<Alike>(root, &work::plan::<Alike>(), None),
        "names" => work::open_again::<Names>(root, &work::plan::<Names>(), None),
        "wide-of-four" => work::open_again::<Wide>(root, &work::plan::<Wide>(), Some(DEPTH)),
        "texts-of-four" => work::open_again::<Texts>(root, &work::plan::<Texts>(), Some(DEPTH)),
        "automatic" => work::open_again::<Texts>(root, &work::plan_of_automatic::<Texts>(), None),
        "backup" => backup::open_again(root),
        "migrate" => OpenOptions::new().open::<u64, work::Large>(dir).map(drop),
        other => panic!("no second child in {other}"),
    }
}
