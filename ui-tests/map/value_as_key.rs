use diskmap::MemHashMap;

#[derive(diskmap::DiskValue)]
struct Place {
    x: u32,
}

fn main() {
    let _: MemHashMap<Place, u64> = MemHashMap::new();
}
