struct Compressed;

#[derive(diskmap::DiskValue)]
struct Page {
    #[diskmap(with = Compressed)]
    text: String,
}

fn main() {}
