#[derive(diskmap::DiskValue)]
enum Never {}

fn main() {}
