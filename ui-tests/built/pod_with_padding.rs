//! `Pod` is promised by hand, and wrongly.

#[derive(Clone, Copy, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u32,
    y: u64,
}

unsafe impl bytemuck::Pod for Cell {}

fn main() {
    let _ = <Cell as diskmap::DiskValue>::SHAPE;
}
