#[derive(diskmap::DiskValue)]
struct Person {
    names: Vec<String>,
    age: usize,
    home: std::path::PathBuf,
}

fn main() {}
