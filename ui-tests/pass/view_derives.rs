//! Traits asked for a view, of views with nested views that have them too.

use std::collections::HashSet;

use diskmap::{DiskKey, DiskValue, MemHashMap, types::Arch};

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(view_derive(Eq, Hash, PartialOrd, Ord))]
struct Address {
    street: String,
    number: u32,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(view = Read, view_derive(Eq, Hash, PartialOrd, Ord))]
struct Person {
    name: String,
    home: Address,
    other: Option<Address>,
}

#[derive(DiskKey, DiskValue)]
#[diskmap(view_derive(Eq, Hash))]
#[repr(u8)]
enum Event {
    Moved(Person) = 0,
    Said { words: String } = 1,
}

#[derive(DiskKey, DiskValue)]
struct Pair<A, B> {
    a: A,
    b: B,
    home: Address,
}

#[derive(DiskValue)]
#[diskmap(view_derive(Eq, Hash))]
struct Page {
    home: Address,
    #[diskmap(with = Arch<String>)]
    text: String,
}

fn address() -> Address {
    Address { street: "Main".to_owned(), number: 1 }
}

fn main() {
    let person = || Person { name: "Ada".to_owned(), home: address(), other: None };
    let mut map: MemHashMap<Person, Event> = MemHashMap::new();
    map.insert(&person(), &Event::Moved(person())).unwrap();
    let (key, event) = map.iter().next().unwrap().unwrap();
    assert_eq!(HashSet::from([key, key.clone()]).len(), 1);
    assert!(key >= Read { name: "Ada", home: AddressView { street: "Main", number: 0 }, other: None });
    assert!(HashSet::from([event]).contains(&EventView::Moved(key)));

    let mut pairs: MemHashMap<Pair<String, u32>, Page> = MemHashMap::new();
    let pair = Pair { a: "a".to_owned(), b: 2, home: address() };
    pairs.insert(&pair, &Page { home: address(), text: "t".to_owned() }).unwrap();
    let (pair, page) = pairs.iter().next().unwrap().unwrap();
    assert_eq!(pair.home, page.home);
    assert_eq!(page.text.as_str(), "t");
}
