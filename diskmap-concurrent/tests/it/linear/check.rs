//! Whether there is an order of operations that explains a history: a search through all orders, each state once.
//!
//! Must not know maps. After Wing and Gong, "Testing and verifying concurrent objects" (1993), with Lowe's memory of what was
//! tried. Invariant: an operation is put before another one only if it began before that one ended.

use std::collections::HashSet;

pub(super) const KEYS: usize = 3;

/// The value of each key.
pub(super) type State = [Option<u64>; KEYS];

/// An operation and its result.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Get(usize, Option<u64>),
    Has(usize, bool),
    /// The value, and the previous one.
    Insert(usize, u64, Option<u64>),
    Remove(usize, Option<u64>),
    TryInsert(usize, u64, bool),
    /// The new value, and what the closure saw.
    Update(usize, u64, Option<u64>),
    /// The value offered, the value there is then, and whether the closure was called.
    GetOrInsert(usize, u64, u64, bool),
    /// What the closure saw, and whether it was removed.
    RemoveEven(usize, Option<u64>, bool),
    /// What was expected, the new value, and the result.
    Exchange(usize, u64, u64, Result<(), Option<u64>>),
    Clear,
    Snapshot(State),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    #[expect(dead_code, reason = "shown when a history has no order")]
    pub(super) thread: u64,
    pub(super) begin: u64,
    pub(super) end: u64,
    pub(super) act: Act,
}

impl Act {
    /// The state afterwards; `None` if the result could not be this one.
    fn apply(self, mut state: State) -> Option<State> {
        let fits = match self {
            Act::Get(key, seen) => state[key] == seen,
            Act::Has(key, seen) => state[key].is_some() == seen,
            Act::Insert(key, new, old) => state[key].replace(new) == old,
            Act::Remove(key, old) => state[key].take() == old,
            Act::TryInsert(key, new, stored) => {
                let vacant = state[key].is_none();
                state[key].get_or_insert(new);
                vacant == stored
            }
            Act::Update(key, new, seen) => {
                let old = state[key];
                state[key] = old.map(|_| new);
                old == seen
            }
            Act::GetOrInsert(key, offered, found, called) => {
                let vacant = state[key].is_none();
                *state[key].get_or_insert(offered) == found && vacant == called
            }
            Act::RemoveEven(key, seen, removed) => {
                let old = state[key];
                state[key] = old.filter(|seed| !seed.is_multiple_of(2));
                old == seen && removed == (old != state[key])
            }
            Act::Exchange(key, current, new, result) => {
                let old = state[key];
                if old == Some(current) {
                    state[key] = Some(new);
                    result == Ok(())
                } else {
                    result == Err(old)
                }
            }
            Act::Clear => {
                state = State::default();
                true
            }
            Act::Snapshot(seen) => state == seen,
        };
        fits.then_some(state)
    }
}

/// Whether an order of the events leads from one state to the other.
pub(super) fn explains(before: State, events: &[Event], after: State) -> bool {
    assert!(events.len() < 64, "a bit each");
    let mut tried = HashSet::new();
    let mut open = vec![(0u64, before)];
    let all = (1 << events.len()) - 1;
    while let Some((done, state)) = open.pop() {
        if done == all && state == after {
            return true;
        }
        if !tried.insert((done, state)) {
            continue;
        }
        let left = || (0..events.len()).filter(move |i| done >> i & 1 == 0);
        let first_end = left().map(|i| events[i].end).min().unwrap_or(0);
        for i in left().filter(|&i| events[i].begin < first_end) {
            if let Some(state) = events[i].act.apply(state) {
                open.push((done | 1 << i, state));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(begin: u64, end: u64, act: Act) -> Event {
        Event { thread: 0, begin, end, act }
    }

    const NONE: State = [None; KEYS];

    #[test]
    fn what_happened_at_the_same_time_may_be_in_either_order() {
        let insert = event(0, 3, Act::Insert(0, 7, None));
        for (read, seen) in [(event(1, 2, Act::Get(0, None)), true), (event(1, 2, Act::Get(0, Some(7))), true)] {
            assert_eq!(explains(NONE, &[insert, read], [Some(7), None, None]), seen);
        }
    }

    #[test]
    fn a_wrong_history_has_no_order() {
        let insert = event(0, 1, Act::Insert(0, 7, None));
        let stale = event(2, 3, Act::Get(0, None));
        assert!(!explains(NONE, &[insert, stale], [Some(7), None, None]), "a key that disappeared");
        let foreign = event(2, 3, Act::Get(0, Some(8)));
        assert!(!explains(NONE, &[insert, foreign], [Some(7), None, None]), "a value that nobody stored");
        let (one, other) = (event(2, 5, Act::Remove(0, Some(7))), event(3, 4, Act::Remove(0, Some(7))));
        assert!(explains(NONE, &[insert, one], NONE));
        assert!(!explains(NONE, &[insert, one, other], NONE), "a key that was removed twice");
        let (one, other) = (event(2, 5, Act::TryInsert(1, 1, true)), event(3, 4, Act::TryInsert(1, 2, true)));
        assert!(!explains(NONE, &[one, other], [None, Some(1), None]), "two that were first");
        let (one, other) = (event(2, 5, Act::Update(0, 8, Some(7))), event(3, 4, Act::Update(0, 9, Some(7))));
        assert!(!explains(NONE, &[insert, one, other], [Some(9), None, None]), "an update that was lost");
        assert!(!explains(NONE, &[insert], NONE), "a write that was lost");
        let exchanges = [event(2, 5, Act::Exchange(0, 7, 8, Ok(()))), event(3, 4, Act::Exchange(0, 7, 9, Ok(())))];
        assert!(!explains(NONE, &[&[insert][..], &exchanges].concat(), [Some(9), None, None]));
    }

    #[test]
    fn a_snapshot_with_the_second_write_but_not_the_first_has_no_order() {
        let writes = [event(0, 1, Act::Insert(0, 7, None)), event(2, 3, Act::Insert(1, 8, None))];
        let after = [Some(7), Some(8), None];
        for (seen, fits) in [([Some(7), None, None], true), (after, true), ([None, Some(8), None], false)] {
            let snapshot = event(0, 4, Act::Snapshot(seen));
            assert_eq!(explains(NONE, &[writes[0], writes[1], snapshot], after), fits);
        }
    }

    #[test]
    fn values_that_two_readers_see_in_different_orders_have_none() {
        let writes = [event(0, 9, Act::Insert(0, 1, None)), event(0, 9, Act::Insert(0, 2, Some(1)))];
        let reads = [
            event(1, 2, Act::Get(0, Some(1))),
            event(3, 4, Act::Get(0, Some(2))),
            event(1, 2, Act::Get(0, Some(2))),
            event(3, 4, Act::Get(0, Some(1))),
        ];
        let after = [Some(2), None, None];
        assert!(explains(NONE, &[&writes[..], &reads[..2]].concat(), after));
        assert!(!explains(NONE, &[&writes[..], &reads[..]].concat(), after));
    }
}
