use diskmap::{DiskValue, types::Arch};

#[derive(rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C, align(32))))]
struct Wide(u8);

fn main() {
    let _ = Arch::<Wide>::read(&[]);
}
