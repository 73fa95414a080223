use diskmap::{MemHashMap, types::Arch};

#[derive(rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C, align(32))))]
struct Wide(u8);

fn main() {
    let mut map: MemHashMap<u64, Arch<Wide>> = MemHashMap::new();
    map.insert(&1, &Wide(1)).unwrap();
    map.get(&1).unwrap();
}
