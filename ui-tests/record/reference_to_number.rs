#[derive(diskmap::DiskValue)]
struct Cell<'a> {
    x: &'a u64,
}

fn main() {}
