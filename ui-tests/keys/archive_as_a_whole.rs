#[derive(rkyv::Archive, rkyv::Serialize, diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = arch)]
struct Address {
    street: String,
}

fn main() {}
