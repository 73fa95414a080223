//! `Pod` is promised by hand, and wrongly; whether it is depends on the parameter.

use diskmap::DiskValue;

#[derive(Clone, Copy, bytemuck::Zeroable, diskmap::DiskValue)]
#[diskmap(codec = native)]
#[repr(C)]
struct Pair<T> {
    x: u32,
    y: T,
}

unsafe impl<T: bytemuck::Pod> bytemuck::Pod for Pair<T> {}

fn shape<T: DiskValue>() -> diskmap::Shape {
    T::SHAPE
}

fn main() {
    shape::<Pair<u32>>();
    shape::<Pair<u64>>();
}
