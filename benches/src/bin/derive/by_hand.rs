//! The bytes of the derived record, written and read by code made for them.
//!
//! Must not use `codec::record`. Invariant: the same bytes as the derived type's, checked as strictly.

use std::ops::Range;

use diskmap::{DiskValue, Encode, Error, Invalid, Result, Schema, Shape};

use crate::{Order, OrderView};

/// The codec of [`Order`] by hand: `qty`, `price`, `paid`, where `note` ends, then `note` and `sku`.
pub(crate) enum ByHand {}

const PRICE: usize = 4;
const PAID: usize = 12;
const END: usize = 13;
const NOTE: usize = 17;

/// Where the note lies in bytes that are long enough.
fn note(bytes: &[u8]) -> Option<Range<usize>> {
    let end = u32::from_le_bytes(*bytes.get(END..)?.first_chunk()?) as usize;
    (NOTE <= end && end <= bytes.len()).then_some(NOTE..end)
}

// SAFETY: `validate` accepts bytes whose note and sku lie inside them and are UTF-8, whatever their address; `view` finds
// them in the same places. The shape is variable, and the view a shared borrow.
unsafe impl DiskValue for ByHand {
    type View<'a> = OrderView<'a>;
    const SHAPE: Shape = Shape::Var { align: 1 };
    const SCHEMA: Schema = Order::SCHEMA;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        let Some(note) = note(bytes) else { return Err(Invalid::new("order is too short")) };
        if bytes[PAID] > 1 {
            return Err(Invalid::new("paid is neither 0 nor 1"));
        }
        for text in [&bytes[note.clone()], &bytes[note.end..]] {
            if std::str::from_utf8(text).is_err() {
                return Err(Invalid::new("text is not UTF-8"));
            }
        }
        Ok(())
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> OrderView<'_> {
        // SAFETY: `validate` accepted the bytes: the numbers are there, the note ends inside them, both texts are UTF-8.
        unsafe {
            let end = u32::from_le(bytes.as_ptr().add(END).cast::<u32>().read_unaligned()) as usize;
            OrderView {
                qty: u32::from_le(bytes.as_ptr().cast::<u32>().read_unaligned()),
                price: u64::from_le(bytes.as_ptr().add(PRICE).cast::<u64>().read_unaligned()),
                paid: *bytes.get_unchecked(PAID) != 0,
                note: std::str::from_utf8_unchecked(bytes.get_unchecked(NOTE..end)),
                sku: std::str::from_utf8_unchecked(bytes.get_unchecked(end..)),
            }
        }
    }
}

impl Encode<Order> for ByHand {
    #[inline]
    fn encoded_len(q: &Order) -> Result<usize> {
        Ok(NOTE + q.note.len() + q.sku.len())
    }

    #[inline]
    fn encode_into(q: &Order, out: &mut [u8]) -> Result<usize> {
        let end = NOTE + q.note.len();
        let len = end + q.sku.len();
        let (Some(out), Ok(stored)) = (out.get_mut(..len), u32::try_from(end)) else {
            return Err(Error::Encode { what: format!("no room for {len} bytes") });
        };
        out[..PRICE].copy_from_slice(&q.qty.to_le_bytes());
        out[PRICE..PAID].copy_from_slice(&q.price.to_le_bytes());
        out[PAID] = u8::from(q.paid);
        out[END..NOTE].copy_from_slice(&stored.to_le_bytes());
        out[NOTE..end].copy_from_slice(q.note.as_bytes());
        out[end..].copy_from_slice(q.sku.as_bytes());
        Ok(len)
    }
}
