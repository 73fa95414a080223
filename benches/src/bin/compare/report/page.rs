//! The page: machine, engines and settings, targets, losses, tables, charts.
//!
//! Must not know how figures come about. Invariant: no sentence of it states a figure that is not computed from the results,
//! but in `reasons`.

use std::fmt::Write as _;

use crate::{
    engine::{self, Kind},
    pair::{self, Pair, WithPair},
    report::{
        charts::Chart,
        losses, reasons,
        tables::{Title, grouped, short, table, titles},
        targets::{self, Verdict},
    },
    results::Results,
    work::Group,
};

/// The page in Markdown.
pub(super) fn page(results: &Results, charts: &[(Title, Chart)]) -> String {
    let mut text = String::from(INTRODUCTION);
    machine(&mut text, results);
    engines(&mut text, results);
    pairs(&mut text, results);
    target_table(&mut text, results);
    reason_list(&mut text, results);
    loss_table(&mut text, results);
    failures(&mut text, results);
    text += "\n## Figures\n";
    let mut titles = titles(results);
    titles.sort_by_key(|title| (place(&title.group), pair_place(&title.pair), title.entries));
    let mut last = String::new();
    for title in titles {
        if title.group != last {
            let _ = write!(text, "\n### {}\n\n{}\n", heading(&title.group), explained(&title.group));
            last.clone_from(&title.group);
        }
        let what = if title.group == Group::Beyond.name() { "bytes of memory" } else { "entries" };
        let _ = write!(text, "\n**{}**, {} {what}\n\n", title.pair, grouped(title.entries as i64));
        text += &table(results, &title);
        for (_, chart) in charts.iter().filter(|(of, _)| *of == title) {
            let _ = write!(text, "\n![{}]({})\n", chart.what, chart.file);
        }
    }
    text
}

const INTRODUCTION: &str = "\
# Benchmarks

This page was written by `cargo run --release -p diskmap-benches --bin compare`; the raw figures are in
[bench/results.tsv](bench/results.tsv). To measure again:

```sh
cargo run --release -p diskmap-benches --bin compare -- --quick   # under three minutes: that all works
cargo run --release -p diskmap-benches --bin compare -- --full    # an hour or more; better in parts
cargo run --release -p diskmap-benches --bin compare -- --full --workload basic --pairs u64-u64 --only diskmap,redb
cargo run --release -p diskmap-benches --bin compare -- --report-only
```

Figures of parts are merged into those that are there. RocksDB takes long to build: `--features rocksdb`.

How it is measured: each engine in a process of its own, pinned to one CPU with all its helper threads (but in `mixes`), over
the same keys in the same order. Each fills a map that does not count before the one that does, since a virtual machine may
have to fetch memory from its host first. Figures are medians of the runs (by default, in a full run, three for diskmap and
hashbrown, one for the others and in `ycsb` and `mixes`; results.tsv says how many there were). An operation that takes too long is stopped, and its rate so far counts: \u{2020}. A load that
was stopped leaves a smaller map, which suits what is read from it afterwards. Every loop proves by the sum of the values it
read that they are right. In tables the number behind a figure is its ratio to diskmap's; it is **bold** where the other is
better.
";

fn machine(text: &mut String, results: &Results) {
    *text += "\n## Machine\n\n| | |\n|---|---|\n";
    for (name, value) in &results.facts {
        if let Some(name) = name.strip_prefix("machine/") {
            let _ = writeln!(text, "| {name} | {value} |");
        }
    }
    let mut modes: Vec<&str> = results.rows.iter().map(|row| row.mode.as_str()).collect();
    modes.sort_unstable();
    modes.dedup();
    let _ = writeln!(text, "| runs | {} |", modes.join(" and "));
}

fn engines(text: &mut String, results: &Results) {
    *text += "\n## Engines and settings\n\n| engine | crate | version | where | setting, and what a crash costs |\n|---|---|---|---|---|\n";
    for about in engine::ALL.iter().filter(|about| results.rows.iter().any(|row| row.cell.engine == about.name)) {
        let version = results.facts.get(&format!("version/{}", about.package)).map_or("unknown", String::as_str);
        let kind = match about.kind {
            Kind::Memory => "memory",
            Kind::Disk => "disk",
        };
        let _ = writeln!(text, "| {} | {} | {version} | {kind} | {} |", about.name, about.package, about.setting);
    }
    let mut lacks: Vec<String> = Vec::new();
    for row in results.rows.iter().filter(|row| row.unit == "n/a") {
        let line = format!("* `{}` of {}: {}", row.operation, row.cell.engine, row.note);
        if !lacks.contains(&line) {
            lacks.push(line);
        }
    }
    if !lacks.is_empty() {
        let _ = write!(text, "\nNot there (n/a):\n\n{}\n", lacks.join("\n"));
    }
}

struct AsBytes;

impl WithPair for AsBytes {
    type Output = &'static str;

    fn run<P: Pair>(self) -> anyhow::Result<&'static str> {
        Ok(P::AS_BYTES)
    }
}

fn pairs(text: &mut String, results: &Results) {
    *text += "\n## Entries\n\n| | key | value | as a value of a store without types |\n|---|---|---|---|\n";
    for name in pair::NAMES.into_iter().filter(|name| results.rows.iter().any(|row| row.cell.pair == *name)) {
        let (key, value) = described(name);
        let bytes = pair::with(name, AsBytes).unwrap_or("unknown");
        let _ = writeln!(text, "| {name} | {key} | {value} | {bytes} |");
    }
    if let Some(paths) = results.facts.get("paths") {
        let _ = write!(text, "\nPaths are of {paths}.\n");
    }
}

fn described(pair: &str) -> (&'static str, &'static str) {
    match pair {
        pair::Numbers::NAME => ("random `u64`", "`u64`"),
        pair::Texts::NAME => ("`String` of 21 random letters", "`u64`"),
        pair::Bytes100::NAME => ("random `u64`", "`Vec<u8>` of 100 bytes; `Box<[u8]>` in other maps in memory"),
        pair::Records::NAME => (
            "`String` of 21 random letters",
            "a struct of five fields, two of them texts: derived for diskmap, the struct in maps in memory",
        ),
        pair::Archives::NAME => {
            ("random `u64`", "an rkyv archive of a struct: `Arch` in diskmap, the bytes in all others")
        }
        _ => ("a path", "the package that the file is of, or else its directory"),
    }
}

fn target_table(text: &mut String, results: &Results) {
    *text += "\n## Targets\n\nRatios of diskmap with default options to a peer, of 10 million entries (34 million of 100 B for huge pages); less is better.\n\n\
              | | diskmap | peer | ratio | target | |\n|---|---:|---:|---:|---:|---|\n";
    for target in targets::all() {
        let judged = target.judge(results);
        let limit = short(judged.limit);
        let Some(found) = judged.found else {
            let _ = writeln!(text, "| {} | | | | \u{2264} {limit} | not measured |", judged.what);
            continue;
        };
        let verdict = if judged.verdict == Verdict::Met { "met" } else { "**missed**" };
        let size = if found.of_target_size {
            String::new()
        } else {
            format!(" at {} entries, which is not the size of the target", grouped(found.entries as i64))
        };
        let capped = if found.capped { "\u{2020}" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} {} | {} ({}){capped} | {} | \u{2264} {limit} | {verdict}{size} |",
            judged.what,
            short(found.ours),
            found.unit,
            short(found.other),
            found.engine,
            short(found.ratio),
        );
    }
}

/// Why targets were missed.
fn reason_list(text: &mut String, results: &Results) {
    let missed = targets::all().into_iter().map(|target| target.judge(results));
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for judged in missed.filter(|judged| judged.verdict == Verdict::Missed) {
        let reason = reasons::of(&judged.what).unwrap_or("Not looked into yet.");
        match told.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, whats)) => whats.push(judged.what),
            None => told.push((reason, vec![judged.what])),
        }
    }
    if told.is_empty() {
        return;
    }
    *text += "\n### Why targets are missed, and what was tried\n";
    for (reason, whats) in told {
        let _ = write!(text, "\n* **{}**: {reason}\n", whats.join("; "));
    }
}

fn loss_table(text: &mut String, results: &Results) {
    *text += "\n## Where we lose\n\nEvery figure in which a peer is better than diskmap with default options, and how many times; \
              the worst first.\n\n| | | entries | diskmap | better |\n|---|---|---:|---:|---|\n";
    for loss in losses::all(results) {
        let peers: Vec<String> = loss
            .peers
            .iter()
            .map(|(row, times)| {
                let capped = if row.capped { "\u{2020}" } else { "" };
                format!("{} {}\u{d7}{capped}", row.cell.engine, short(*times))
            })
            .collect();
        let (cell, value) = (&loss.ours.cell, loss.ours.value.unwrap_or(0.0));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} {} | {} |",
            loss.ours.operation,
            cell.pair,
            grouped(cell.entries as i64),
            short(value),
            loss.ours.unit,
            peers.join(", "),
        );
    }
}

fn failures(text: &mut String, results: &Results) {
    let failed: Vec<_> = results.rows.iter().filter(|row| row.unit == "failed").collect();
    if failed.is_empty() {
        return;
    }
    *text += "\n## What failed\n\n";
    for row in failed {
        let cell = &row.cell;
        let _ = writeln!(text, "* {} {} {} {}: {}", cell.group, cell.pair, cell.entries, cell.engine, row.note);
    }
}

fn place(group: &str) -> usize {
    SECTIONS.iter().position(|(other, ..)| other.name() == group).unwrap_or(SECTIONS.len())
}

fn pair_place(pair: &str) -> usize {
    pair::NAMES.iter().position(|name| *name == pair).unwrap_or(pair::NAMES.len())
}

fn heading(group: &str) -> &'static str {
    SECTIONS.get(place(group)).map_or("Other", |(_, heading, _)| heading)
}

fn explained(group: &str) -> &'static str {
    SECTIONS.get(place(group)).map_or("", |(_, _, text)| text)
}

const SECTIONS: [(Group, &str, &str); 9] = [
    (
        Group::Basic,
        "One thread",
        "Load from empty by single inserts; `get` of random keys that are there and that are not; gets that each need the value \
         of the last; `get_many` of 1024 keys a call (diskmap's own: compare it with the others' hit); overwriting values; \
         removing; iterating over all values; closing, with all on the medium; bytes on disk an entry after that; opening again and one get, \
         files still cached. Update and remove are of the map that was filled first.",
    ),
    (
        Group::Kill,
        "Reopen after a kill",
        "The process that loaded is killed (SIGKILL) with nothing closed; another one opens and gets one key. `kept`: how many \
         of the stored keys are there.",
    ),
    (
        Group::Ycsb,
        "YCSB",
        "Zipfian keys (theta 0.99, scrambled), as many operations as entries. A: half reads, half updates; B: 95 % reads; C: reads; \
         D: 95 % reads of what was inserted last, 5 % inserts; E: 95 % scans of 1 to 100 entries, 5 % inserts; F: half reads, half \
         read-modify-writes. Engines with transactions do 10,000 operations in one, reads included. Scans are in order of the \
         keys where there is one; diskmap's are `scan` from a random position on, in no order.",
    ),
    (
        Group::Latency,
        "Single inserts while growing",
        "Time of each insert from empty to full, the commit included where there are transactions (each 10,000th insert).",
    ),
    (
        Group::Mixes,
        "Two threads",
        "Two threads on two CPUs, million operations a second: reads of random keys and inserts of new ones. Engines that are for \
         many threads at once; redb and LMDB have one writer at a time.",
    ),
    (
        Group::Bulk,
        "Bulk load",
        "Single inserts (`loop`) and `try_extend` (`extend`), each into a map that grows from empty and into one with capacity.",
    ),
    (Group::Synced, "Each insert on the medium", "One insert, one sync: a checkpoint, a commit, a flush."),
    (
        Group::Folios,
        "Huge pages",
        "Random gets in a map without checkpoints, in the process that filled it, where pages are huge; and in a copy of it that \
         was written by 4 KiB, where they are small. `mapped`: how much of the process's file pages huge pages map.",
    ),
    (
        Group::Beyond,
        "Larger than memory",
        "A process in a control group with this much memory, page cache included, stores up to three times as much data (keys and \
         values), and then gets random keys. Caches of the engines' own are a quarter of the memory.",
    ),
];
