#[derive(diskmap::DiskValue)]
#[diskmap(version = 2)]
struct Person {
    #[diskmap(renam = "id")]
    id: u64,
    #[diskmap(since = 2)]
    name: String,
    #[diskmap(default)]
    age: u8,
}

fn main() {}
