use diskmap::{MemHashMap, Native};

struct Cell {
    x: u32,
}

fn main() {
    let _: MemHashMap<u64, Native<Cell>> = MemHashMap::new();
}
