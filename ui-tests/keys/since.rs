#[derive(diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(version = 2)]
struct Place {
    x: u32,
    #[diskmap(since = 2, default)]
    y: u32,
}

fn main() {}
