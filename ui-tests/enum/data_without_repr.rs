#[derive(diskmap::DiskValue)]
enum Event {
    Started,
    Moved { x: u32, y: u32 },
}

fn main() {}
