#[derive(diskmap::DiskValue)]
#[diskmap]
struct Cell {
    x: u32,
}

fn main() {}
