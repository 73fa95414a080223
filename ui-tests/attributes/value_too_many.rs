#[derive(diskmap::DiskValue)]
struct Session {
    id: u64,
    #[diskmap(skip = true)]
    cache: u32,
}

fn main() {}
