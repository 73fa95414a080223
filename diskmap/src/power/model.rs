//! What a map should have in it, and what may be found after a power cut.
//!
//! Must not know media. Invariant: what is believed follows from which calls were made and which returned `Ok`, never from
//! what is in a file.

use std::{collections::BTreeMap, sync::Arc};

use super::kinds::{Entries, Kind, Map};

/// Versions by number.
pub(super) type Model = Arc<BTreeMap<u32, u64>>;

/// What was found wrong, if anything.
pub(super) type Check = Result<(), String>;

/// Changes one entry, or all.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Insert(u32, u64),
    Remove(u32),
    Clear,
}

/// What is believed of a directory.
#[derive(Clone, Default)]
pub(super) struct Belief {
    /// What is in the map, once that is known.
    pub live: Option<Model>,
    /// A change to it that has not returned.
    pub doing: Option<Change>,
    /// What the last durable checkpoint has, and after it what one in progress has.
    pub durable: Vec<Model>,
    /// Creating the map has returned.
    pub exists: bool,
}

impl Change {
    pub(super) fn apply(self, model: &mut Model) {
        let model = Arc::make_mut(model);
        match self {
            Change::Insert(number, version) => {
                model.insert(number, version);
            }
            Change::Remove(number) => {
                model.remove(&number);
            }
            Change::Clear => model.clear(),
        }
    }
}

impl Belief {
    /// Of an empty directory.
    pub(super) fn nothing() -> Belief {
        Belief { live: Some(Model::default()), doing: None, durable: vec![Model::default()], exists: false }
    }

    /// A power cut leaves a checkpoint.
    pub(super) fn after_cut(&self) -> Belief {
        Belief { live: None, doing: None, durable: self.durable.clone(), exists: self.exists }
    }

    /// A kill leaves everything.
    pub(super) fn after_kill(&self) -> Option<Belief> {
        self.live.is_some().then(|| self.clone())
    }

    /// What may be found by an open.
    pub(super) fn possible(&self) -> Vec<Model> {
        let Some(live) = &self.live else { return self.durable.clone() };
        let mut possible = vec![Arc::clone(live)];
        if let Some(change) = self.doing {
            let mut after = Arc::clone(live);
            change.apply(&mut after);
            possible.push(after);
        }
        possible
    }

    /// A checkpoint begins.
    pub(super) fn begin(&mut self) {
        self.durable.extend(self.live.clone());
    }

    /// A checkpoint of `model` has returned.
    pub(super) fn done(&mut self, model: Model) {
        self.durable = vec![model];
    }
}

/// Which of some models a map is exactly.
pub(super) fn which<T: Kind>(map: &Map<T>, models: &[Model]) -> Result<Model, String> {
    let mut differences = Vec::new();
    for model in models {
        match compare::<T>(map, model) {
            Ok(()) => return Ok(Arc::clone(model)),
            Err(difference) => differences.push(difference),
        }
    }
    Err(format!("it is none of {} models: {}", models.len(), differences.join("; ")))
}

/// Whether a map has exactly what a model has.
pub(super) fn compare<T: Kind>(map: &Map<T>, model: &Model) -> Check {
    compare_all::<T>(map.len(), map.iter(), model)
}

/// Whether the entries of a map or a snapshot are exactly what a model has.
pub(super) fn compare_all<T: Kind>(len: u64, entries: Entries<'_, T>, model: &Model) -> Check {
    if len != model.len() as u64 {
        return Err(format!("len() is {len} and not {}", model.len()));
    }
    let mut found = 0;
    for entry in entries {
        let (key, value) = entry.map_err(|error| format!("an entry cannot be read: {error}"))?;
        let number = T::number(key).ok_or("a key that was never inserted")?;
        let version = model.get(&number).ok_or_else(|| format!("number {number} should not be there"))?;
        if !T::is(value, number, *version) {
            return Err(format!("number {number} has another value"));
        }
        found += 1;
    }
    // A number can be there only once, or `verify` finds the second.
    if found != model.len() { Err(format!("{found} entries and not {}", model.len())) } else { Ok(()) }
}
