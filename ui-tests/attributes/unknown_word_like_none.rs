#[derive(diskmap::DiskValue)]
struct Cell {
    #[diskmap(compress)]
    x: u32,
}

fn main() {}
