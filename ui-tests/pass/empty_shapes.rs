//! Structs and variants without fields, and with none that is stored.

use std::marker::PhantomData;

use diskmap::{DiskKey, DiskValue, MemHashMap};

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Unit;

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Tuple();

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Braces {}

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Phantom<T>(PhantomData<T>);

#[derive(Debug, PartialEq, DiskValue)]
struct Skipped {
    #[diskmap(skip)]
    all: u64,
}

#[derive(Debug, PartialEq, DiskValue)]
#[repr(u8)]
enum Variants {
    Unit = 0,
    Tuple() = 1,
    Braces {} = 2,
    Skipped {
        #[diskmap(skip)]
        all: u64,
    } = 3,
    Text(String) = 4,
}

fn main() {
    let mut units: MemHashMap<Unit, Tuple> = MemHashMap::new();
    units.insert(&Unit, &Tuple()).unwrap();
    assert_eq!(units.get(&Unit).unwrap(), Some(Tuple()));

    let mut braces: MemHashMap<Braces, Phantom<u8>> = MemHashMap::new();
    braces.insert(&Braces {}, &Phantom(PhantomData)).unwrap();
    assert_eq!(braces.get(&Braces {}).unwrap(), Some(Phantom(PhantomData)));

    let mut skipped: MemHashMap<u8, Skipped> = MemHashMap::new();
    skipped.insert(&1, &Skipped { all: 5 }).unwrap();
    assert_eq!(skipped.get(&1).unwrap().unwrap().into_owned().unwrap().all, 0);

    let mut variants: MemHashMap<u8, Variants> = MemHashMap::new();
    let all = [Variants::Unit, Variants::Tuple(), Variants::Braces {}, Variants::Skipped { all: 0 }];
    for (at, variant) in all.iter().enumerate() {
        variants.insert(&(at as u8), variant).unwrap();
        assert_eq!(&variants.get(&(at as u8)).unwrap().unwrap().into_owned().unwrap(), variant);
    }
}
