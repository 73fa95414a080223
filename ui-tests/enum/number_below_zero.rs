#[derive(diskmap::DiskValue)]
enum State {
    Unknown = -1,
    Off = 0,
}

fn main() {}
