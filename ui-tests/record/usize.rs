#[derive(diskmap::DiskValue)]
struct Slot {
    at: usize,
    name: String,
}

fn main() {}
