#[derive(diskmap::DiskValue)]
struct Person {
    name: String,
    #[diskmap(default = 18)]
    age: u8,
}

fn main() {}
