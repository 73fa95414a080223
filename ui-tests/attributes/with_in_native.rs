#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Cell {
    #[diskmap(with = diskmap::CanonF64)]
    x: f64,
}

fn main() {}
