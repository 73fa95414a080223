use diskmap::MemHashMap;

fn main() {
    let name = {
        let map: MemHashMap<u64, String> = MemHashMap::new();
        map.get(&1).unwrap()
    };
    println!("{name:?}");
}
