//! A key of several fields and a record as the value: text goes in and comes out as `&str`, without a copy in between.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example derive_record
//! ```

use anyhow::{Context, Result, ensure};
use diskmap::{DiskHashMap, DiskKey, DiskValue};

/// A key. The derive makes `PartView<'_>` of it: the same with `number: &str`.
#[derive(DiskKey, DiskValue, Debug, PartialEq)]
struct Part {
    maker: u32,
    number: String,
}

/// A value. Reading gives a `StockView<'_>`, whose fields are views in their turn.
#[derive(DiskValue, Debug, PartialEq)]
struct Stock {
    pieces: u64,
    shelf: String,
    sizes: Vec<u16>,
    note: Option<String>,
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut stock: DiskHashMap<Part, Stock> = DiskHashMap::new_in(dir.path())?;
    for n in 0..1_000_u64 {
        let part = Part { maker: n as u32 % 7, number: format!("bolt {n}") };
        stock.insert(&part, &sample(n))?;
    }
    stock.close()?;

    // The types are stored with the map and compared when it is opened.
    let mut stock: DiskHashMap<Part, Stock> = DiskHashMap::load_from(dir.path())?;
    ensure!(stock.len() == 1_000);

    // A view is a query: no `String` is made to look something up.
    let bolt = PartView { maker: 42 % 7, number: "bolt 42" };
    let StockView { pieces, shelf, sizes, note } = stock.get(&bolt)?.context("it was stored")?;
    println!("{} of maker {}: {pieces} on {shelf}, {} sizes, {note:?}", bolt.number, bolt.maker, sizes.len());
    ensure!((pieces, shelf, note) == (42, "shelf 2", Some("heavy")));
    ensure!(sizes.iter().eq([40, 42]));

    // The value itself, where one is wanted: from the map, or from a view.
    let owned: Stock = stock.get_owned(&bolt)?.context("it was stored")?;
    ensure!(owned == sample(42));
    ensure!(stock.get(&bolt)?.context("it was stored")?.into_owned()? == owned);

    // Whole values replace each other; there is no way to change a field in place.
    stock.insert(&bolt, &Stock { pieces: owned.pieces + 1, ..owned })?;
    ensure!(stock.get(&bolt)?.context("it was stored")?.pieces == 43);

    let mut heavy = 0;
    for entry in &stock {
        let (_, value) = entry?;
        heavy += u64::from(value.note == Some("heavy"));
    }
    println!("{heavy} parts of {} are heavy", stock.len());
    Ok(())
}

fn sample(n: u64) -> Stock {
    let note = n.is_multiple_of(2).then(|| "heavy".to_owned());
    Stock { pieces: n, shelf: format!("shelf {}", n % 10), sizes: vec![40, n as u16], note }
}
