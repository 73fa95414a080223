#[derive(diskmap::DiskValue)]
#[diskmap(view = Self)]
struct Person {
    name: String,
}

fn main() {}
