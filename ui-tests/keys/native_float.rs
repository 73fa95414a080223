#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable, diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Place {
    x: f64,
}

fn main() {}
