use diskmap::MemHashMap;

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place<T> {
    x: T,
}

fn main() {
    let _: MemHashMap<Place<f64>, u64> = MemHashMap::new();
}
