use diskmap::MemHashMap;

#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
}

fn main() {
    let map: MemHashMap<u64, Person> = MemHashMap::new();
    let _: Option<Person> = map.get(&1).unwrap();
}
