#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native, view = CellView)]
#[repr(C)]
struct Cell {
    x: u32,
}

fn main() {}
