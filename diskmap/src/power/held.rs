//! Snapshots that are held while a map goes on.
//!
//! Must not know what happens to the map. Invariant: each shows what was in the map when it was taken, whenever it is
//! looked at.

use fastrand::Rng;

use super::{
    kinds::Kind,
    model::{self, Check, Model},
};
use crate::Snapshot;

/// At most so many at a time.
const MOST: usize = 3;
/// Keys of a snapshot that are looked up.
const LOOKUPS: usize = 40;

/// Snapshots, and what each must show.
pub(super) struct Held<T: Kind>(Vec<(Snapshot<T::K, T::V>, Model)>);

impl<T: Kind> Held<T> {
    pub(super) fn none() -> Held<T> {
        Held(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one that was taken last, and what it must show.
    pub(super) fn last(&self) -> Option<(&Snapshot<T::K, T::V>, &Model)> {
        self.0.last().map(|(snapshot, model)| (snapshot, model))
    }

    /// Takes one that has what `model` has; lets another one go if there are many.
    pub(super) fn take(&mut self, snapshot: Snapshot<T::K, T::V>, model: Model, rng: &mut Rng) -> Check {
        if self.0.len() == MOST {
            self.let_go(rng)?;
        }
        self.0.push((snapshot, model));
        Ok(())
    }

    /// Lets go of one, after a last look at it.
    pub(super) fn let_go(&mut self, rng: &mut Rng) -> Check {
        if self.is_empty() {
            return Ok(());
        }
        let (snapshot, model) = self.0.swap_remove(rng.usize(..self.0.len()));
        compare::<T>(&snapshot, &model)
    }

    /// Lets go of all.
    pub(super) fn let_all_go(&mut self) -> Check {
        self.compare()?;
        self.0.clear();
        Ok(())
    }

    /// Whether each shows what it must.
    pub(super) fn compare(&self) -> Check {
        self.0.iter().try_for_each(|(snapshot, model)| compare::<T>(snapshot, model))
    }
}

fn compare<T: Kind>(snapshot: &Snapshot<T::K, T::V>, model: &Model) -> Check {
    let wrong = |what: String| format!("a snapshot: {what}");
    model::compare_all::<T>(snapshot.len(), snapshot.iter(), model).map_err(wrong)?;
    for (&number, &version) in model.iter().step_by(1 + model.len() / LOOKUPS) {
        for (number, version) in [(number, Some(version)), (number + 1, model.get(&(number + 1)).copied())] {
            let found = snapshot.get(&T::key(number)).map_err(|error| wrong(error.to_string()))?;
            let right = match (found, version) {
                (Some(value), Some(version)) => T::is(value, number, version),
                (found, version) => found.is_none() && version.is_none(),
            };
            if !right {
                return Err(wrong(format!("number {number} is not what it was")));
            }
        }
    }
    Ok(())
}
