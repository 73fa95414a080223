#[derive(diskmap::DiskValue)]
#[diskmap(codec = str)]
struct Name {
    first: String,
    last: String,
}

fn main() {}
