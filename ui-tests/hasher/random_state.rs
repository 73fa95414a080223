use std::hash::RandomState;

use diskmap::MemHashMap;

fn main() {
    let _: MemHashMap<u64, u64, RandomState> = MemHashMap::new_with_hasher(RandomState::new()).unwrap();
}
