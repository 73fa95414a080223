#[derive(diskmap::DiskValue)]
#[diskmap(codec = str)]
enum State {
    On,
    Off,
}

fn main() {}
