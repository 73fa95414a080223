#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    at: (u32, f64),
}

fn main() {}
