#[derive(Clone, Copy, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u32,
    y: u32,
}

fn main() {}
