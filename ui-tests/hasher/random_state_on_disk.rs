use std::hash::RandomState;

use diskmap::DiskHashMap;

fn main() {
    let _: DiskHashMap<u64, u64, _, _> = DiskHashMap::new_in_with_hasher("map", RandomState::new()).unwrap();
}
