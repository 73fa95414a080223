#[derive(diskmap::DiskValue)]
#[diskmap(view = Person)]
struct Person {
    name: String,
}

fn main() {}
