struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
    home: Address,
}

fn main() {}
