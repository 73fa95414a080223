//! Events of several kinds in one map, matched where they lie.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example derive_enum
//! ```

use anyhow::{Result, ensure};
use diskmap::{DiskHashMap, DiskValue, Shape};

/// Variants with data: their numbers are what is stored, so they are written down. Variants may then be reordered, and
/// renamed with `#[diskmap(rename = "Old")]`.
#[derive(DiskValue, Debug, PartialEq)]
#[repr(u8)]
enum Event {
    Opened = 1,
    Paid(u64, Method) = 2,
    Shipped { carrier: String, parcels: Vec<u64> } = 3,
}

/// No data: the numbers count from 0, and `#[repr]` is not needed. It is its own view, as all data of it is fixed.
#[derive(DiskValue, Debug, Clone, Copy, PartialEq)]
enum Method {
    Card,
    Transfer,
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut events: DiskHashMap<u64, Event> = DiskHashMap::new_in(dir.path())?;
    events.insert(&1, &Event::Opened)?;
    events.insert(&2, &Event::Paid(1_250, Method::Transfer))?;
    events.insert(&3, &Event::Shipped { carrier: "by bicycle".into(), parcels: vec![77, 78] })?;
    events.close()?;

    let events: DiskHashMap<u64, Event> = DiskHashMap::load_from(dir.path())?;
    let mut shown = Vec::new();
    for at in 1..=4 {
        // The view is an enum with the same variants: `EventView<'_>`.
        shown.push(match events.get(&at)? {
            Some(EventView::Opened) => "opened".to_owned(),
            Some(EventView::Paid(cents, Method::Card)) => format!("{cents} cents by card"),
            Some(EventView::Paid(cents, method)) => format!("{cents} cents by {method:?}"),
            Some(EventView::Shipped { carrier, parcels }) => format!("{} parcels {carrier}", parcels.len()),
            None => "no event".to_owned(),
        });
    }
    println!("{shown:?}");
    ensure!(shown == ["opened", "1250 cents by Transfer", "2 parcels by bicycle", "no event"]);
    ensure!(events.get_owned(&2)? == Some(Event::Paid(1_250, Method::Transfer)));

    // One byte for the number, then the data of the variant. `Shipped` makes events differ in length.
    println!("{}", Event::SCHEMA);
    ensure!(Method::SHAPE == Shape::Fixed { size: 1 });
    ensure!(Event::SHAPE == Shape::Var { align: 8 }, "as aligned as `parcels` is");
    Ok(())
}
