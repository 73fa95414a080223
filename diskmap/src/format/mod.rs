//! The format layer: turns the small control files into types and back, in memory, without touching a file.
//!
//! It must not know files, mappings, segments' words or entries; callers read and write the bytes.
//! Invariant: `parse` answers every input, hostile or cut short, with a value that `encode` could have written or with
//! an error – never with a panic, and never with an allocation that the input's own length does not justify.

pub(crate) mod identity;
pub(crate) mod manifest;
pub(crate) mod map_file;

#[cfg(test)]
mod documented;

use crate::error::Error;
use xxhash_rust::xxh3::xxh3_64;

/// The version of all files of a map. A file with another one is refused rather than misread.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Bytes of the checksum at the end of a binary control file.
pub(crate) const CHECKSUM_LEN: usize = size_of::<u64>();

/// What is wrong with some bytes, and where. It knows no file name: the caller adds it with [`Damage::in_file`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Bytes from the start of the file.
    pub(crate) offset: u64,
    /// What was found there.
    pub(crate) what: String,
}

impl Damage {
    /// Names a fault at `offset`.
    pub(crate) fn new(offset: u64, what: impl Into<String>) -> Damage {
        Damage { offset, what: what.into() }
    }

    /// The error for the user, with the name of the file the bytes came from.
    pub(crate) fn in_file(self, file: &'static str) -> Error {
        Error::corrupt(file, self.offset, self.what)
    }
}

/// The checksum of control files: finds torn writes and rot. It is no protection against an attacker, who can compute
/// it too; hence the checks of each value after it.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Checks the checksum in the last 8 bytes against torn writes, cut files and rot; returns the bytes before it.
pub(crate) fn checked_body(bytes: &[u8]) -> Result<&[u8], Damage> {
    let Some((body, stored)) = bytes.split_last_chunk::<CHECKSUM_LEN>() else {
        return Err(Damage::new(0, format!("{} bytes are too few for a checksum", bytes.len())));
    };
    if checksum(body) != u64::from_le_bytes(*stored) {
        return Err(Damage::new(body.len() as u64, "the checksum does not match the bytes before it"));
    }
    Ok(body)
}

/// Takes little-endian fields off the front of untrusted bytes; past the end is an error, not a panic.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, offset: 0 }
    }

    /// Where the next field starts: remember it before reading a field, to name it when its value is refused.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes not read yet: every count from a file is compared with it before it sizes anything.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Result<u8, Damage> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next 4 bytes as a number.
    pub(crate) fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next 8 bytes as a number.
    pub(crate) fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next `N` bytes by value.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else { return Err(self.too_short(N)) };
        self.rest = rest;
        self.offset += N as u64;
        Ok(*head)
    }

    /// The next `n` bytes.
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], Damage> {
        let Some((head, rest)) = self.rest.split_at_checked(n) else { return Err(self.too_short(n)) };
        self.rest = rest;
        self.offset += n as u64;
        Ok(head)
    }

    /// Skips `n` reserved bytes. They must be zero, or a field that a later version puts there would be ignored.
    pub(crate) fn zeros(&mut self, n: usize) -> Result<(), Damage> {
        let start = self.offset;
        match self.bytes(n)?.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(at) => Err(Damage::new(start + at as u64, "a reserved byte is not zero")),
        }
    }

    /// Ends the reading. Bytes left over mean that the file is not what its counts say.
    pub(crate) fn finish(self) -> Result<(), Damage> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Damage::new(self.offset, format!("{left} bytes too many"))),
        }
    }

    fn too_short(&self, wanted: usize) -> Damage {
        Damage::new(self.offset, format!("{wanted} bytes expected, {} left", self.rest.len()))
    }
}

/// Appends little-endian fields: the counterpart of [`Reader`], method by method.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends one byte.
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends 4 bytes.
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends 8 bytes.
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends `n` reserved bytes.
    pub(crate) fn zeros(&mut self, n: usize) {
        self.bytes.resize(self.bytes.len() + n, 0);
    }

    /// Ends with the checksum that [`checked_body`] expects.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.u64(checksum(&self.bytes));
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksum_never_changes() {
        assert_eq!(checksum(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(checksum(b"diskmap"), 0xd136_d934_04d8_3b9a);
    }

    #[test]
    fn writer_makes_these_bytes_and_reader_takes_them() -> Result<(), Damage> {
        let mut writer = Writer::default();
        writer.u8(1);
        writer.u32(0x0504_0302);
        writer.u64(0x0d0c_0b0a_0908_0706);
        writer.bytes(b"ab");
        writer.zeros(2);
        let bytes = writer.finish();
        let (body, sum) = bytes.split_at(17);
        assert_eq!(body, b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0dab\0\0");
        assert_eq!(sum, checksum(body).to_le_bytes());

        let mut reader = Reader::new(checked_body(&bytes)?);
        assert_eq!(reader.u8()?, 1);
        assert_eq!(reader.u32()?, 0x0504_0302);
        assert_eq!(reader.u64()?, 0x0d0c_0b0a_0908_0706);
        assert_eq!(reader.bytes(2)?, b"ab");
        assert_eq!((reader.offset(), reader.remaining()), (15, 2));
        reader.zeros(2)?;
        reader.finish()
    }

    #[test]
    fn reader_refuses_and_says_where() {
        let mut reader = Reader::new(&[0, 7, 0]);
        assert_eq!(reader.u32(), Err(Damage::new(0, "4 bytes expected, 3 left")));
        assert_eq!(reader.bytes(usize::MAX).map_err(|damage| damage.offset), Err(0));
        assert_eq!(reader.zeros(3), Err(Damage::new(1, "a reserved byte is not zero")));
        assert_eq!(reader.u8(), Err(Damage::new(3, "1 bytes expected, 0 left")));
        assert_eq!(Reader::new(&[1, 2]).finish(), Err(Damage::new(0, "2 bytes too many")));
    }

    #[test]
    fn damage_becomes_an_error_with_the_file() {
        let error = Damage::new(9, "a reserved byte is not zero").in_file("checkpoint");
        assert!(error.to_string().contains("checkpoint at byte 9: a reserved byte is not zero"), "{error}");
    }

    proptest! {
        #[test]
        fn random_bytes_have_no_checksum(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(checked_body(&bytes).is_err());
        }
    }
}
