use diskmap::MemHashMap;

struct Person {
    name: String,
}

fn main() {
    let _: MemHashMap<u64, Person> = MemHashMap::new();
}
