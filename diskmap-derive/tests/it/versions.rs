//! What a type was before: fields that were added, and another type altogether.

use diskmap::{DiskHashMap, DiskValue, Encode, Error, IntoOwned, OpenOptions, Str, types::Arch};

mod first {
    use super::*;
    #[derive(DiskValue)]
    pub(super) struct Order {
        pub qty: u32,
        pub note: String,
        #[diskmap(with = Arch<Vec<u64>>)]
        pub lines: Vec<u64>,
    }
    #[derive(DiskValue)]
    pub(super) struct Point {
        pub x: u32,
        pub y: u32,
    }
}

mod second {
    use super::*;
    #[derive(DiskValue)]
    #[diskmap(version = 2)]
    pub(super) struct Order {
        pub qty: u32,
        #[diskmap(with = Str)]
        pub note: Box<str>,
        #[diskmap(with = Arch<Vec<u64>>)]
        pub lines: Vec<u64>,
        #[diskmap(since = 2, default = "EUR".to_owned())]
        pub currency: String,
    }
}

/// Two fields more, in two versions.
#[derive(DiskValue, Debug, PartialEq)]
#[diskmap(version = 3)]
struct Order {
    qty: u32,
    note: String,
    #[diskmap(with = Arch<Vec<u64>>)]
    lines: Vec<u64>,
    #[diskmap(since = 2, default = "EUR".to_owned())]
    currency: String,
    #[diskmap(since = 3, default)]
    paid: bool,
}

#[derive(DiskValue, Debug, PartialEq)]
#[diskmap(version = 2)]
struct Point {
    x: u32,
    y: u32,
    #[diskmap(since = 2, default = 1)]
    z: u64,
}

/// Another type, that was an order before.
#[derive(DiskValue, Debug, PartialEq)]
#[diskmap(from = Order)]
struct Invoice {
    total: u64,
    currency: String,
}

impl From<Order> for Invoice {
    fn from(order: Order) -> Invoice {
        Invoice { total: order.lines.iter().sum::<u64>() * u64::from(order.qty), currency: order.currency }
    }
}

const ENTRIES: u64 = 1000;

/// A map of values that a function of the key makes.
fn made<V: DiskValue + Encode<V>>(value: impl Fn(u64) -> V) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<u64, V> = DiskHashMap::new_in(dir.path()).unwrap();
    for n in 0..ENTRIES {
        map.insert(&n, &value(n)).unwrap();
    }
    dir
}

fn lines(n: u64) -> Vec<u64> {
    (0..n % 4).collect()
}

fn first(n: u64) -> first::Order {
    first::Order { qty: n as u32, note: "x".repeat(n as usize % 50), lines: lines(n) }
}

fn all<V: DiskValue + IntoOwned<Owned = V>>(map: &DiskHashMap<u64, V>) -> Vec<V> {
    assert_eq!(map.len(), ENTRIES);
    (0..ENTRIES).map(|n| map.get_owned(&n).unwrap().unwrap()).collect()
}

#[test]
fn values_from_before_a_field_was_added_read_as_its_default() {
    let dir = made(first);
    for _ in 0..2 {
        let map: DiskHashMap<u64, Order> = DiskHashMap::open(dir.path()).unwrap();
        for (n, order) in (0..).zip(all(&map)) {
            let first::Order { qty, note, lines } = first(n);
            assert_eq!(order, Order { qty, note, lines, currency: "EUR".into(), paid: false });
        }
    }
}

#[test]
fn any_earlier_version_will_do() {
    let dir = made(|n| second::Order { qty: 1, note: "n".into(), lines: lines(n), currency: format!("{n}") });
    let map: DiskHashMap<u64, Order> = DiskHashMap::open(dir.path()).unwrap();
    for (n, order) in (0..).zip(all(&map)) {
        assert_eq!(order, Order { qty: 1, note: "n".into(), lines: lines(n), currency: format!("{n}"), paid: false });
    }
}

#[test]
fn fixed_types_grow() {
    let dir = made(|n| first::Point { x: n as u32, y: 7 });
    let mut map: DiskHashMap<u64, Point> = DiskHashMap::load_from(dir.path()).unwrap();
    for (n, point) in (0..).zip(all(&map)) {
        assert_eq!(point, Point { x: n as u32, y: 7, z: 1 });
    }
    map.insert(&5, &Point { x: 1, y: 2, z: 3 }).unwrap();
    drop(map);
    let map: DiskHashMap<u64, Point> = DiskHashMap::load_from(dir.path()).unwrap();
    assert_eq!(map.get(&5).unwrap(), Some(Point { x: 1, y: 2, z: 3 }));
}

#[test]
fn another_type_is_migrated_when_asked() {
    let dir = made(|n| Order { qty: 2, note: "n".into(), lines: lines(n), currency: "CHF".into(), paid: true });
    let refused = DiskHashMap::<u64, Invoice>::load_from(dir.path()).err().unwrap();
    assert!(matches!(refused, Error::SchemaMismatch { .. }), "{refused}");
    assert!(refused.to_string().contains("migrate(true)"), "{refused}");
    let map: DiskHashMap<u64, Invoice> = OpenOptions::new().migrate(true).open(dir.path()).unwrap();
    for (n, invoice) in (0..).zip(all(&map)) {
        assert_eq!(invoice, Invoice { total: 2 * lines(n).iter().sum::<u64>(), currency: "CHF".into() });
    }
}

/// From the first version of the old type to the new type, in one opening.
#[test]
fn migrations_follow_each_other() {
    let dir = made(first);
    let map: DiskHashMap<u64, Invoice> = OpenOptions::new().migrate(true).open(dir.path()).unwrap();
    for (n, invoice) in (0..).zip(all(&map)) {
        assert_eq!(invoice, Invoice { total: n * lines(n).iter().sum::<u64>(), currency: "EUR".into() });
    }
}

/// A generic type, whose parameter is part of each version.
mod generic {
    use super::*;

    mod old {
        use super::*;
        #[derive(DiskValue)]
        pub(super) struct Tagged<T> {
            pub value: T,
        }
    }

    #[derive(DiskValue, Debug, PartialEq)]
    #[diskmap(version = 2)]
    struct Tagged<T> {
        value: T,
        #[diskmap(since = 2, default)]
        tags: Vec<u16>,
    }

    #[test]
    fn has_versions() {
        let dir = made(|n| old::Tagged { value: format!("{n}") });
        let map: DiskHashMap<u64, Tagged<String>> = DiskHashMap::load_from(dir.path()).unwrap();
        for (n, tagged) in (0..).zip(all(&map)) {
            assert_eq!(tagged, Tagged { value: format!("{n}"), tags: vec![] });
        }
    }
}
