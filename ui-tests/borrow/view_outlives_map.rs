use diskmap::MemHashMap;

fn main() {
    let name = {
        let map: MemHashMap<u64, String> = MemHashMap::new().unwrap();
        map.get(&1).unwrap()
    };
    println!("{name:?}");
}
