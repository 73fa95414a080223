use diskmap::MemHashMap;

struct Mine;

fn main() {
    let _: MemHashMap<u64, u64, Mine> = MemHashMap::new_with_hasher(Mine).unwrap();
}
