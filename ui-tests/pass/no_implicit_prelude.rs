//! Nothing is in scope: not `Result`, not `Some`, not even the macros of the prelude.
#![no_implicit_prelude]

#[derive(::std::clone::Clone, ::std::fmt::Debug, ::std::cmp::PartialEq, ::diskmap::DiskKey, ::diskmap::DiskValue)]
struct Place {
    x: u32,
    street: ::std::string::String,
    floor: ::std::option::Option<u8>,
}

#[derive(::std::fmt::Debug, ::std::cmp::PartialEq, ::diskmap::DiskValue)]
#[repr(u8)]
enum Event {
    Started = 0,
    Moved(Place) = 1,
    Said {
        words: ::std::string::String,
        #[diskmap(skip)]
        heard: u64,
    } = 2,
}

#[derive(::diskmap::DiskKey, ::diskmap::DiskValue)]
#[diskmap(codec = str)]
struct Name(::std::boxed::Box<str>);

#[derive(
    ::std::clone::Clone, ::std::marker::Copy, ::bytemuck::Pod, ::bytemuck::Zeroable, ::diskmap::DiskKey, ::diskmap::DiskValue,
)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u32,
    y: [u16; 2],
}

#[derive(::diskmap::DiskValue)]
struct Notes {
    #[diskmap(with = ::diskmap::types::Arch<::std::vec::Vec<::std::string::String>>)]
    all: ::std::vec::Vec<::std::string::String>,
}

fn main() {
    let mut events: ::diskmap::MemHashMap<Name, Event> = ::diskmap::MemHashMap::new();
    let place = Place { x: 7, street: ::std::convert::From::from("Main"), floor: ::std::option::Option::Some(2) };
    events.insert("Ada", &Event::Moved(::std::clone::Clone::clone(&place))).unwrap();
    let view = events.get("Ada").unwrap().unwrap();
    ::std::assert_eq!(view.into_owned().unwrap(), Event::Moved(place));

    let mut notes: ::diskmap::MemHashMap<Cell, Notes> = ::diskmap::MemHashMap::new();
    let cell = Cell { x: 1, y: [2, 3] };
    notes.insert(&cell, &Notes { all: ::std::vec::Vec::new() }).unwrap();
    ::std::assert!(notes.get(&cell).unwrap().unwrap().all.is_empty());
}
