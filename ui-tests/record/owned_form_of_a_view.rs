use diskmap::{MemHashMap, types::Arch};

#[derive(rkyv::Archive, rkyv::Serialize)]
struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Person {
    id: u64,
    #[diskmap(with = Arch<Address>)]
    home: Address,
}

fn main() {
    let map: MemHashMap<u64, Person> = MemHashMap::new();
    let _ = map.get(&1).unwrap().unwrap().into_owned();
}
