use diskmap::codec::{DiskValue, Invalid, Schema, Shape};

struct Wide;

unsafe impl DiskValue for Wide {
    type View<'a> = &'a [u8];
    const SHAPE: Shape = Shape::Var { align: 32 };
    const SCHEMA: Schema = Schema::BYTES;

    fn validate(_: &[u8]) -> Result<(), Invalid> {
        Ok(())
    }

    unsafe fn view(bytes: &[u8]) -> &[u8] {
        bytes
    }
}

#[derive(diskmap::DiskValue)]
struct Row {
    wide: Wide,
    x: u32,
}

fn main() {
    let _ = Row::read(&[]);
}
