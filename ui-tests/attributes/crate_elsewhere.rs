#[derive(diskmap::DiskValue)]
#[diskmap(crate = maps)]
struct Cell {
    x: u32,
}

fn main() {}
