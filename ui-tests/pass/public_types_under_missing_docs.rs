//! Public and documented types with private parts, in a crate where all that is public has to be documented.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, private_interfaces, private_bounds)]

use diskmap::MemHashMap;

/// A part of [`Person`] that is not public.
#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Address {
    street: String,
}

/// A person.
#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
pub struct Person {
    /// What they are called.
    pub name: String,
    /// How old they are.
    pub age: u8,
    home: Address,
}

/// Something that happened.
#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
#[repr(u8)]
pub enum Event {
    /// At the start.
    Started = 0,
    /// To somewhere else.
    Moved {
        /// Who did.
        who: Person,
        /// How far.
        far: u32,
    } = 1,
    /// In words.
    Said(String, u32) = 2,
}

/// A pair of anything.
#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
pub struct Pair<A, B = u32> {
    /// One.
    pub a: A,
    /// The other.
    pub b: B,
}

fn main() {
    let person = || Person { name: "Ada".to_owned(), age: 36, home: Address { street: "Main".to_owned() } };
    let mut map: MemHashMap<Pair<Person>, Event> = MemHashMap::new();
    map.insert(&Pair { a: person(), b: 1 }, &Event::Moved { who: person(), far: 2 }).unwrap();
    map.insert(&Pair { a: person(), b: 2 }, &Event::Said("w".to_owned(), 3)).unwrap();
    let moved = map.get(&Pair { a: person(), b: 1 }).unwrap().unwrap();
    assert_eq!(moved.into_owned().unwrap(), Event::Moved { who: person(), far: 2 });
    let said = map.get(&Pair { a: person(), b: 2 }).unwrap().unwrap();
    assert_eq!(said.into_owned().unwrap(), Event::Said("w".to_owned(), 3));
}
