#[derive(diskmap::DiskValue)]
#[diskmap(version = 3)]
struct Person {
    name: String,
    #[diskmap(since = 3, default)]
    age: u8,
    #[diskmap(since = 2, default)]
    size: u8,
    weight: u8,
}

fn main() {}
