#[derive(diskmap::DiskValue)]
#[diskmap(codek = native)]
struct Cell {
    x: u32,
}

fn main() {}
