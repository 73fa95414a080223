#[derive(diskmap::DiskValue)]
struct Person {
    #[diskmap(with = diskmap::Str)]
    age: u64,
}

fn main() {}
