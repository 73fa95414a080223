#[derive(diskmap::DiskValue)]
#[repr(u8)]
enum Event {
    Started(u8) = 0,
    Stopped(u8) = 256,
}

fn main() {}
