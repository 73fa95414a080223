#[derive(diskmap::DiskValue)]
#[diskmap(version = 1)]
#[diskmap(version = 2)]
struct Cell {
    x: u32,
}

fn main() {}
