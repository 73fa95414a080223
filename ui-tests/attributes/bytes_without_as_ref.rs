#[derive(diskmap::DiskValue)]
#[diskmap(codec = bytes)]
struct Samples(u32);

fn main() {}
