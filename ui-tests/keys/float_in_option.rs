#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    x: Option<f32>,
}

fn main() {}
