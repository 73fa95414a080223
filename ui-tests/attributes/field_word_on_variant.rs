#[derive(diskmap::DiskValue)]
enum State {
    #[diskmap(skip)]
    On,
    Off,
}

fn main() {}
