use diskmap::MemHashMap;

fn main() {
    let mut map: MemHashMap<u64, u64> = MemHashMap::new();
    map.insert(&1, &2_u32).unwrap();
}
