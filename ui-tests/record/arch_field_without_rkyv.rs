use diskmap::types::Arch;

struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Person {
    id: u64,
    #[diskmap(with = Arch<Address>)]
    home: Address,
}

fn main() {}
