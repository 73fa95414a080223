//! Type parameters with the names that maps and derives use.
#![allow(non_camel_case_types)]

use diskmap::{DiskKey, DiskValue, Encode, IntoOwned, MemHashMap};

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Many<K, Q, V, S, R, T> {
    k: K,
    q: Q,
    v: V,
    s: S,
    r: R,
    t: T,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
#[repr(u8)]
enum Either<Q, E> {
    Left(Q) = 0,
    Right { e: E, again: E } = 1,
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Wrap<Self_>(Self_);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Lower<a, x> {
    a: a,
    x: x,
}

fn round<T>(value: T) -> T
where
    T: DiskKey + Encode<T> + IntoOwned<Owned = T>,
{
    let mut map: MemHashMap<T, T> = MemHashMap::new();
    map.insert(&value, &value).unwrap();
    T::into_owned(map.get(&value).unwrap().unwrap()).unwrap()
}

fn main() {
    let many = || Many { k: 1_u8, q: "q".to_owned(), v: 2_u16, s: "s".to_owned(), r: [1_u8, 2], t: Some('t') };
    assert_eq!(round(many()), many());
    let left: Either<String, u64> = Either::Left("l".to_owned());
    let right: Either<String, u64> = Either::Right { e: 1, again: 2 };
    assert_eq!(round(left), Either::Left("l".to_owned()));
    assert_eq!(round(right), Either::Right { e: 1, again: 2 });
    assert_eq!(round(Wrap("w".to_owned())).0, "w");
    assert_eq!(round(Lower { a: 1_u8, x: "x".to_owned() }).x, "x");
}
