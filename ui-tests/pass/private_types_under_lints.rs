//! Private types in a crate that forbids itself a lot.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unused,
    unused_lifetimes,
    unused_qualifications,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unsafe_code,
    let_underscore_drop,
    non_ascii_idents,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    redundant_lifetimes,
    explicit_outlives_requirements,
    elided_lifetimes_in_paths,
    keyword_idents,
    meta_variable_misuse,
    variant_size_differences,
    unit_bindings
)]

use diskmap::{MemHashMap, types::Arch};

#[derive(Debug, Clone, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Address {
    street: String,
    number: u32,
}

#[derive(Debug, Clone, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Person {
    name: String,
    home: Address,
    scores: Vec<u32>,
}

#[derive(Debug, diskmap::DiskKey, diskmap::DiskValue)]
#[repr(u8)]
enum Event {
    Started = 0,
    Moved(Address) = 1,
    Said { words: String } = 2,
}

#[derive(Debug, diskmap::DiskKey, diskmap::DiskValue)]
struct Line<'l> {
    words: &'l str,
    count: u32,
}

#[derive(Debug, diskmap::DiskValue)]
struct Dated<T> {
    day: u32,
    what: T,
}

#[derive(Debug, diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = str)]
struct Name(String);

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u32,
    y: u32,
}

#[derive(Debug, diskmap::DiskValue)]
struct Session {
    #[diskmap(with = Arch<Vec<String>>)]
    words: Vec<String>,
    #[diskmap(skip)]
    hits: u64,
}

fn main() {
    let address = Address { street: "Main".to_owned(), number: 1 };
    let person = Person { name: "Ada".to_owned(), home: address.clone(), scores: vec![1] };
    let mut people: MemHashMap<Name, Person> = MemHashMap::new();
    people.insert(&Name("Ada".to_owned()), &person).unwrap();
    let view = people.get("Ada").unwrap().unwrap();
    assert_eq!((view.name, view.home.street, view.home.number), ("Ada", "Main", 1));
    assert_eq!(view.scores.iter().next(), Some(1));
    assert_eq!(view.into_owned().unwrap(), person);

    let mut events: MemHashMap<Line<'_>, Event> = MemHashMap::new();
    for (count, event) in [Event::Started, Event::Moved(address), Event::Said { words: "w".to_owned() }].iter().enumerate() {
        events.insert(&Line { words: "words", count: count as u32 }, event).unwrap();
    }
    let moved = events.get(&Line { words: "words", count: 1 }).unwrap().unwrap();
    assert!(matches!(moved, EventView::Moved(address) if address.number == 1));
    let said = events.get(&Line { words: "words", count: 2 }).unwrap().unwrap();
    assert!(matches!(said, EventView::Said { words: "w" }));

    let mut dated: MemHashMap<Cell, Dated<String>> = MemHashMap::new();
    dated.insert(&Cell { x: 1, y: 2 }, &Dated { day: 3, what: "w".to_owned() }).unwrap();
    let view = dated.get(&Cell { x: 1, y: 2 }).unwrap().unwrap();
    assert_eq!((view.day, view.what), (3, "w"));

    let mut sessions: MemHashMap<u64, Session> = MemHashMap::new();
    sessions.insert(&1, &Session { words: vec!["w".to_owned()], hits: 3 }).unwrap();
    assert_eq!(sessions.get(&1).unwrap().unwrap().words[0], "w");
    assert_eq!(sessions.get(&1).unwrap().unwrap().into_owned().unwrap().hits, 0);
}
