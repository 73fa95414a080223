#[derive(diskmap::DiskValue)]
#[diskmap(diskmap::codec = native)]
struct Cell {
    x: u32,
}

fn main() {}
