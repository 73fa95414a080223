//! A type that changed in any way that matters is refused at open, with what changed; the map is unharmed.

use diskmap::{DiskHashMap, DiskValue, Encode, Error, IntoOwned, Str};

/// Stores a value as `Old`, opens the map as `New`, and gives the refusal's text.
fn refusal<Old, New>(value: &Old) -> String
where
    Old: DiskValue + Encode<Old> + IntoOwned<Owned = Old> + PartialEq + std::fmt::Debug,
    New: DiskValue,
{
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<u64, Old> = DiskHashMap::new_in(dir.path()).unwrap();
    map.insert(&1, value).unwrap();
    drop(map);

    let error = DiskHashMap::<u64, New>::load_from(dir.path()).err().expect("another type");
    let Error::SchemaMismatch { side, stored, expected, .. } = &error else { panic!("{error}") };
    assert_eq!((*side, stored, expected), ("value", &Old::SCHEMA.to_string(), &New::SCHEMA.to_string()));
    let message = error.to_string();
    assert!(message.contains(stored.as_str()) && message.contains(expected.as_str()), "{message}");

    let map: DiskHashMap<u64, Old> = DiskHashMap::load_from(dir.path()).unwrap();
    assert_eq!(map.get_owned(&1).unwrap().as_ref(), Some(value));
    message
}

/// Two versions of a type; the difference between them as the message tells it.
macro_rules! refused {
    ($($test:ident: { $($old:tt)* } => { $($new:tt)* } $value:expr, $says:literal;)+) => {$(
        #[test]
        fn $test() {
            mod old {
                #![allow(dead_code, reason = "values are read as views")]
                use super::*;
                #[derive(DiskValue, PartialEq, Debug)]
                $($old)*
            }
            mod new {
                #![allow(dead_code, reason = "nothing is ever read as this")]
                use super::*;
                #[derive(DiskValue)]
                $($new)*
            }
            #[allow(unused_imports, reason = "for the value")]
            use old::Order;
            let message = refusal::<old::Order, new::Order>(&$value);
            assert!(message.contains($says), "{message}");
        }
    )+};
}

refused! {
    reordered_fields: { pub(super) struct Order { pub qty: u32, pub id: u32 } } => { pub(super) struct Order { id: u32, qty: u32 } }
        Order { qty: 1, id: 2 }, "first difference: stored `qty: u32`, expected `id: u32`";
    changed_width: { pub(super) struct Order { pub qty: u32, pub note: String } } => { pub(super) struct Order { qty: u64, note: String } }
        Order { qty: 1, note: "x".into() }, "first difference: stored `qty: u32`, expected `qty: u64`";
    changed_sign: { pub(super) struct Order { pub qty: u32, pub id: u8 } } => { pub(super) struct Order { qty: i32, id: u8 } }
        Order { qty: 1, id: 1 }, "first difference: stored `qty: u32`, expected `qty: i32`";
    renamed_field: { pub(super) struct Order { pub qty: u32, pub id: u8 } } => { pub(super) struct Order { count: u32, id: u8 } }
        Order { qty: 1, id: 1 }, "first difference: stored `qty: u32`, expected `count: u32`";
    added_field: { pub(super) struct Order { pub qty: u32, pub id: u8 } } => { pub(super) struct Order { qty: u32, id: u8, paid: bool } }
        Order { qty: 1, id: 1 }, "first difference: stored nothing, expected `paid: bool`";
    removed_field: { pub(super) struct Order { pub qty: u32, pub id: u8 } } => { #[diskmap(codec = record)] pub(super) struct Order { qty: u32 } }
        Order { qty: 1, id: 1 }, "first difference: stored `id: u8`, expected nothing";
    changed_name: { pub(super) struct Order { pub qty: u32 } } => { #[diskmap(name = "shop.Order")] pub(super) struct Order { qty: u32 } }
        Order { qty: 1 }, "shop.Order";
    changed_version: { pub(super) struct Order { pub qty: u32 } } => { #[diskmap(version = 2)] pub(super) struct Order { qty: u32 } }
        Order { qty: 1 }, "v2";
    record_to_archive: { pub(super) struct Order { pub qty: u32 } }
        => { #[derive(rkyv::Archive, rkyv::Serialize)] #[diskmap(codec = arch)] pub(super) struct Order { qty: u32 } }
        Order { qty: 1 }, "arch(";
    text_to_bytes: { #[diskmap(codec = str)] pub(super) struct Order(pub String); }
        => { #[diskmap(codec = bytes)] pub(super) struct Order(String); }
        Order("x".into()), "first difference: stored `Order v1 = str`, expected `Order v1 = bytes`";
    newtype_to_record: { pub(super) struct Order(pub u64); } => { #[diskmap(codec = record)] pub(super) struct Order(u64); }
        Order(1), "record Order";
    number_of_a_variant: { pub(super) enum Order { Paid = 1, Open = 2 } } => { pub(super) enum Order { Paid = 1, Open = 3 } }
        Order::Paid, "first difference: stored `Open = 2`, expected `Open = 3`";
    reordered_variants: { pub(super) enum Order { Paid, Open } } => { pub(super) enum Order { Open, Paid } }
        Order::Open, "first difference: stored `Paid = 0`, expected `Open = 0`";
    width_of_discriminants: { #[repr(u8)] pub(super) enum Order { Paid = 1 } } => { #[repr(u16)] pub(super) enum Order { Paid = 1 } }
        Order::Paid, "u16";
    field_of_a_variant: { #[repr(u8)] pub(super) enum Order { Paid { at: u64 } = 1 } } => { #[repr(u8)] pub(super) enum Order { Paid { at: u32 } = 1 } }
        Order::Paid { at: 4 }, "at: u32";
    codec_of_a_field: { pub(super) struct Order { pub id: u8, pub qty: Option<u32> } }
        => { pub(super) struct Order { id: u8, #[diskmap(with = Str)] qty: String } }
        Order { id: 1, qty: None }, "first difference: stored `qty: option<u32>`, expected `qty: str`";
    length_of_an_array: { pub(super) struct Order { pub id: [u8; 4], pub qty: u8 } } => { pub(super) struct Order { id: [u8; 5], qty: u8 } }
        Order { id: [1; 4], qty: 1 }, "first difference: stored `id: [u8; 4]`, expected `id: [u8; 5]`";
}

/// What is no change of the bytes or their meaning is none of the schema.
#[test]
fn what_does_not_matter_is_accepted() {
    mod old {
        use super::*;
        #[derive(DiskValue)]
        #[diskmap(name = "Order")]
        pub(super) struct Purchase {
            #[diskmap(rename = "qty")]
            pub amount: u32,
            pub note: String,
        }
    }
    mod new {
        use super::*;
        #[derive(DiskValue)]
        #[diskmap(view = Seen)]
        pub(super) struct Order {
            pub qty: u32,
            #[diskmap(with = Str)]
            pub note: Box<str>,
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<u64, old::Purchase> = DiskHashMap::new_in(dir.path()).unwrap();
    map.insert(&1, &old::Purchase { amount: 5, note: "x".into() }).unwrap();
    drop(map);
    let map: DiskHashMap<u64, new::Order> = DiskHashMap::load_from(dir.path()).unwrap();
    let new::Seen { qty, note } = map.get(&1).unwrap().unwrap();
    assert_eq!((qty, note), (5, "x"));
    assert_eq!(&*map.get_owned(&1).unwrap().unwrap().note, "x");
}

#[test]
fn schemas_read_like_declarations() {
    use crate::shapes::*;
    let shown = [
        (Mixed::SCHEMA, "record shop.Order v3 { name: str, id: u32, raw: bytes, flag: bool, last: str }"),
        (Tuple::SCHEMA, "record Tuple v1(u16, str)"),
        (UserId::SCHEMA, "UserId v1 = u64"),
        (Email::SCHEMA, "Email v1 = str"),
        (Colour::SCHEMA, "enum Colour v1 as u8 { Red = 0, Green = 7, Azure = 8 }"),
        (Padded::SCHEMA, "enum Padded v1 as u8 { Empty = 0, Small(u8) = 3, Large { id: u64, tag: [u8; 2] } = 4 }"),
        (Cell::SCHEMA, "record Cell v1 { x: u32, y: i32, path: [u16; 4] }"),
        (With::SCHEMA, "record With v1 { boxed: str, blob: bytes, ratio: canon<f64>, native: [u64; 2] }"),
        (r#struct::SCHEMA, "record struct v1 { type: u8, fn: str }"),
        (Pair::<u32, Name>::SCHEMA, "record Pair v1 { first: u32, second: option<Name v1 = str> }"),
        (Grid::<3>::SCHEMA, "record Grid v1 { cells: [u8; 3], corner: u8 }"),
        (Typed::<Mixed>::SCHEMA, "record Typed v1 { id: u64 }"),
    ];
    for (schema, text) in shown {
        assert_eq!(schema.to_string(), text);
    }
}
