#[derive(diskmap::DiskValue)]
#[diskmap(with = diskmap::CanonF64)]
struct Price(f64);

fn main() {}
