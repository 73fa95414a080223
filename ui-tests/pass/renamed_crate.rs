//! The crate under another name, and behind a module of the user.

extern crate diskmap as dm;

mod store {
    pub mod re {
        pub use dm::*;
    }
}

use store::re::MemHashMap;

#[derive(Debug, PartialEq, dm::DiskKey, dm::DiskValue)]
#[diskmap(crate = dm)]
struct Name {
    first: String,
    last: String,
}

#[derive(Debug, PartialEq, dm::DiskValue)]
#[diskmap(crate = crate::store::re)]
struct Person {
    name: Name,
    scores: Vec<u32>,
}

fn main() {
    let mut people: MemHashMap<Name, Person> = MemHashMap::new();
    let name = || Name { first: "Ada".to_owned(), last: "Lovelace".to_owned() };
    people.insert(&name(), &Person { name: name(), scores: vec![1, 2] }).unwrap();
    let person = people.get(&NameView { first: "Ada", last: "Lovelace" }).unwrap().unwrap();
    assert_eq!(person.name.last, "Lovelace");
    assert_eq!(person.into_owned().unwrap(), Person { name: name(), scores: vec![1, 2] });
}
