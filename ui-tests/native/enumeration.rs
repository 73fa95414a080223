#[derive(Clone, Copy, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(u8)]
enum State {
    On = 0,
    Off = 1,
}

fn main() {}
