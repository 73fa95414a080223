//! Inserts of which each is on the medium before the next one begins.
//!
//! Must not know engines. Invariant: one insert, one sync.

use anyhow::Result;

use super::{Task, hits, remove_dir};
use crate::{
    engine::{About, Engine, Write},
    figure::{tell_lack, tell_pace},
    pace::paced,
    pair::{Pair, seed},
};

pub(super) fn run<P: Pair, E: Engine<P>>(task: &Task, about: &About) -> Result<()> {
    if let Some(reason) = about.lack("sync-each") {
        tell_lack("sync-each", reason);
        return Ok(());
    }
    let keys = P::keys(task.entries)?;
    let dir = task.dir.join("synced");
    let mut engine = E::open(&dir)?;
    let mut maker = P::Maker::default();
    // Commits of the engines that sync have put it there.
    let committed = about.name.ends_with("-sync");
    let pace = paced(keys.stored.len(), 1, task.cap(), |part| {
        engine.write(|writer| {
            keys.stored[part].iter().try_for_each(|&key| writer.insert(key, P::make(&mut maker, seed(key, 0))))
        })?;
        if committed { Ok(()) } else { engine.sync() }
    })?;
    engine.read(|reader| hits::<P>(reader, &keys.stored[..pace.done], 0, task.cap()))?;
    tell_pace("sync-each", pace);
    drop(engine);
    remove_dir(&dir)
}
