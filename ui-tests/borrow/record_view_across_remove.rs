use diskmap::MemHashMap;

#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
}

fn main() {
    let mut map: MemHashMap<u64, Person> = MemHashMap::new();
    let person = map.get(&1).unwrap().unwrap();
    map.remove(&1).unwrap();
    println!("{}", person.name);
}
