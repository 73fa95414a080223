#[derive(diskmap::DiskValue)]
struct Cell {
    #[diskmap(codec = native)]
    x: u32,
}

fn main() {}
