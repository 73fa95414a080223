#[derive(diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = nativ)]
struct Place {
    x: u32,
}

fn main() {}
