#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    x: u32,
    #[diskmap(skip)]
    hits: u32,
}

fn main() {}
