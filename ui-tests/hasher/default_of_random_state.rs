use std::hash::RandomState;

use diskmap::DiskHashMap;

fn main() {
    let _ = DiskHashMap::<u64, u64, diskmap::MMapFile, RandomState>::new_in_with_hasher("map", Default::default());
}
