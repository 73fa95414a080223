//! A backup is made while the map goes on: one thread copies a snapshot, the other keeps writing, and the copy has exactly
//! what there was at the moment of the snapshot.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example backup_while_writing
//! ```

use std::{path::Path, thread, time::Instant};

use anyhow::{Context, Result, ensure};
use diskmap::{DiskHashMap, Snapshot};
use indicatif::{ProgressBar, ProgressStyle};

type Orders = DiskHashMap<u64, String>;

const ORDERS: u64 = 300_000;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let target = dir.path().join("backup");
    let mut orders: Orders = DiskHashMap::new_in(dir.path().join("orders"))?;
    for order in 0..ORDERS {
        orders.insert(&order, &text(order, "received"))?;
    }

    // No entry is copied for this: what changes from here on is written beside what the snapshot refers to.
    let snapshot = orders.snapshot();
    let start = Instant::now();
    let changes = thread::scope(|scope| {
        let backup = scope.spawn(|| back_up(&snapshot, &target));
        let changes = write_while(&mut orders, || !backup.is_finished())?;
        backup.join().ok().context("the thread that makes the backup has failed")??;
        anyhow::Ok(changes)
    })?;
    println!("{changes} changes in the {:.1?} that the backup took", start.elapsed());
    println!("kept beside them for the snapshot: {:.1} MB", orders.stats().snapshot_bytes as f64 / 1e6);
    drop(snapshot);

    // It opens like any map. It was verified when it was made; whoever has moved it may want to do so again.
    let backup: Orders = DiskHashMap::load_from(&target)?;
    let report = backup.verify()?;
    ensure!(report.is_sound(), "{report}");
    ensure!(backup.len() == ORDERS, "{} orders in the backup", backup.len());
    for order in 0..ORDERS {
        ensure!(backup.get(&order)? == Some(&*text(order, "received")), "order {order} is not of that moment");
    }
    println!("the map has {} orders, the backup the {} of its moment, as they were", orders.len(), backup.len());
    Ok(())
}

fn back_up(snapshot: &Snapshot<u64, String>, target: &Path) -> Result<()> {
    let style = ProgressStyle::with_template("backup {wide_bar} {decimal_bytes}/{decimal_total_bytes}")?;
    let bar = ProgressBar::new(0).with_style(style);
    snapshot.backup_with(target, |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })?;
    bar.finish();
    Ok(())
}

/// Changes old orders, adds new ones and removes some, at least once; how many calls that were.
fn write_while(orders: &mut Orders, goes_on: impl Fn() -> bool) -> Result<u64> {
    let mut changes = 0;
    while changes == 0 || goes_on() {
        let (old, new) = (changes * 7 % ORDERS, ORDERS + changes);
        orders.insert(&old, &text(old, "shipped"))?;
        orders.insert(&new, &text(new, "received"))?;
        orders.remove(&(changes * 11 % ORDERS))?;
        changes += 3;
    }
    Ok(changes)
}

fn text(order: u64, state: &str) -> String {
    format!("order {order}: {state}")
}
