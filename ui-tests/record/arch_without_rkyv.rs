#[derive(diskmap::DiskValue)]
#[diskmap(codec = arch)]
struct Person {
    names: Vec<String>,
}

fn main() {}
