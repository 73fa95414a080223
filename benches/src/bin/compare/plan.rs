//! Which cells a quick and a full run have.
//!
//! Must not know how they are run. Invariant: what is chosen by arguments is a part of the plan, but for sizes, which take the
//! place of the plan's.

use crate::{
    engine::{self, Kind},
    pair::{Archives, Bytes100, Numbers, Pair as _, Paths, Records, Texts},
    results::Cell,
    work::Group,
};

const K: usize = 1000;
const M: usize = 1000 * K;

/// How much time there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Quick,
    Full,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Quick => "quick",
            Mode::Full => "full",
        }
    }
}

/// What of the plan is run; empty lists are all of it.
#[derive(Default, Clone)]
pub(crate) struct Choice {
    pub engines: Vec<String>,
    pub groups: Vec<Group>,
    pub pairs: Vec<String>,
    pub sizes: Vec<usize>,
}

/// A cell, and how much time it has.
pub(crate) struct Planned {
    pub group: Group,
    pub cell: Cell,
    pub runs: usize,
    /// Seconds for a load, and for anything else.
    pub load_cap: f64,
    pub cap: f64,
}

/// A part of the plan.
struct Part {
    group: Group,
    pair: &'static str,
    sizes: Vec<usize>,
    engines: Vec<&'static str>,
}

/// All cells that were chosen. In [`Group::Beyond`] their size is bytes of memory. `paths` is how many entries there are of [`Paths`].
pub(crate) fn cells(mode: Mode, choice: &Choice, paths: usize) -> Vec<Planned> {
    let mut planned = Vec::new();
    for part in parts(mode, paths) {
        let chosen = |list: &[String], name: &str| list.is_empty() || list.iter().any(|other| other == name);
        if !(choice.groups.is_empty() || choice.groups.contains(&part.group)) || !chosen(&choice.pairs, part.pair) {
            continue;
        }
        let sizes = if choice.sizes.is_empty() { &part.sizes } else { &choice.sizes };
        for &entries in sizes {
            for engine in part.engines.iter().filter(|name| chosen(&choice.engines, name)) {
                let cell = Cell {
                    group: part.group.name(),
                    engine: (*engine).into(),
                    pair: part.pair.into(),
                    entries: if part.pair == Paths::NAME { entries.min(paths) } else { entries },
                };
                if !planned.iter().any(|other: &Planned| other.cell == cell) {
                    planned.push(timed(mode, part.group, cell));
                }
            }
        }
    }
    planned
}

fn timed(mode: Mode, group: Group, cell: Cell) -> Planned {
    let ours = engine::about(&cell.engine).is_ok_and(|about| about.ours());
    let memory = engine::about(&cell.engine).is_ok_and(|about| about.kind == Kind::Memory);
    let judged = ours || cell.engine == "hashbrown";
    let (runs, load_cap, cap) = match (mode, group) {
        (Mode::Quick, Group::Beyond) => (1, 3.0, 1.0),
        (Mode::Full, Group::Beyond) => (1, 8.0, 5.0),
        (Mode::Full, Group::Folios) => (3, 120.0, 10.0),
        (Mode::Quick, Group::Synced) => (1, 1.0, 0.5),
        (Mode::Full, Group::Synced) => (1, 2.0, 2.0),
        // Maps whose figures targets are about are not stopped.
        (Mode::Quick, _) if ours || memory => (1, 30.0, 10.0),
        (Mode::Quick, _) => (1, 0.6, 0.2),
        (Mode::Full, Group::Ycsb | Group::Mixes) if ours || memory => (1, 30.0, 10.0),
        (Mode::Full, _) if ours || memory => (if judged { 3 } else { 1 }, 30.0, 10.0),
        (Mode::Full, _) if cell.entries <= M => (1, 2.0, 0.7),
        (Mode::Full, _) => (1, 5.0, 1.2),
    };
    Planned { group, cell, runs, load_cap, cap }
}

fn parts(mode: Mode, paths: usize) -> Vec<Part> {
    let all = engine::names();
    let single = || all.iter().copied().filter(|name| !name.starts_with("diskmap-shared")).collect::<Vec<_>>();
    let main = || single().into_iter().filter(|name| !is_variant(name)).collect::<Vec<_>>();
    let disk = || main().into_iter().filter(|name| is_on_disk(name)).collect::<Vec<_>>();
    let reopened = || {
        disk().into_iter().filter(|name| engine::about(name).is_ok_and(|about| about.lack("reopen-killed").is_none()))
    };
    let shared = || engine::SHARED.iter().map(|about| about.name).collect::<Vec<_>>();
    let in_memory =
        || engine::SHARED.iter().filter(|about| about.ours() || about.kind == Kind::Memory).map(|about| about.name);
    let part = |group, pair, sizes: &[usize], engines| Part { group, pair, sizes: sizes.to_vec(), engines };
    let ours = || vec!["diskmap"];
    let synced = || vec!["diskmap", "redb-sync", "lmdb-sync", "sled", "fjall", "candystore"];
    let growing = || {
        let mut engines = vec!["diskmap-no-timer", "hashbrown", "std"];
        engines.extend(disk());
        engines
    };
    let beyond = || vec!["diskmap", "redb", "lmdb", "sled", "fjall", "candystore"];
    let (numbers, texts, bytes) = (Numbers::NAME, Texts::NAME, Bytes100::NAME);
    match mode {
        Mode::Quick => vec![
            part(Group::Basic, numbers, &[100 * K], single()),
            part(Group::Basic, numbers, &[M], main()),
            part(Group::Basic, texts, &[M], main()),
            part(Group::Basic, bytes, &[M], main()),
            part(Group::Basic, Records::NAME, &[100 * K], main()),
            part(Group::Basic, Archives::NAME, &[100 * K], main()),
            part(Group::Basic, Paths::NAME, &[100 * K], main()),
            part(Group::Kill, numbers, &[100 * K], reopened().collect()),
            part(
                Group::Ycsb,
                bytes,
                &[50 * K],
                vec!["diskmap", "hashbrown", "redb", "lmdb", "sled", "fjall", "candystore"],
            ),
            part(Group::Latency, numbers, &[M], growing()),
            part(Group::Mixes, numbers, &[200 * K], shared()),
            part(Group::Bulk, numbers, &[M], ours()),
            part(Group::Bulk, texts, &[M], ours()),
            part(Group::Bulk, bytes, &[M], ours()),
            part(Group::Synced, numbers, &[10 * K], synced()),
            part(Group::Folios, bytes, &[4 * M], ours()),
            part(Group::Beyond, bytes, &[32 << 20], vec!["diskmap", "redb", "lmdb"]),
        ],
        Mode::Full => vec![
            part(Group::Basic, numbers, &[100 * K, M], single()),
            part(Group::Basic, texts, &[M], main()),
            part(Group::Basic, bytes, &[M], main()),
            part(Group::Basic, Records::NAME, &[M], main()),
            part(Group::Basic, Archives::NAME, &[M], main()),
            part(Group::Basic, Paths::NAME, &[paths], main()),
            part(Group::Basic, numbers, &[10 * M], main()),
            part(Group::Basic, numbers, &[10 * M], vec!["diskmap-no-timer"]),
            part(Group::Basic, texts, &[10 * M], main()),
            part(Group::Basic, bytes, &[10 * M], main()),
            part(Group::Kill, numbers, &[10 * M], reopened().collect()),
            part(Group::Ycsb, bytes, &[M], main()),
            part(Group::Latency, numbers, &[10 * M], growing()),
            part(Group::Mixes, numbers, &[M], shared()),
            part(Group::Mixes, numbers, &[10 * M], in_memory().collect()),
            part(Group::Bulk, numbers, &[10 * M], ours()),
            part(Group::Bulk, texts, &[10 * M], ours()),
            part(Group::Bulk, bytes, &[10 * M], ours()),
            part(Group::Synced, numbers, &[10 * K], synced()),
            part(Group::Folios, bytes, &[34 * M], ours()),
            part(Group::Beyond, bytes, &[128 << 20], beyond()),
        ],
    }
}

fn is_variant(name: &str) -> bool {
    engine::about(name).is_ok_and(|about| about.variant())
}

fn is_on_disk(name: &str) -> bool {
    engine::about(name).is_ok_and(|about| about.kind == Kind::Disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_take_parts_of_the_plan() {
        let all = cells(Mode::Full, &Choice::default(), 500 * K);
        let choice = Choice {
            engines: vec!["diskmap".into(), "redb".into()],
            groups: vec![Group::Basic],
            pairs: vec![Numbers::NAME.into()],
            sizes: Vec::new(),
        };
        let chosen = cells(Mode::Full, &choice, 500 * K);
        assert_eq!(chosen.len(), 6);
        assert!(chosen.iter().all(|planned| all.iter().any(|other| other.cell == planned.cell)));
        let sized = cells(Mode::Full, &Choice { sizes: vec![7 * K], ..choice }, 500 * K);
        assert_eq!(sized.iter().map(|planned| planned.cell.entries).collect::<Vec<_>>(), [7 * K, 7 * K]);
    }

    #[test]
    fn no_cell_is_measured_twice() {
        for mode in [Mode::Quick, Mode::Full] {
            let all = cells(mode, &Choice::default(), 500 * K);
            for (at, planned) in all.iter().enumerate() {
                assert!(all[..at].iter().all(|other| other.cell != planned.cell), "{:?}", planned.cell);
            }
        }
    }
}
