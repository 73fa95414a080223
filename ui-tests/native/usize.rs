#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    at: usize,
}

fn main() {}
