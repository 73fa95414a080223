#[derive(diskmap::DiskValue)]
struct Address {
    street: String,
}

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Person {
    name: String,
    home: Address,
}

fn main() {}
