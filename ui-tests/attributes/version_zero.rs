#[derive(diskmap::DiskValue)]
#[diskmap(version = 0)]
struct Cell {
    x: u32,
}

fn main() {}
