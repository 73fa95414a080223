#[derive(diskmap::DiskValue)]
#[diskmap(view_derive(Eq))]
struct Reading {
    name: String,
    value: f64,
}

fn main() {}
