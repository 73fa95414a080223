const ON: isize = 1;

#[derive(diskmap::DiskValue)]
enum State {
    Off = 0,
    On = ON,
}

fn main() {}
