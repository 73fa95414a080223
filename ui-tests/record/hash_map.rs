use std::collections::HashMap;

#[derive(diskmap::DiskValue)]
struct Person {
    id: u64,
    tags: HashMap<String, u32>,
}

fn main() {}
