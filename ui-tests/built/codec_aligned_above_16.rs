use diskmap::{
    Encode, Result,
    codec::{DiskValue, Invalid, Schema, Shape},
};

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

impl Encode<[u8]> for Wide {
    fn encoded_len(q: &[u8]) -> Result<usize> {
        Ok(q.len())
    }

    fn encode_into(q: &[u8], out: &mut [u8]) -> Result<usize> {
        out[..q.len()].copy_from_slice(q);
        Ok(q.len())
    }
}

fn main() {
    let _ = Wide::with_bytes(b"wide".as_slice(), |_| ());
}
