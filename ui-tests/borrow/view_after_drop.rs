use diskmap::MemHashMap;

fn main() {
    let map: MemHashMap<u64, String> = MemHashMap::new();
    let name = map.get(&1).unwrap();
    drop(map);
    println!("{name:?}");
}
