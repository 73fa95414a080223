#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    x: f32,
    y: u32,
}

fn main() {}
