//! Types, traits and modules of the user that are called like those of the standard library.
#![allow(dead_code, unused_imports)]

mod core {
    pub struct NotTheCore;
}

mod std {
    pub struct NotTheStandardLibrary;
}

mod diskmap {
    pub struct NotTheCrate;
}

mod shadows {
    pub struct Result;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub struct Option;
    pub struct Box;
    pub struct PhantomData;
    pub struct Field;
    pub struct Schema;
    pub struct Shape;
    pub trait Clone {}
    pub trait Copy {}
    pub trait From {}
    pub trait Default {}
    pub trait PartialEq {}
    pub trait Debug {}
    pub trait Sized {}
    pub trait AsRef {}
    pub trait Encode {}
    pub trait IntoOwned {}
}

use self::shadows::*;

#[derive(::diskmap::DiskKey, ::diskmap::DiskValue)]
struct Person {
    name: String,
    age: u8,
    scores: ::std::vec::Vec<u16>,
}

#[derive(::diskmap::DiskKey, ::diskmap::DiskValue)]
#[repr(u16)]
enum Event {
    Ok = 0,
    Some(Person) = 1,
    None {
        #[diskmap(with = ::diskmap::CanonF64)]
        at: f64,
    } = 2,
}

#[derive(::diskmap::DiskValue)]
struct Session {
    id: u64,
    name: String,
    #[diskmap(skip)]
    hits: u64,
    #[diskmap(skip, default = 7)]
    seven: u8,
}

#[derive(::diskmap::DiskKey, ::diskmap::DiskValue)]
#[diskmap(codec = bytes)]
struct Blob(::std::vec::Vec<u8>);

fn main() {
    let mut events: ::diskmap::MemHashMap<Blob, Event> = ::diskmap::MemHashMap::new();
    events.insert(&Blob(vec![1, 2]), &Event::None { at: 0.5 }).unwrap();
    assert!(matches!(events.get(b"\x01\x02".as_slice()).unwrap().unwrap(), EventView::None { at } if at.get() == 0.5));

    let mut sessions: ::diskmap::MemHashMap<u64, Session> = ::diskmap::MemHashMap::new();
    sessions.insert(&1, &Session { id: 1, name: String::new(), hits: 9, seven: 0 }).unwrap();
    let session = sessions.get(&1).unwrap().unwrap().into_owned().unwrap();
    assert_eq!((session.hits, session.seven), (0, 7));
}
