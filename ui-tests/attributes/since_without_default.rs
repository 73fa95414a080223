#[derive(diskmap::DiskValue)]
#[diskmap(version = 2)]
struct Person {
    name: String,
    #[diskmap(since = 2)]
    age: u8,
}

fn main() {}
