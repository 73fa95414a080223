//! A type that changes while maps of it exist: what is refused, what is rewritten at the next open, what is asked first.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example schema_migration
//! ```

use anyhow::{Context, Result, ensure};
use diskmap::{DiskHashMap, DiskValue, Error, OpenOptions};

mod v1 {
    #[derive(diskmap::DiskValue)]
    pub(super) struct Order {
        pub(super) pieces: u32,
        pub(super) note: String,
    }
}

mod careless {
    #[derive(diskmap::DiskValue)]
    pub(super) struct Order {
        pieces: u64,
        note: String,
    }
}

/// A field more. It stands at the end and says since when it is there and what it is in older values.
mod v2 {
    #[derive(diskmap::DiskValue, Debug, PartialEq)]
    #[diskmap(version = 2)]
    pub(super) struct Order {
        pub(super) pieces: u32,
        pub(super) note: String,
        #[diskmap(since = 2, default = "EUR".to_owned())]
        pub(super) currency: String,
    }
}

/// Another type altogether, made from the old one.
#[derive(DiskValue, Debug, PartialEq)]
#[diskmap(from = v2::Order)]
struct Invoice {
    total: u64,
    text: String,
}

impl From<v2::Order> for Invoice {
    fn from(order: v2::Order) -> Invoice {
        Invoice { total: u64::from(order.pieces) * 100, text: format!("{} ({})", order.note, order.currency) }
    }
}

fn main() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let dir = temporary.path();
    let mut orders: DiskHashMap<u64, v1::Order> = DiskHashMap::new_in(dir)?;
    orders.insert(&7, &v1::Order { pieces: 3, note: "tea".into() })?;
    orders.close()?;

    // A type that does not say how it came from the stored one is refused, and the map is as it was.
    let refusal = DiskHashMap::<u64, careless::Order>::load_from(dir).err().context("the types differ")?;
    ensure!(matches!(refusal, Error::SchemaMismatch { .. }));
    println!("{refusal}\n");

    // `since`: opening for writing rewrites all values, once. Afterwards the map is one of the new version.
    let orders: DiskHashMap<u64, v2::Order> = DiskHashMap::load_from(dir)?;
    ensure!(orders.get(&7)?.context("stored above")?.currency == "EUR");
    drop(orders);
    ensure!(DiskHashMap::<u64, v1::Order>::load_from(dir).is_err(), "there is no way back");

    // `from` loses what `From` does not keep, so it waits to be asked.
    let refusal = DiskHashMap::<u64, Invoice>::load_from(dir).err().context("it was not asked for")?;
    println!("{refusal}\n");
    let invoices: DiskHashMap<u64, Invoice> = OpenOptions::new().migrate(true).open(dir)?;
    println!("{:?}", invoices.get_owned(&7)?);
    ensure!(invoices.get_owned(&7)? == Some(Invoice { total: 300, text: "tea (EUR)".into() }));
    Ok(())
}
