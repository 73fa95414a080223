#[derive(Clone, Copy, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    alive: bool,
}

unsafe impl bytemuck::Pod for Cell {}

fn main() {}
