#[derive(diskmap::DiskValue)]
#[diskmap(name = Shop, version = "2", view = 5, bound = "T: Clone")]
struct Cell {
    #[diskmap(rename = 7, since = two)]
    x: u32,
}

fn main() {}
