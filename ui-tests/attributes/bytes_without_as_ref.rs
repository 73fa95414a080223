#[derive(diskmap::DiskValue)]
#[diskmap(codec = bytes)]
struct Samples(Vec<u32>);

fn main() {}
