//! Derived types as values: a record of five fields and an enum, stored and read back field by field.
//!
//! Must not know how they are laid out. Invariant: all fields of what is read are added up, and the sum must be right.

mod place;
mod setting;

use anyhow::Result;
use criterion::{Criterion, Throughput};
use diskmap::{DiskHashMap, DiskValue, Encode, OpenOptions};
use diskmap_benches::passes::{entries, passes, same};
use tempfile::TempDir;

const ENTRIES: usize = 100_000;

/// Three fixed fields and two texts.
#[derive(DiskValue)]
struct Order {
    qty: u32,
    price: u64,
    paid: bool,
    note: String,
    sku: String,
}

/// Fixed fields only: it lies in the index.
#[derive(DiskValue)]
struct Point {
    x: i32,
    y: i32,
    weight: u64,
}

/// Variants with no field, fixed fields and a text.
#[derive(DiskValue)]
#[repr(u8)]
enum Event {
    Opened = 0,
    Moved { by: i64, at: u32 } = 1,
    Renamed { name: String } = 2,
}

fn main() {
    let mut criterion = setting::criterion();
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<u64> = (0..entries(ENTRIES)).map(|_| random.u64(..)).collect();
    bench::<Order>(&mut criterion, "record of 5 fields", &keys, order, |order| {
        let OrderView { qty, price, paid, note, sku } = order;
        price.wrapping_add(u64::from(qty) + u64::from(paid) + text(note) + text(sku))
    });
    bench::<Point>(&mut criterion, "record of fixed size", &keys, point, |point| {
        let Point { x, y, weight } = point;
        weight.wrapping_add(x as u64).wrapping_add(y as u64)
    });
    bench::<Event>(&mut criterion, "enum", &keys, event, |event| match event {
        EventView::Opened => 1,
        EventView::Moved { by, at } => (by as u64).wrapping_add(u64::from(at)),
        EventView::Renamed { name } => text(name),
    });
    criterion.final_summary();
}

/// A value of a key, and what its fields add up to.
type Given<V> = (V, u64);

fn order(key: u64) -> Given<Order> {
    let note = "as soon as possible, please".repeat((key % 3) as usize);
    let order = Order {
        qty: key as u32,
        price: key,
        paid: key.is_multiple_of(2),
        note,
        sku: format!("part-{}", key % 100_000),
    };
    let small = u64::from(order.qty) + u64::from(order.paid) + text(&order.note) + text(&order.sku);
    let sum = key.wrapping_add(small);
    (order, sum)
}

fn point(key: u64) -> Given<Point> {
    let point = Point { x: key as i32, y: (key >> 32) as i32, weight: key };
    let sum = key.wrapping_add(point.x as u64).wrapping_add(point.y as u64);
    (point, sum)
}

fn event(key: u64) -> Given<Event> {
    match key % 3 {
        0 => (Event::Opened, 1),
        1 => (Event::Moved { by: key as i64, at: key as u32 }, key.wrapping_add(u64::from(key as u32))),
        _ => {
            let name = format!("event {key}");
            let sum = text(&name);
            (Event::Renamed { name }, sum)
        }
    }
}

/// Its length and its last byte.
fn text(text: &str) -> u64 {
    text.len() as u64 + u64::from(text.as_bytes().last().copied().unwrap_or(0))
}

struct Placed<V: DiskValue> {
    map: DiskHashMap<u64, V>,
    _dir: TempDir,
}

fn empty<V: DiskValue>() -> Result<Placed<V>> {
    let dir = place::dir()?;
    Ok(Placed { map: OpenOptions::new().create(true).sync_on_drop(false).open(dir.path())?, _dir: dir })
}

fn bench<V: Encode<V>>(
    criterion: &mut Criterion,
    name: &str,
    keys: &[u64],
    given: impl Fn(u64) -> Given<V>,
    sum_of: impl Fn(V::View<'_>) -> u64,
) {
    let (values, sums): (Vec<V>, Vec<u64>) = keys.iter().map(|&key| given(key)).unzip();
    let expected = sums.iter().fold(0, |sum: u64, add| sum.wrapping_add(*add));
    let mut shuffled = keys.to_vec();
    fastrand::Rng::with_seed(2).shuffle(&mut shuffled);
    let read = |map: &DiskHashMap<u64, V>| -> Result<(usize, u64)> {
        let (mut found, mut sum) = (0, 0_u64);
        for key in &shuffled {
            if let Some(view) = map.get(key)? {
                found += 1;
                sum = sum.wrapping_add(sum_of(view));
            }
        }
        Ok((found, sum))
    };
    let right = |seen: (usize, u64)| same(seen, (keys.len(), expected));
    let insert = |placed: &mut Placed<V>| -> Result<()> {
        for (key, value) in keys.iter().zip(&values) {
            placed.map.insert(key, value)?;
        }
        Ok(())
    };

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("insert new", |b| {
        b.iter_custom(|n| passes(n, empty, insert, |placed, ()| right(read(&placed.map)?)));
    });
    group.bench_function("get, all fields read", |b| {
        let filled = || -> Result<Placed<V>> {
            let mut placed = empty()?;
            insert(&mut placed)?;
            Ok(placed)
        };
        let placed = filled().unwrap_or_else(|error| panic!("no map to read: {error:#}"));
        b.iter_custom(|n| passes(n, || Ok(()), |()| read(&placed.map), |(), seen| right(seen)));
    });
    group.finish();
}
