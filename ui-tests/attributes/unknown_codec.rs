#[derive(diskmap::DiskValue)]
#[diskmap(codec = nativ)]
struct Cell {
    x: u32,
}

fn main() {}
