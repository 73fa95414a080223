//! `Pod` is promised by hand, and wrongly.

use diskmap::MemHashMap;

#[derive(Clone, Copy, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u64,
    y: u32,
}

unsafe impl bytemuck::Pod for Cell {}

fn main() {
    let mut map: MemHashMap<u64, Cell> = MemHashMap::new();
    map.insert(&1, &Cell { x: 1, y: 2 }).unwrap();
}
