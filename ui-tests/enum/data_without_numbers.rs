#[derive(diskmap::DiskValue)]
#[repr(u8)]
enum Event {
    Started = 0,
    Moved { x: u32, y: u32 },
    Stopped(u64),
}

fn main() {}
