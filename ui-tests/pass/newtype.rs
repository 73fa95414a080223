//! A newtype is stored as its field, and taken as its view too.

use std::marker::PhantomData;

use diskmap::{CanonF64, DiskKey, DiskValue, MemHashMap, Native};

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Id(u64);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Name(String);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Nested(Name);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Typed<T>(u32, PhantomData<T>);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Price(#[diskmap(with = CanonF64)] f64);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Words(Vec<u16>);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(codec = transparent)]
struct Braces {
    name: String,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Raw(#[diskmap(with = Native<[u16; 3]>)] [u16; 3]);

fn main() {
    let mut ids: MemHashMap<Name, Id> = MemHashMap::new();
    ids.insert(&Name("Ada".to_owned()), &Id(7)).unwrap();
    assert_eq!(ids.get(&NameView("Ada")).unwrap(), Some(Id(7)));

    let mut nested: MemHashMap<Nested, Price> = MemHashMap::new();
    nested.insert(&Nested(Name("Ada".to_owned())), &Price(0.5)).unwrap();
    let (key, price) = nested.iter().next().unwrap().unwrap();
    assert_eq!((key.0.0, price.0.get()), ("Ada", 0.5));

    let mut words: MemHashMap<Words, Typed<String>> = MemHashMap::new();
    words.insert(&Words(vec![1, 2]), &Typed(3, PhantomData)).unwrap();
    assert_eq!(words.get(&Words(vec![1, 2])).unwrap().unwrap().0, 3);

    let mut braces: MemHashMap<Braces, Raw> = MemHashMap::new();
    braces.insert(&Braces { name: "b".to_owned() }, &Raw([1, 2, 3])).unwrap();
    let (key, raw) = braces.iter().next().unwrap().unwrap();
    assert_eq!((key.name, raw.0), ("b", [1, 2, 3]));
}
