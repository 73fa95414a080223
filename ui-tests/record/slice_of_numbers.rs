#[derive(diskmap::DiskValue)]
struct Samples<'a> {
    all: &'a [u32],
}

fn main() {}
