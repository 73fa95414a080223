//! A newtype is stored as its field.

use diskmap::MemHashMap;

#[derive(Clone, Copy, Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Id(u64);

#[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
struct Name(String);

fn main() {
    let mut ids: MemHashMap<Name, Id> = MemHashMap::new();
    ids.insert(&Name("Ada".to_owned()), &Id(7)).unwrap();
    assert_eq!(ids.get(&NameView("Ada")).unwrap(), Some(Id(7)));
}
