use std::collections::HashMap;

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Person {
    tags: HashMap<String, u32>,
}

fn main() {}
