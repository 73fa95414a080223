#[derive(diskmap::DiskValue)]
#[diskmap(codec = str)]
struct Id(u64);

fn main() {}
