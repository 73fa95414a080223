struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Home(Address);

fn main() {}
