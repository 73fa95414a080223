//! The way from what is stored to a type of today: through its earlier versions, and theirs.
//!
//! Must not know how a map is rewritten. Invariant: each version is looked at once, and what one step wrote is validated
//! before the next reads it.

use std::{marker::PhantomData, rc::Rc};

use super::{Lent, rewrite};
use crate::{
    codec::{DiskKey, DiskValue, Encode, Versions},
    disk::Locked,
    error::{Error, Result},
    hash::StableHasher,
    map::{Recovery, options::Settings, typed},
};

/// How a map is rewritten.
pub(super) struct Plan<S> {
    /// Only when the caller asked for it.
    pub asked: bool,
    /// Rewrites it; how it was found.
    pub run: Box<dyn FnOnce(&Locked, Lent<S>, &Settings) -> Result<Recovery>>,
}

impl<S: StableHasher + Send + Sync + 'static> Plan<S> {
    /// From the version with this fingerprint to the values of today, `None` if there is none.
    pub(super) fn find<K: ?Sized + DiskKey, V: ?Sized + DiskValue>(stored: u64) -> Option<Plan<S>> {
        let mut quest = Quest { stored, seen: vec![V::SCHEMA.fingerprint()], plan: None };
        Search::<K, V, V, S> {
            quest: &mut quest,
            onward: Rc::new(|bytes, to| to(bytes)),
            asked: false,
            deeper: false,
            types: PhantomData,
        }
        .run();
        quest.plan
    }
}

/// Takes the bytes of a value.
type Sink<'s> = dyn FnMut(&[u8]) -> Result<()> + 's;
/// From the bytes of an earlier version to those of today.
pub(super) type Onward = Rc<dyn Fn(&[u8], &mut Sink<'_>) -> Result<()>>;

/// What all searches for one map share.
struct Quest<S> {
    /// The fingerprint of what is stored.
    stored: u64,
    /// Versions whose own earlier versions were looked at: each once, so that types that name each other end.
    seen: Vec<u64>,
    plan: Option<Plan<S>>,
}

/// Looks among the earlier versions of `V`, itself one of `T`, for what is stored: first among its own, then among those
/// of each.
struct Search<'q, K: ?Sized, T: ?Sized, V: ?Sized, S> {
    quest: &'q mut Quest<S>,
    /// From a `V` to a `T`.
    onward: Onward,
    /// Whether one of the steps from `V` to `T` is made only when asked for.
    asked: bool,
    /// Whether it is the second round.
    deeper: bool,
    types: PhantomData<(Box<K>, Box<T>, Box<V>)>,
}

impl<K, T, V, S> Search<'_, K, T, V, S>
where
    K: ?Sized + DiskKey,
    T: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    fn run(mut self) {
        for deeper in [false, true] {
            self.deeper = deeper;
            V::versions(&mut self);
        }
    }
}

impl<K, T, V, S> Versions<V> for Search<'_, K, T, V, S>
where
    K: ?Sized + DiskKey,
    T: ?Sized + DiskValue,
    V: ?Sized + DiskValue,
    S: StableHasher + Send + Sync + 'static,
{
    fn version<E>(&mut self, asked: bool)
    where
        E: ?Sized + DiskValue,
        V: for<'x> Encode<E::View<'x>>,
    {
        let fingerprint = E::SCHEMA.fingerprint();
        let fits = !self.deeper && fingerprint == self.quest.stored;
        let descend = self.deeper && !self.quest.seen.contains(&fingerprint);
        if self.quest.plan.is_some() || !(fits || descend) {
            return;
        }
        let (asked, onward) = (self.asked || asked, step::<E, V>(&self.onward));
        if fits {
            let run = Box::new(move |locked: &Locked, hasher: Lent<S>, settings: &Settings| {
                rewrite::<K, E, T, S>(locked, &hasher, settings, &onward)
            });
            self.quest.plan = Some(Plan { asked, run });
        } else {
            self.quest.seen.push(fingerprint);
            let quest = &mut *self.quest;
            Search::<K, T, E, S> { quest, onward, asked, deeper: false, types: PhantomData }.run();
        }
    }
}

/// One step more in front: an `E` is read and written as a `V`.
fn step<E, V>(onward: &Onward) -> Onward
where
    E: ?Sized + DiskValue,
    V: ?Sized + for<'x> Encode<E::View<'x>>,
{
    let onward = Rc::clone(onward);
    Rc::new(move |bytes, to| {
        let view = E::read(bytes).map_err(|invalid| typed::refused::<E>(invalid.reason()))?;
        V::with_bytes(&view, |bytes| match V::validate(bytes) {
            Ok(()) => onward(bytes, to),
            Err(invalid) => Err(miswritten::<E, V>(invalid.reason())),
        })?
    })
}

#[cold]
fn miswritten<E: ?Sized + DiskValue, V: ?Sized + DiskValue>(reason: &str) -> Error {
    let what =
        format!("what was written for a `{}` is not a `{}`: {reason}; fix the `Encode` impl", E::SCHEMA, V::SCHEMA);
    Error::Encode { what }
}
