#[derive(Clone, Copy, diskmap::DiskValue)]
#[diskmap(codec = native)]
struct Cell {
    x: u32,
    y: u32,
}

fn main() {}
