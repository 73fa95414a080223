#[derive(Clone, Copy, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(align(8))]
struct Cell {
    x: u32,
    y: u32,
}

fn main() {}
