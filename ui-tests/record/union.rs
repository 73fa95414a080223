#[derive(Clone, Copy, diskmap::DiskValue)]
union Bits {
    whole: u32,
    parts: [u8; 4],
}

fn main() {}
