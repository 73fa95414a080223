use diskmap::{MemHashMap, SipBuildHasher};

fn main() {
    let _: MemHashMap<u64, u64> = MemHashMap::new_with_hasher(SipBuildHasher::new()).unwrap();
}
