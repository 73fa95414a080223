#[derive(diskmap::DiskValue)]
struct Line<'a, 'b> {
    left: &'a str,
    right: &'b str,
}

fn main() {}
