use diskmap::MemHashMap;

#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
}

struct Stranger {
    name: String,
}

fn main() {
    let mut map: MemHashMap<u64, Person> = MemHashMap::new();
    map.insert(&1, &Stranger { name: String::new() }).unwrap();
}
