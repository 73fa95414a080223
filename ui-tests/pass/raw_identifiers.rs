//! Types, variants, fields and parameters that are spelled with `r#`.
#![allow(non_camel_case_types)]

use diskmap::MemHashMap;

#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct r#struct {
    r#type: String,
    r#match: u32,
}

#[derive(Debug, PartialEq, diskmap::DiskValue)]
#[repr(u8)]
enum r#enum {
    r#fn(String) = 0,
    r#loop { r#in: r#struct } = 1,
    r#mod = 2,
}

#[derive(Debug, PartialEq, diskmap::DiskValue)]
#[diskmap(view = r#where)]
struct Generic<r#dyn> {
    r#box: r#dyn,
    r#impl: String,
}

fn main() {
    let inner = || r#struct { r#type: "t".to_owned(), r#match: 1 };
    let mut map: MemHashMap<r#struct, r#enum> = MemHashMap::new();
    map.insert(&inner(), &r#enum::r#loop { r#in: inner() }).unwrap();
    let view = map.get(&structView { r#type: "t", r#match: 1 }).unwrap().unwrap();
    assert_eq!(format!("{view:?}"), r#"loop { in: structView { type: "t", match: 1 } }"#);
    assert_eq!(view.into_owned().unwrap(), r#enum::r#loop { r#in: inner() });

    let mut generic: MemHashMap<u8, Generic<u32>> = MemHashMap::new();
    generic.insert(&1, &Generic { r#box: 2, r#impl: "i".to_owned() }).unwrap();
    let r#where { r#box, r#impl } = generic.get(&1).unwrap().unwrap();
    assert_eq!((r#box, r#impl), (2, "i"));
}
