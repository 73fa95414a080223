use std::time::Instant;

#[derive(diskmap::DiskValue)]
struct Session {
    id: u64,
    #[diskmap(skip)]
    started: Instant,
}

fn main() {}
