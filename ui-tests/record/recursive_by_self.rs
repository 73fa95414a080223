#[derive(diskmap::DiskValue)]
struct Tree {
    value: u32,
    left: Option<Box<Self>>,
}

fn main() {}
