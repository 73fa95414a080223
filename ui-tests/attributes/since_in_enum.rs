#[derive(diskmap::DiskValue)]
#[diskmap(version = 2)]
#[repr(u8)]
enum Event {
    Moved {
        x: u32,
        #[diskmap(since = 2, default)]
        y: u32,
    } = 0,
}

fn main() {}
