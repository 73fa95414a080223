//! A map that four writers share, killed as one that has a single writer is.
//!
//! Must not know what its steps are. Invariant: the operations are those of a single writer, so that the same oracle knows
//! what is there.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    kinds::Kind,
    work::{check_after, plan},
};
use crate::raw::intent::{INTENT, INTENTS_AT};

/// For how many bits of depth it is shared.
pub(super) const DEPTH: u32 = 2;

/// A bit for each intent record that was found committed.
static COMMITTED: AtomicU64 = AtomicU64::new(0);

/// The numbers of the writers that have an intent committed.
pub(super) fn committed(dir: &Path) -> Vec<u32> {
    let bytes = fs::read(dir.join("segments")).unwrap_or_default();
    let first = |number: &u32| {
        let at = INTENTS_AT as usize + *number as usize * INTENT as usize;
        bytes.get(at..at + 8).is_some_and(|word| word != [0; 8])
    };
    (0..1 << DEPTH).filter(first).collect()
}

/// What a killed child has left.
pub(super) fn check<T: Kind>(root: &Path) {
    let committed = committed(&root.join("map"));
    assert!(committed.len() <= 1, "one writer wrote at a time: {committed:?}");
    for number in committed {
        COMMITTED.fetch_or(1 << number, Ordering::Relaxed);
    }
    check_after::<T>(root, &plan::<T>(), false, Some(DEPTH));
}

/// How many of the writers were killed with an intent committed.
pub(super) fn were_committed() -> u32 {
    COMMITTED.load(Ordering::Relaxed).count_ones()
}
