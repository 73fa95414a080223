#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[repr(C)]
struct Point {
    x: u32,
    y: u32,
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    at: Point,
}

fn main() {}
