struct Address {
    street: String,
}

#[derive(diskmap::DiskValue)]
struct Dated<T, const N: usize> {
    home: Address,
    what: T,
    days: [u8; N],
}

fn main() {}
