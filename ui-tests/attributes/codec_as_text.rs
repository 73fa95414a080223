#[derive(diskmap::DiskValue)]
#[diskmap(codec = "native")]
struct Cell {
    x: u32,
}

fn main() {}
