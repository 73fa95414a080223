#[derive(diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Person {
    name: String,
}

fn main() {}
