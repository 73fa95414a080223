use diskmap::MemHashMap;

fn main() {
    let mut map: MemHashMap<u64, u64> = MemHashMap::new();
    for entry in &map {
        let (key, value) = entry.unwrap();
        map.insert(&(key + 1), &value).unwrap();
    }
}
