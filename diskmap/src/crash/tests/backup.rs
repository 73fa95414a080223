//! A backup that a kill ends.
//!
//! Must not know how one is made. Invariant: its directory has no map, or all that the snapshot held.

use std::path::Path;

use super::{
    kinds::{Kind, Texts},
    work::{ENTRIES, Map, State, one_of, options, read_count},
};
use crate::{Error, Result};

/// Changes between the snapshot and its backup.
const CHANGES: u64 = 12;

fn open(root: &Path, name: &str) -> Result<Map<Texts>> {
    options::<Texts>(0).open(root.join(name))
}

/// What the map has after so many changes.
fn state(changes: u64) -> State {
    (0..ENTRIES).map(|number| (number, number + if number < changes { 100 } else { 0 })).collect()
}

/// Backs a map up that has changed since the snapshot was taken.
pub(super) fn back_up(root: &Path) -> Result<()> {
    let mut map = open(root, "old")?;
    let snapshot = map.snapshot();
    for number in 0..CHANGES {
        map.insert(&Texts::key(number), &Texts::value(number + 100))?;
    }
    snapshot.backup_to(root.join("map"))
}

/// Opens the map after a kill.
pub(super) fn open_again(root: &Path) -> Result<()> {
    open(root, "old").map(drop)
}

/// The map is at one of its moments, and nothing is left of the snapshot; the next backup is made where the first was.
pub(super) fn check(root: &Path) {
    let map = open(root, "old").expect("a killed map");
    let moments: Vec<State> = (0..=CHANGES).map(state).collect();
    let found = one_of::<Texts>(&map, &moments.iter().collect::<Vec<_>>());
    assert_eq!(map.stats().snapshot_bytes, 0);
    match open(root, "map") {
        Ok(backup) => drop(one_of::<Texts>(&backup, &[&state(0)])),
        Err(Error::NotFound { .. }) => {
            assert_eq!(read_count(root), 0, "a backup that was made is there");
            map.backup_to(root.join("map")).expect("the next backup");
            one_of::<Texts>(&open(root, "map").expect("a backup"), &[&found]);
        }
        Err(error) => panic!("{error}"),
    }
}
