struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
#[repr(u8)]
enum Event {
    Started = 0,
    Moved(Address) = 1,
}

fn main() {}
