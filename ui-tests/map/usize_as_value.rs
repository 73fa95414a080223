use diskmap::MemHashMap;

fn main() {
    let _: MemHashMap<u64, usize> = MemHashMap::new();
}
