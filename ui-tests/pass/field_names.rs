//! Fields and parameters that are called like variables in what is emitted.

use diskmap::MemHashMap;

#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Names {
    out: u8,
    bytes: String,
    self_: u8,
    q: String,
    viewer: u8,
    checker: Vec<u8>,
    measure: u16,
    writer: String,
    f: bool,
    r#type: char,
    r#fn: String,
    field_0: u8,
    other_0: u8,
    view: String,
    owned: String,
    shown: u8,
    tag: u8,
}

#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
#[repr(u8)]
enum Variants {
    Named {
        out: u8,
        bytes: String,
        q: u8,
        viewer: String,
        checker: u8,
        measure: u16,
        writer: String,
        field_0: u8,
        field_1: u8,
        other_0: u8,
        r#type: u8,
    } = 0,
}

#[derive(Debug, PartialEq, diskmap::DiskValue)]
struct Nested {
    out: Wrapped,
    writer: Wrapped,
    r#type: Wrapped,
}

#[derive(Debug, PartialEq, diskmap::DiskValue)]
struct Wrapped(String);

fn names() -> Names {
    let text = |text: &str| text.to_owned();
    Names {
        out: 1,
        bytes: text("bytes"),
        self_: 2,
        q: text("q"),
        viewer: 3,
        checker: vec![4],
        measure: 5,
        writer: text("writer"),
        f: true,
        r#type: 't',
        r#fn: text("fn"),
        field_0: 6,
        other_0: 7,
        view: text("view"),
        owned: text("owned"),
        shown: 8,
        tag: 9,
    }
}

fn variants() -> Variants {
    let text = |text: &str| text.to_owned();
    Variants::Named {
        out: 1,
        bytes: text("bytes"),
        q: 2,
        viewer: text("viewer"),
        checker: 3,
        measure: 4,
        writer: text("writer"),
        field_0: 5,
        field_1: 6,
        other_0: 7,
        r#type: 8,
    }
}

fn main() {
    let mut map: MemHashMap<Names, Variants> = MemHashMap::new();
    map.insert(&names(), &variants()).unwrap();
    let (key, value) = map.iter().next().unwrap().unwrap();
    assert_eq!(key.into_owned().unwrap(), names());
    assert_eq!(value.into_owned().unwrap(), variants());
    assert!(format!("{key:?}").contains("type: 't', fn: \"fn\""));

    let mut nested: MemHashMap<u8, Nested> = MemHashMap::new();
    let wrapped = |text: &str| Wrapped(text.to_owned());
    nested.insert(&1, &Nested { out: wrapped("a"), writer: wrapped("b"), r#type: wrapped("c") }).unwrap();
    let view = nested.get(&1).unwrap().unwrap();
    assert_eq!(
        format!("{view:?}"),
        r#"NestedView { out: WrappedView("a"), writer: WrappedView("b"), type: WrappedView("c") }"#
    );
    assert_eq!(view.into_owned().unwrap().r#type, wrapped("c"));
}
