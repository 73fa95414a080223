use diskmap::MemHashMap;

fn main() {
    let map: MemHashMap<u64, u64> = MemHashMap::new();
    map.get(7).unwrap();
}
