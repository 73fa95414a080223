#[derive(diskmap::DiskValue)]
#[diskmap(codec = transparent)]
struct Pair(u32, u32);

fn main() {}
