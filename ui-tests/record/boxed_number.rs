#[derive(diskmap::DiskValue)]
struct Cell {
    x: Box<u8>,
}

fn main() {}
