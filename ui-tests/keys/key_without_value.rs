#[derive(diskmap::DiskKey)]
struct Place {
    x: u32,
}

fn main() {}
