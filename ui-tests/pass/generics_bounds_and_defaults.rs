//! Bounds, `where` clauses, defaults, parameters that only types without bytes use, and associated types.

use std::{collections::HashMap, fmt::Display, marker::PhantomData};

use diskmap::{DiskKey, DiskValue, Encode, IntoOwned, MemHashMap};

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Bounded<T: Display + Clone, U = u32>
where
    U: PartialEq,
    Option<U>: Clone,
{
    t: T,
    u: Option<U>,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Id<T: ?Sized> {
    id: u64,
    name: String,
    of: PhantomData<T>,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Numbered<T>(u64, PhantomData<fn() -> T>);

trait Kind {
    type Key;
}

struct Shop;

impl Kind for Shop {
    type Key = String;
}

#[derive(DiskKey, DiskValue)]
#[diskmap(bound(K: Kind + 'static, K::Key: DiskKey + Encode<K::Key>))]
struct Of<K: Kind> {
    key: K::Key,
    number: u32,
}

#[derive(Debug, PartialEq, DiskValue)]
struct Cached<T, C: Default> {
    value: T,
    #[diskmap(skip)]
    cache: HashMap<u8, C>,
}

fn round<T>(value: T) -> T
where
    T: DiskValue + Encode<T> + IntoOwned<Owned = T>,
{
    let mut map: MemHashMap<u8, T> = MemHashMap::new();
    map.insert(&1, &value).unwrap();
    T::into_owned(map.get(&1).unwrap().unwrap()).unwrap()
}

fn main() {
    let bounded: Bounded<String> = Bounded { t: "t".to_owned(), u: Some(1) };
    assert_eq!(round(Bounded { t: "t".to_owned(), u: Some(1_u32) }), bounded);
    let id = || Id::<String> { id: 1, name: "n".to_owned(), of: PhantomData };
    assert_eq!(round(id()), id());
    assert_eq!(round(Numbered::<Vec<String>>(7, PhantomData)).0, 7);

    let mut map: MemHashMap<Of<Shop>, u8> = MemHashMap::new();
    map.insert(&Of { key: "k".to_owned(), number: 1 }, &2).unwrap();
    let (key, value) = map.iter().next().unwrap().unwrap();
    assert_eq!((key.key, key.number, value), ("k", 1, 2));

    let cached = Cached { value: "v".to_owned(), cache: HashMap::from([(1, 2_u8)]) };
    assert_eq!(round(cached), Cached { value: "v".to_owned(), cache: HashMap::new() });
}
