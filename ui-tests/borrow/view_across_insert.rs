use diskmap::MemHashMap;

fn main() {
    let mut map: MemHashMap<u64, String> = MemHashMap::new();
    let name = map.get(&1).unwrap();
    map.insert(&2, "Ada").unwrap();
    println!("{name:?}");
}
