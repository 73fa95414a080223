//! What was aimed at: ratios of diskmap's figures to those of its peers, and whether they were reached.
//!
//! Must not know how figures come about. Invariant: a target is met or missed by figures of one size that both have, or not
//! judged.

use crate::{
    pair::{Bytes100, Numbers, Pair, Texts},
    results::{Results, Row},
    work::Group,
};

/// The size that targets are of.
const ENTRIES: usize = 10_000_000;
/// The size of a map of 4 GiB and more.
const MANY: usize = 34_000_000;

/// A figure: of which engine, and of which operation.
type Of = (&'static str, &'static str);

/// Ours divided by the best of the others, which is to be at most the limit.
pub(super) struct Target {
    what: &'static str,
    group: Group,
    pair: &'static str,
    ours: Of,
    others: Vec<Of>,
    limit: f64,
    entries: usize,
}

/// How a target fared.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// A figure is missing.
    NotMeasured,
}

/// A target and the figures it is judged by.
pub(super) struct Judged {
    pub what: String,
    pub limit: f64,
    pub verdict: Verdict,
    /// Ratio, size, ours, and the best of the others with the engine's name.
    pub found: Option<Found>,
}

pub(super) struct Found {
    pub ratio: f64,
    pub entries: usize,
    pub ours: f64,
    pub other: f64,
    pub engine: String,
    pub unit: String,
    /// Whether one of them was stopped before its end.
    pub capped: bool,
    /// Whether they are of the size that the target is of.
    pub of_target_size: bool,
}

const STORES: [&str; 5] = ["redb", "lmdb", "sled", "fjall", "candystore"];

/// All targets.
pub(super) fn all() -> Vec<Target> {
    let hashbrown = |what, pair, ours, theirs, limit| Target {
        what,
        group: Group::Basic,
        pair,
        ours: ("diskmap", ours),
        others: vec![("hashbrown", theirs)],
        limit,
        entries: ENTRIES,
    };
    let stores = |what, pair, operation, times: f64| Target {
        what,
        group: Group::Basic,
        pair,
        ours: ("diskmap", operation),
        others: STORES.map(|store| (store, operation)).to_vec(),
        limit: 1.0 / times,
        entries: ENTRIES,
    };
    let (numbers, texts, bytes) = (Numbers::NAME, Texts::NAME, Bytes100::NAME);
    let mut targets = vec![
        hashbrown("u64 → u64 insert / hashbrown", numbers, "load", "load", 0.9),
        hashbrown("u64 → u64 hit / hashbrown", numbers, "hit", "hit", 1.1),
        hashbrown("u64 → u64 miss / hashbrown", numbers, "miss", "miss", 1.3),
        hashbrown("u64 → u64 get_many hit / hashbrown hit", numbers, "get_many", "hit", 0.6),
        hashbrown("u64 → u64 dependent hit / hashbrown", numbers, "dependent", "dependent", 0.8),
        hashbrown("String → u64 insert / hashbrown", texts, "load", "load", 0.5),
        hashbrown("String → u64 hit / hashbrown", texts, "hit", "hit", 1.0),
        hashbrown("String → u64 miss / hashbrown", texts, "miss", "miss", 0.7),
        hashbrown("String → u64 update / hashbrown", texts, "update", "update", 1.0),
        hashbrown("u64 → 100 B insert / hashbrown", bytes, "load", "load", 0.9),
        hashbrown("u64 → 100 B hit / hashbrown", bytes, "hit", "hit", 1.1),
        hashbrown("u64 → 100 B update / hashbrown", bytes, "update", "update", 0.9),
        stores("u64 → u64 get / best store", numbers, "hit", 8.0),
        stores("u64 → u64 insert / best store", numbers, "load", 5.0),
        stores("String → u64 get / best store", texts, "hit", 8.0),
        stores("String → u64 insert / best store", texts, "load", 5.0),
        stores("u64 → 100 B get / best store", bytes, "hit", 8.0),
        stores("u64 → 100 B insert / best store", bytes, "load", 5.0),
    ];
    targets.push(Target {
        what: "longest insert while growing / hashbrown",
        group: Group::Latency,
        pair: numbers,
        ours: ("diskmap", "insert-max"),
        others: vec![("hashbrown", "insert-max")],
        limit: 1.0 / 50.0,
        entries: ENTRIES,
    });
    let everyone = ["redb", "lmdb", "sled", "fjall", "candystore", "opendiskmap", "rocksdb"];
    targets.push(Target {
        what: "reopen / fastest of every peer on disk",
        group: Group::Basic,
        pair: numbers,
        ours: ("diskmap", "reopen"),
        others: everyone.map(|engine| (engine, "reopen")).to_vec(),
        limit: 1.0,
        entries: ENTRIES,
    });
    targets.push(Target {
        what: "reopen after kill / fastest of every peer on disk",
        group: Group::Kill,
        pair: numbers,
        ours: ("diskmap", "reopen-killed"),
        others: everyone.map(|engine| (engine, "reopen-killed")).to_vec(),
        limit: 1.0,
        entries: ENTRIES,
    });
    for (what, pair) in [
        ("u64 → u64 bytes on disk / LMDB and redb", numbers),
        ("String → u64 bytes on disk / LMDB and redb", texts),
        ("u64 → 100 B bytes on disk / LMDB and redb", bytes),
    ] {
        targets.push(Target {
            what,
            group: Group::Basic,
            pair,
            ours: ("diskmap", "on-disk"),
            others: vec![("lmdb", "on-disk"), ("redb", "on-disk")],
            limit: 1.0,
            entries: ENTRIES,
        });
    }
    for (what, pair) in [
        ("u64 → u64 try_extend presized / own inserts", numbers),
        ("String → u64 try_extend presized / own inserts", texts),
        ("u64 → 100 B try_extend presized / own inserts", bytes),
    ] {
        targets.push(Target {
            what,
            group: Group::Bulk,
            pair,
            ours: ("diskmap", "extend-presized"),
            others: vec![("diskmap", "loop")],
            limit: 0.6,
            entries: ENTRIES,
        });
    }
    targets.push(Target {
        what: "random gets over 4 GiB and more, huge pages / small pages",
        group: Group::Folios,
        pair: bytes,
        ours: ("diskmap", "folios-huge"),
        others: vec![("diskmap", "folios-small")],
        limit: 0.6,
        entries: MANY,
    });
    targets
}

impl Target {
    #[cfg(test)]
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// Judges it by the figures of its size, or else of the largest there is.
    pub(super) fn judge(&self, results: &Results) -> Judged {
        let mut sizes: Vec<usize> = self.rows(results, self.ours).map(|row| row.cell.entries).collect();
        sizes.sort_by_key(|&entries| (entries != self.entries, usize::MAX - entries));
        let found = sizes.into_iter().find_map(|entries| self.found(results, entries));
        let verdict = match &found {
            None => Verdict::NotMeasured,
            Some(found) if found.ratio <= self.limit => Verdict::Met,
            Some(_) => Verdict::Missed,
        };
        Judged { what: self.what.into(), limit: self.limit, verdict, found }
    }

    fn found(&self, results: &Results, entries: usize) -> Option<Found> {
        let at = |of| self.rows(results, of).find(|row| row.cell.entries == entries && row.value.is_some());
        let ours = at(self.ours)?;
        let others = self.others.iter().filter_map(|&of| at(of));
        let other =
            others.min_by(|one, other| one.value.unwrap_or(f64::MAX).total_cmp(&other.value.unwrap_or(f64::MAX)))?;
        let (ours_value, other_value) = (ours.value?, other.value?);
        Some(Found {
            ratio: ours_value / other_value,
            entries,
            ours: ours_value,
            other: other_value,
            engine: other.cell.engine.clone(),
            unit: ours.unit.clone(),
            capped: ours.capped || other.capped,
            of_target_size: entries == self.entries,
        })
    }

    fn rows<'r>(&self, results: &'r Results, (engine, operation): Of) -> impl Iterator<Item = &'r Row> {
        let (group, pair) = (self.group.name(), self.pair);
        results.rows.iter().filter(move |row| {
            row.cell.group == group && row.cell.pair == pair && row.cell.engine == engine && row.operation == operation
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        figure::Figure,
        results::{Cell, summed_up},
    };

    fn add(results: &mut Results, engine: &str, entries: usize, operation: &str, value: f64) {
        let cell = Cell { group: "basic".into(), engine: engine.into(), pair: "u64-u64".into(), entries };
        let figure = Figure { operation: operation.into(), unit: "ns".into(), value, done: 1, capped: false };
        results.rows.extend(summed_up(&cell, &[figure], "full"));
    }

    fn target(what: &str) -> Target {
        all().into_iter().find(|target| target.what == what).expect("a target")
    }

    #[test]
    fn met_missed_and_not_measured() {
        let mut results = Results::default();
        let hit = target("u64 → u64 hit / hashbrown");
        assert_eq!(hit.judge(&results).verdict, Verdict::NotMeasured);
        add(&mut results, "diskmap", ENTRIES, "hit", 110.0);
        assert_eq!(hit.judge(&results).verdict, Verdict::NotMeasured);
        add(&mut results, "hashbrown", ENTRIES, "hit", 100.0);
        assert_eq!(hit.judge(&results).verdict, Verdict::Met);
        results.rows[1].value = Some(99.0);
        assert_eq!(hit.judge(&results).verdict, Verdict::Missed);
    }

    #[test]
    fn the_best_peer_counts() {
        let mut results = Results::default();
        add(&mut results, "diskmap", ENTRIES, "hit", 100.0);
        for (engine, value) in [("redb", 2000.0), ("lmdb", 790.0), ("sled", 3000.0)] {
            add(&mut results, engine, ENTRIES, "hit", value);
        }
        let judged = target("u64 → u64 get / best store").judge(&results);
        assert_eq!(judged.verdict, Verdict::Missed);
        assert_eq!(judged.found.expect("figures").engine, "lmdb");
    }

    #[test]
    fn the_size_of_the_target_comes_first_then_the_largest() {
        let mut results = Results::default();
        for (entries, ours) in [(1000, 1.0), (100_000, 2.0)] {
            add(&mut results, "diskmap", entries, "hit", ours);
            add(&mut results, "hashbrown", entries, "hit", 1.0);
        }
        let hit = target("u64 → u64 hit / hashbrown");
        let found = hit.judge(&results).found.expect("figures");
        assert!(found.entries == 100_000 && !found.of_target_size);
        for entries in [ENTRIES, 2 * ENTRIES] {
            add(&mut results, "diskmap", entries, "hit", 1.0);
            add(&mut results, "hashbrown", entries, "hit", 1.0);
        }
        assert_eq!(hit.judge(&results).found.expect("figures").entries, ENTRIES);
    }
}
