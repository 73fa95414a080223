//! Measures a derived record beside hand-written code for the same bytes: one map each, the same entries, one thread.
//!
//! Must not know the layout. Invariant: both maps hold the same bytes, and every loop proves that what it read was right.

mod by_hand;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use diskmap::{DiskHashMap, DiskValue, Encode, OpenOptions};
use diskmap_benches::{
    machine::{pin, scratch, timed},
    report::{Limit, Report},
};

use crate::by_hand::ByHand;

/// Measures a derived record against a codec written by hand for the same layout, and prints ns for each operation and
/// their ratio.
#[derive(Parser)]
#[command(name = "derive")]
struct Arguments {
    /// Number of entries.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    entries: u32,
    /// Stay on this CPU.
    #[arg(long, value_name = "CPU")]
    pin: Option<usize>,
    /// Measure this many times and print medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Where the maps' directories are made [default: ./target, or the directory for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Three fixed fields and two texts.
#[derive(DiskValue)]
pub(crate) struct Order {
    qty: u32,
    price: u64,
    paid: bool,
    note: String,
    sku: String,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(cpu) = arguments.pin {
        pin(cpu)?;
    }
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<u64> = (0..arguments.entries).map(|_| random.u64(..)).collect();
    let orders: Vec<Order> = keys.iter().map(|&key| order(key)).collect();
    ensure!(bytes::<Order>(&orders[0])? == bytes::<ByHand>(&orders[0])?, "the two codecs write different bytes");
    let mut shuffled = keys.clone();
    random.shuffle(&mut shuffled);

    let mut report = Report::against("by hand");
    for run in 0..arguments.runs {
        let measured = |first: bool| -> Result<[f64; 2]> {
            let dir = arguments.dir.as_deref();
            if first {
                measure::<Order>(&keys, &shuffled, &orders, dir)
            } else {
                measure::<ByHand>(&keys, &shuffled, &orders, dir)
            }
        };
        // Whoever is first pays for what the other finds warm.
        let (one, other) = (measured(run % 2 == 0)?, measured(run % 2 == 1)?);
        let ([insert, get], [their_insert, their_get]) = if run % 2 == 0 { (one, other) } else { (other, one) };
        report.pair("insert from empty", "ns", (insert, their_insert), Limit::Ratio(1.2));
        report.pair("get, all fields read", "ns", (get, their_get), Limit::Ratio(1.2));
    }
    println!("u64 -> record of 5 fields; {} entries; medians of {} run(s)\n", arguments.entries, arguments.runs);
    println!("{report}");
    Ok(())
}

fn order(key: u64) -> Order {
    let note = "as soon as possible, please".repeat((key % 3) as usize);
    Order { qty: key as u32, price: key, paid: key.is_multiple_of(2), note, sku: format!("part-{}", key % 100_000) }
}

fn bytes<V: Encode<Order>>(order: &Order) -> Result<Vec<u8>> {
    Ok(V::with_bytes(order, <[u8]>::to_vec)?)
}

/// Nanoseconds for each insert and each lookup.
fn measure<V>(keys: &[u64], shuffled: &[u64], orders: &[Order], dir: Option<&std::path::Path>) -> Result<[f64; 2]>
where
    V: for<'a> DiskValue<View<'a> = OrderView<'a>> + Encode<Order>,
{
    let dir = scratch(dir)?;
    let options = OpenOptions::new().create_new(true).auto_checkpoint(None).sync_on_drop(false);
    let mut map: DiskHashMap<u64, V> = options.open(dir.path())?;
    let (insert, ()) = timed(keys.len(), || {
        for (key, order) in keys.iter().zip(orders) {
            map.insert(key, order)?;
        }
        Ok(())
    })?;
    let read = |map: &DiskHashMap<u64, V>| -> Result<u64> {
        let mut sum = 0_u64;
        for key in shuffled {
            let Some(OrderView { qty, price, paid, note, sku }) = map.get(key)? else { continue };
            sum = sum
                .wrapping_add(u64::from(qty) + u64::from(paid) + (note.len() + sku.len()) as u64)
                .wrapping_add(price);
        }
        Ok(sum)
    };
    let expected = orders.iter().fold(0_u64, |sum, order| {
        let small = u64::from(order.qty) + u64::from(order.paid) + (order.note.len() + order.sku.len()) as u64;
        sum.wrapping_add(small).wrapping_add(order.price)
    });
    let (get, sum) = timed(keys.len(), || read(&map))?;
    ensure!(sum == expected, "the map gave other orders back");
    Ok([insert, get])
}
