type Meters = f64;

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    x: Meters,
}

fn main() {}
