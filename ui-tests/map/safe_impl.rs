use diskmap::codec::{DiskValue, Invalid, Schema, Shape};

struct Nothing;

impl DiskValue for Nothing {
    type View<'a> = Nothing;
    const SHAPE: Shape = Shape::Fixed { size: 0 };
    const SCHEMA: Schema = Schema::UNIT;

    fn validate(_: &[u8]) -> Result<(), Invalid> {
        Ok(())
    }

    unsafe fn view(_: &[u8]) -> Nothing {
        Nothing
    }
}

fn main() {}
