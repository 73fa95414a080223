use diskmap::MemHashMap;

fn main() {
    let mut map: MemHashMap<String, u64> = MemHashMap::new();
    map.entry("Ada").unwrap().or_insert(0).unwrap();
}
