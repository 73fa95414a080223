#[derive(diskmap::DiskValue)]
#[repr(i32)]
enum State {
    Off = 0,
    On = 1,
}

fn main() {}
