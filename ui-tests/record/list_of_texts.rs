#[derive(diskmap::DiskValue)]
struct Person {
    names: Vec<String>,
}

fn main() {}
