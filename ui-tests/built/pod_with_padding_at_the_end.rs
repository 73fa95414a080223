//! `Pod` is promised by hand, and wrongly.

#[derive(Clone, Copy, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u64,
    y: u32,
}

unsafe impl bytemuck::Pod for Cell {}

fn main() {
    let _ = <Cell as diskmap::DiskValue>::SHAPE;
}
