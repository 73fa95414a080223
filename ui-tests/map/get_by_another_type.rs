use diskmap::MemHashMap;

fn main() {
    let map: MemHashMap<String, u64> = MemHashMap::new().unwrap();
    map.get(&7).unwrap();
}
