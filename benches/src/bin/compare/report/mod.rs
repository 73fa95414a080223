//! What is made of figures: a page of tables, and charts.
//!
//! Must not know how figures come about. Invariant: everything shown is in the results, or follows from them.

mod charts;
mod losses;
mod page;
mod reasons;
mod tables;
mod targets;

use std::{fs, path::Path};

use anyhow::{Context, Result};

use self::{
    tables::{table, titles},
    targets::Verdict,
};
use crate::{results::Results, work::Group};

/// Prints the tables, and writes the page and the charts.
pub(crate) fn write(results: &Results, out: &Path) -> Result<()> {
    let dir = out.join("bench");
    fs::create_dir_all(&dir)?;
    remove_charts(&dir)?;
    let mut written = Vec::new();
    for title in titles(results) {
        println!("{} {} {}\n{}", title.group, title.pair, title.entries, table(results, &title));
        for operation in charts::drawn(&title.group) {
            written.extend(charts::bars(results, &title, operation, &dir)?.map(|chart| (title.clone(), chart)));
        }
        if title.group == Group::Beyond.name() {
            written
                .extend(charts::curves(results, &title, "beyond-insert-", &dir)?.map(|chart| (title.clone(), chart)));
        }
    }
    print_targets(results);
    let page = out.join("BENCHMARKS.md");
    fs::write(&page, page::page(results, &written)).with_context(|| format!("cannot write {}", page.display()))
}

/// Charts of earlier runs may be of figures that are no longer there.
fn remove_charts(dir: &Path) -> Result<()> {
    for entry in dir.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn print_targets(results: &Results) {
    for target in targets::all() {
        let judged = target.judge(results);
        let verdict = match judged.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::NotMeasured => "not measured",
        };
        let found = judged.found.map_or_else(String::new, |found| {
            format!("{:>8} at {}, beside {}", tables::short(found.ratio), found.entries, found.engine)
        });
        println!("{:<60} at most {:>6} {verdict:<12} {found}", judged.what, tables::short(judged.limit));
    }
}
