#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    x: u32,
    y: u64,
}

fn main() {}
