#[derive(diskmap::DiskValue)]
#[diskmap(codec, name)]
struct Cell {
    x: u32,
}

fn main() {}
