struct OldPlace;

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(version = 2, from = OldPlace)]
struct Place {
    x: u32,
}

fn main() {}
