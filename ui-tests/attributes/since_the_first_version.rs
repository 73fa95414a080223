#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
    #[diskmap(since = 1, default)]
    age: u8,
}

fn main() {}
