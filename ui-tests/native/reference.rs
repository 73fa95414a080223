#[derive(Clone, Copy, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell<'a> {
    x: &'a u32,
}

fn main() {}
