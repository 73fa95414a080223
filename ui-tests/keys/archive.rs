use diskmap::types::Arch;

#[derive(rkyv::Archive, rkyv::Serialize)]
struct Address {
    street: String,
}

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Place {
    #[diskmap(with = Arch<Address>)]
    address: Address,
}

fn main() {}
