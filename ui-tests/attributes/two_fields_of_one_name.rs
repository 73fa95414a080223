#[derive(diskmap::DiskValue)]
struct Cell {
    x: u32,
    #[diskmap(rename = "x")]
    y: u32,
}

fn main() {}
