#[derive(diskmap::DiskValue)]
struct Session {
    id: u64,
    #[diskmap(skip, rename = "c")]
    cache: u32,
}

fn main() {}
