use diskmap::MemHashMap;

struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Dated<T> {
    day: u32,
    what: T,
}

fn main() {
    let _: MemHashMap<u64, Dated<Address>> = MemHashMap::new();
}
