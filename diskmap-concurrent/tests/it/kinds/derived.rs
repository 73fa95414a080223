//! Types with `#[derive(DiskKey, DiskValue)]`: a record of fixed size and one of variable size on each side, text in a type
//! of its own, and an enum whose values are of any size.

use super::*;

/// Nine bytes, in the slot.
#[derive(DiskKey, DiskValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    x: u32,
    y: u32,
    side: u8,
}

/// Several words in the slot: each change moves them.
#[derive(DiskValue, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mark {
    seed: u64,
    check: u64,
    odd: bool,
}

#[derive(DiskKey, DiskValue, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OrderKey {
    tenant: u32,
    sku: String,
}

#[derive(DiskValue, Clone, Debug, Default, PartialEq)]
pub(crate) struct Order {
    seed: u64,
    note: String,
    again: Option<String>,
}

#[derive(DiskKey, DiskValue, Clone, Debug, PartialEq, Eq, Hash)]
#[diskmap(codec = str)]
pub(crate) struct Email(String);

#[derive(DiskValue, Clone, Debug, Default, PartialEq)]
#[repr(u8)]
pub(crate) enum Drawing {
    #[default]
    Empty = 0,
    Dot(u64) = 1,
    Circle {
        seed: u64,
        check: u64,
    } = 2,
    Text(String) = 3,
}

pub(crate) struct Marks;
pub(crate) struct Orders;
pub(crate) struct Drawings;

fn spot(number: u64) -> Spot {
    Spot { x: number as u32, y: (number >> 32) as u32, side: mix(number) as u8 }
}

fn spotted(found: Spot) -> u64 {
    let number = u64::from(found.y) << 32 | u64::from(found.x);
    assert_eq!(found, spot(number), "torn");
    number
}

fn mark(seed: u64) -> Mark {
    Mark { seed, check: mix(seed), odd: !seed.is_multiple_of(2) }
}

fn marked(found: Mark) -> u64 {
    assert_eq!(found, mark(found.seed), "torn");
    found.seed
}

fn order_key(number: u64) -> OrderKey {
    OrderKey { tenant: mix(number) as u32, sku: name(number) }
}

fn ordered(found: OrderKeyView<'_>) -> u64 {
    let number = named(found.sku);
    assert_eq!(found.tenant, mix(number) as u32, "torn");
    number
}

fn order(seed: u64) -> Order {
    Order { seed, note: text(seed), again: (mix(seed) & 8 == 0).then(|| text(seed)) }
}

fn noted(found: OrderView<'_>) -> u64 {
    assert_eq!(told(found.note), found.seed, "torn");
    assert_eq!(found.again, (mix(found.seed) & 8 == 0).then_some(found.note), "torn");
    found.seed
}

fn email(number: u64) -> Email {
    Email(name(number))
}

fn drawing(seed: u64) -> Drawing {
    match mix(seed) >> 8 & 3 {
        0 => Drawing::Dot(seed),
        1 => Drawing::Circle { seed, check: mix(seed) },
        _ => Drawing::Text(text(seed)),
    }
}

fn drawn(found: DrawingView<'_>) -> u64 {
    let seed = match found {
        DrawingView::Empty => panic!("nobody stored it"),
        DrawingView::Dot(seed) => seed,
        DrawingView::Circle { seed, check } => {
            assert_eq!(check, mix(seed), "torn");
            seed
        }
        DrawingView::Text(text) => told(text),
    };
    let right = matches!(
        (drawing(seed), found),
        (Drawing::Dot(_), DrawingView::Dot(_))
            | (Drawing::Circle { .. }, DrawingView::Circle { .. })
            | (Drawing::Text(_), DrawingView::Text(_))
    );
    assert!(right, "torn");
    seed
}

impl AsView for Spot {
    type View<'a> = Spot;

    fn as_view(&self) -> Spot {
        *self
    }
}

impl AsView for Mark {
    type View<'a> = Mark;

    fn as_view(&self) -> Mark {
        *self
    }
}

impl AsView for OrderKey {
    type View<'a> = OrderKeyView<'a>;

    fn as_view(&self) -> OrderKeyView<'_> {
        OrderKeyView { tenant: self.tenant, sku: &self.sku }
    }
}

impl AsView for Order {
    type View<'a> = OrderView<'a>;

    fn as_view(&self) -> OrderView<'_> {
        OrderView { seed: self.seed, note: &self.note, again: self.again.as_deref() }
    }
}

impl AsView for Email {
    type View<'a> = &'a str;

    fn as_view(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Email {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Email {
    fn from(text: &str) -> Email {
        Email(text.to_string())
    }
}

impl AsView for Drawing {
    type View<'a> = DrawingView<'a>;

    fn as_view(&self) -> DrawingView<'_> {
        match self {
            Drawing::Empty => DrawingView::Empty,
            &Drawing::Dot(seed) => DrawingView::Dot(seed),
            &Drawing::Circle { seed, check } => DrawingView::Circle { seed, check },
            Drawing::Text(text) => DrawingView::Text(text),
        }
    }
}

kinds! {
    Marks: Spot as Spot, Mark as Mark; spot spotted mark marked, fixed;
    Orders: OrderKey as OrderKey, Order as Order; order_key ordered order noted;
    Drawings: Email as Email, Drawing as Drawing; email named drawing drawn;
}
