//! Records with fields of their own, looked up by text: derived for diskmap, a struct in memory, encoded by hand for
//! stores of bytes.
//!
//! Must not know engines. Invariant: reading looks at every field.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use diskmap::DiskValue;
use diskmap_benches::keys::Keys;

use super::Pair;

const NOTES: [&str; 3] = ["", "as soon as possible, please", "by bicycle"];
const PARTS: u64 = 1000;

/// `String → Order`.
pub(crate) struct Records;

/// Three fixed fields and two texts.
#[derive(DiskValue)]
pub(crate) struct Order {
    qty: u32,
    price: u64,
    paid: bool,
    note: String,
    sku: String,
}

impl Pair for Records {
    const NAME: &'static str = "text-record";
    const AS_BYTES: &'static str = "a byte string encoded by hand: 13 fixed bytes, a length, two texts";
    type Key = &'static str;
    type Input = OrderView<'static>;
    type Maker = Option<OrderView<'static>>;
    type Codec = Order;
    type Owned = Order;

    fn keys(count: usize) -> Result<Keys<&'static str>> {
        Ok(Keys::new(count))
    }

    #[inline(always)]
    fn make(maker: &mut Self::Maker, seed: u64) -> &OrderView<'static> {
        maker.insert(order(seed))
    }

    #[inline(always)]
    fn digest(seed: u64) -> u64 {
        sum(order(seed))
    }

    #[inline(always)]
    fn of_view(view: OrderView<'_>) -> u64 {
        sum(view)
    }

    fn owned(input: &OrderView<'static>) -> Result<Order> {
        let OrderView { qty, price, paid, note, sku } = *input;
        Ok(Order { qty, price, paid, note: note.to_owned(), sku: sku.to_owned() })
    }

    #[inline(always)]
    fn of_owned(value: &Order) -> Result<u64> {
        let Order { qty, price, paid, note, sku } = value;
        Ok(sum(OrderView { qty: *qty, price: *price, paid: *paid, note, sku }))
    }

    #[inline(always)]
    fn with_bytes<R>(
        input: &OrderView<'static>,
        buffer: &mut Vec<u8>,
        work: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<R> {
        let OrderView { qty, price, paid, note, sku } = *input;
        buffer.clear();
        buffer.extend_from_slice(&qty.to_le_bytes());
        buffer.extend_from_slice(&price.to_le_bytes());
        buffer.push(u8::from(paid));
        buffer.extend_from_slice(&u32::try_from(note.len())?.to_le_bytes());
        buffer.extend_from_slice(note.as_bytes());
        buffer.extend_from_slice(sku.as_bytes());
        work(buffer)
    }

    #[inline(always)]
    fn of_bytes(bytes: &[u8]) -> Result<u64> {
        parse(bytes).map(sum).context("a value is no order")
    }
}

fn parse(bytes: &[u8]) -> Option<OrderView<'_>> {
    let (qty, bytes) = bytes.split_first_chunk()?;
    let (price, bytes) = bytes.split_first_chunk()?;
    let (&paid, bytes) = bytes.split_first()?;
    let (len, bytes) = bytes.split_first_chunk()?;
    let (note, sku) = bytes.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some(OrderView {
        qty: u32::from_le_bytes(*qty),
        price: u64::from_le_bytes(*price),
        paid: paid == 1,
        note: std::str::from_utf8(note).ok()?,
        sku: std::str::from_utf8(sku).ok()?,
    })
}

#[inline(always)]
fn order(seed: u64) -> OrderView<'static> {
    static SKUS: OnceLock<Vec<String>> = OnceLock::new();
    let skus = SKUS.get_or_init(|| (0..PARTS).map(|part| format!("part-{part}")).collect());
    OrderView {
        qty: seed as u32,
        price: seed,
        paid: seed.is_multiple_of(2),
        note: NOTES[(seed % 3) as usize],
        sku: &skus[(seed % PARTS) as usize],
    }
}

#[inline(always)]
fn sum(order: OrderView<'_>) -> u64 {
    let OrderView { qty, price, paid, note, sku } = order;
    let last = |text: &str| text.as_bytes().last().map_or(0, |&byte| u64::from(byte));
    let texts = note.len() as u64 + last(note) + sku.len() as u64 + last(sku);
    price.wrapping_add(u64::from(qty)).wrapping_add(u64::from(paid)).wrapping_add(texts)
}
