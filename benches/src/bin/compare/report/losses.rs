//! Where a peer is better than diskmap: every row of the figures in which one is.
//!
//! Must not know targets. Invariant: nothing is left out because it is small.

use crate::{
    engine,
    results::{Results, Row},
    work::Group,
};

/// One of our figures, and the peers that are better.
pub(super) struct Loss<'r> {
    pub ours: &'r Row,
    /// With how much better they are, the best first.
    pub peers: Vec<(&'r Row, f64)>,
}

/// All losses, the worst first.
pub(super) fn all(results: &Results) -> Vec<Loss<'_>> {
    let mut losses: Vec<Loss<'_>> = results
        .rows
        .iter()
        .filter(|row| stands_for_us(row))
        .filter_map(|ours| {
            let better = |row: &&Row| !is_ours(row) && same(row, ours);
            let mut peers: Vec<(&Row, f64)> = results
                .rows
                .iter()
                .filter(better)
                .filter_map(|row| times_better(row, ours).map(|times| (row, times)))
                .filter(|(_, times)| *times > 1.0)
                .collect();
            peers.sort_by(|(_, one), (_, other)| other.total_cmp(one));
            (!peers.is_empty()).then_some(Loss { ours, peers })
        })
        .collect();
    losses.sort_by(|one, other| other.peers[0].1.total_cmp(&one.peers[0].1));
    losses
}

/// The setting that others are measured against: defaults.
pub(super) fn champion(group: &str) -> &'static str {
    if group == Group::Mixes.name() { "diskmap-shared" } else { "diskmap" }
}

/// Whether more is better.
pub(super) fn more_is_better(unit: &str) -> bool {
    matches!(unit, "M/s" | "%" | "x memory")
}

/// How many times better a figure is than ours.
pub(super) fn times_better(row: &Row, ours: &Row) -> Option<f64> {
    let (theirs, ours_value) = (row.value?, ours.value?);
    Some(if more_is_better(&row.unit) { theirs / ours_value } else { ours_value / theirs })
}

fn stands_for_us(row: &Row) -> bool {
    row.cell.engine == champion(&row.cell.group)
}

fn is_ours(row: &Row) -> bool {
    engine::about(&row.cell.engine).is_ok_and(|about| about.ours())
}

fn same(row: &Row, ours: &Row) -> bool {
    (&row.cell.group, &row.cell.pair, row.cell.entries, &row.operation)
        == (&ours.cell.group, &ours.cell.pair, ours.cell.entries, &ours.operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        figure::Figure,
        results::{Cell, summed_up},
    };

    #[test]
    fn all_better_peers_are_listed_and_no_others() {
        let mut results = Results::default();
        let mut add = |engine: &str, operation: &str, unit: &str, value: f64| {
            let cell = Cell { group: "basic".into(), engine: engine.into(), pair: "u64-u64".into(), entries: 1000 };
            let figure = Figure { operation: operation.into(), unit: unit.into(), value, done: 1, capped: false };
            results.rows.extend(summed_up(&cell, &[figure], "full"));
        };
        for (engine, hit, kept) in
            [("diskmap", 50.0, 90.0), ("hashbrown", 40.0, 0.0), ("std", 60.0, 91.0), ("redb", 49.9, 90.0)]
        {
            add(engine, "hit", "ns", hit);
            add(engine, "kept-after-kill", "%", kept);
        }
        add("diskmap-memory", "hit", "ns", 1.0);
        let losses = all(&results);
        let listed: Vec<(&str, Vec<&str>)> = losses
            .iter()
            .map(|loss| {
                let engines = loss.peers.iter().map(|(row, _)| row.cell.engine.as_str()).collect();
                (loss.ours.operation.as_str(), engines)
            })
            .collect();
        assert_eq!(listed, [("hit", vec!["hashbrown", "redb"]), ("kept-after-kill", vec!["std"])]);
        assert!((losses[0].peers[0].1 - 1.25).abs() < 1e-9);
    }
}
