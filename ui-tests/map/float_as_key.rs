use diskmap::MemHashMap;

fn main() {
    let _: MemHashMap<f64, u64> = MemHashMap::new();
}
