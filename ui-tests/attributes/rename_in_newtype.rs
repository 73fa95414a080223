#[derive(diskmap::DiskValue)]
struct Id(#[diskmap(rename = "id")] u64);

fn main() {}
