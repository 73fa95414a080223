#[derive(diskmap::DiskValue)]
#[diskmap(view_derive(Eq))]
struct Cell {
    x: u32,
}

fn main() {}
