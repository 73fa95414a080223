use diskmap::MemHashMap;

fn main() {
    let map: MemHashMap<String, u64> = MemHashMap::new();
    map.get(&7).unwrap();
}
