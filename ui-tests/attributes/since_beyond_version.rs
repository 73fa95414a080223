#[derive(diskmap::DiskValue)]
#[diskmap(version = 2)]
struct Person {
    name: String,
    #[diskmap(since = 3, default)]
    age: u8,
}

fn main() {}
