//! The `MAP` file: what the map is, as lines of text, so that `cat MAP` answers it without this crate.
//!
//! It must not know what a schema, a slot layout or a hasher is: those are texts and numbers that the caller compares.
//! Invariant: there is exactly one text for a [`MapFile`], and only that text parses to it.

use super::{Damage, FORMAT_VERSION, checksum};

/// How every `MAP` starts, whatever its version: tells a map's directory from any other.
const MAGIC: &str = "diskmap format ";

/// How the last line starts.
const CHECKSUM: &str = "checksum ";

/// Length of the last line: its name, 16 hex digits, the newline.
const CHECKSUM_LINE: usize = CHECKSUM.len() + 16 + 1;

/// The identity of a map: written once at creation, compared at every open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapFile {
    /// Random at creation. Defends against files of one map beside those of another.
    pub(crate) uuid: [u8; 16],
    /// Schema of the key type. Defends, with the fingerprint, against opening with another type; shown when it differs.
    pub(crate) key: String,
    /// Schema of the value type.
    pub(crate) value: String,
    /// Hash of the key's full schema. Defends against two types that are described by the same text.
    pub(crate) key_fingerprint: u64,
    /// Hash of the value's full schema.
    pub(crate) value_fingerprint: u64,
    /// The slot layout. Defends against a build that derives another layout from the same types.
    pub(crate) slot: String,
    /// Name of the hasher. Defends against looking for entries where another hasher would have put them.
    pub(crate) hasher: String,
    /// What the hasher made of known inputs. Defends against a hasher that changed and kept its name.
    pub(crate) hasher_answers: u64,
    /// The key of a keyed hasher; `None` (`-` in the file) for a hasher without one.
    pub(crate) hasher_seed: Option<[u8; 16]>,
    /// log2 of the heap's block size, below 64 so that shifting by it is defined. Defends against other block sizes.
    pub(crate) block_shift: u32,
    /// Intent records in `segments`: fixes where the descriptors start. Not checked here against that file's length.
    pub(crate) intents: u32,
}

/// Why bytes are not the `MAP` of a map that this build can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MapFileError {
    /// The magic words are missing: some other file, or an empty one.
    NotAMap,
    /// The first line is whole and names another version; nothing after it was looked at, so that it may change freely.
    NewerFormat(u32),
    /// A `MAP` of this version, but not as it was written.
    Damaged(Damage),
}

impl From<Damage> for MapFileError {
    fn from(damage: Damage) -> MapFileError {
        MapFileError::Damaged(damage)
    }
}

impl MapFile {
    /// The text of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = format!(
            "{MAGIC}{FORMAT_VERSION}\n\
             uuid {}\n\
             key {}\n\
             value {}\n\
             key-fingerprint {:016x}\n\
             value-fingerprint {:016x}\n\
             slot {}\n\
             hasher {}\n\
             hasher-answers {:016x}\n\
             hasher-seed {}\n\
             block-shift {}\n\
             intents {}\n",
            hex(self.uuid),
            escape(&self.key),
            escape(&self.value),
            self.key_fingerprint,
            self.value_fingerprint,
            escape(&self.slot),
            escape(&self.hasher),
            self.hasher_answers,
            self.hasher_seed.map_or("-".to_owned(), hex),
            self.block_shift,
            self.intents,
        );
        text.push_str(&checksum_line(text.as_bytes()));
        text.into_bytes()
    }

    /// Reads the text. Strict: a line that is unknown, missing, doubled or moved, or a byte too many, is damage.
    pub(crate) fn parse(bytes: &[u8]) -> Result<MapFile, MapFileError> {
        let first_line = check_version(bytes)?;
        let rest = checked_text(bytes, first_line)?;
        let map = Lines { rest, offset: first_line as u64 }.map_file()?;
        same_bytes(bytes, &map.encode())?;
        Ok(map)
    }
}

/// Reads the first line on its own, before anything that another version may have changed. Returns its length.
fn check_version(bytes: &[u8]) -> Result<usize, MapFileError> {
    let rest = bytes.strip_prefix(MAGIC.as_bytes()).ok_or(MapFileError::NotAMap)?;
    let damage = || Damage::new(MAGIC.len() as u64, "the format version is not a number on a line of its own");
    let digits = rest.split(|byte| *byte == b'\n').next().filter(|digits| digits.len() < rest.len());
    let digits = digits.and_then(|digits| str::from_utf8(digits).ok()).ok_or_else(damage)?;
    match digits.parse::<u32>() {
        Ok(version) if version.to_string() != digits => Err(damage().into()),
        Ok(FORMAT_VERSION) => Ok(MAGIC.len() + digits.len() + 1),
        Ok(version) => Err(MapFileError::NewerFormat(version)),
        Err(_) => Err(damage().into()),
    }
}

/// Checks the last line against cut files, trailing bytes and rot; returns the lines between the first and the last.
fn checked_text(bytes: &[u8], first_line: usize) -> Result<&str, Damage> {
    let body_len = bytes.len().saturating_sub(CHECKSUM_LINE);
    let (body, last) = bytes.split_at_checked(body_len).unwrap_or((&[], bytes));
    if !last.starts_with(CHECKSUM.as_bytes()) {
        return Err(Damage::new(body_len as u64, "the file does not end with its checksum line"));
    }
    if last != checksum_line(body).as_bytes() {
        return Err(Damage::new(body_len as u64, "the checksum does not match the text above it"));
    }
    str::from_utf8(body.get(first_line..).unwrap_or(&[]))
        .map_err(|error| Damage::new((first_line + error.valid_up_to()) as u64, "the text is not UTF-8"))
}

/// Refuses other spellings of the same values (`+1`, `01`, capital hex digits, needless escapes).
fn same_bytes(found: &[u8], canonical: &[u8]) -> Result<(), Damage> {
    if found == canonical {
        return Ok(());
    }
    let same = found.iter().zip(canonical).take_while(|(a, b)| a == b).count();
    Err(Damage::new(same as u64, "the text is not spelled as this crate would write it"))
}

fn checksum_line(body: &[u8]) -> String {
    format!("{CHECKSUM}{:016x}\n", checksum(body))
}

/// The lines after the first, taken one by one in their fixed order.
struct Lines<'a> {
    rest: &'a str,
    offset: u64,
}

impl<'a> Lines<'a> {
    fn map_file(mut self) -> Result<MapFile, Damage> {
        let map = MapFile {
            uuid: self.field("uuid")?.hex128()?,
            key: self.field("key")?.text()?,
            value: self.field("value")?.text()?,
            key_fingerprint: self.field("key-fingerprint")?.hex64()?,
            value_fingerprint: self.field("value-fingerprint")?.hex64()?,
            slot: self.field("slot")?.text()?,
            hasher: self.field("hasher")?.text()?,
            hasher_answers: self.field("hasher-answers")?.hex64()?,
            hasher_seed: self.field("hasher-seed")?.seed()?,
            block_shift: self.field("block-shift")?.shift()?,
            intents: self.field("intents")?.number()?,
        };
        if self.rest.is_empty() { Ok(map) } else { Err(Damage::new(self.offset, "there are more lines than expected")) }
    }

    fn field(&mut self, name: &'static str) -> Result<Field<'a>, Damage> {
        let damage = || Damage::new(self.offset, format!("the line `{name}` is missing or not in its place"));
        let (line, rest) = self.rest.split_once('\n').ok_or_else(damage)?;
        let value = line.strip_prefix(name).and_then(|line| line.strip_prefix(' ')).ok_or_else(damage)?;
        let field = Field { name, value, offset: self.offset + name.len() as u64 + 1 };
        self.rest = rest;
        self.offset += line.len() as u64 + 1;
        Ok(field)
    }
}

/// The value of one line, not yet trusted. Other spellings of a value pass here and fail in [`same_bytes`].
struct Field<'a> {
    name: &'static str,
    value: &'a str,
    offset: u64,
}

impl Field<'_> {
    fn text(&self) -> Result<String, Damage> {
        unescape(self.value).ok_or_else(|| self.damage("has an escape that is not one of \\\\, \\n and \\u{hex}"))
    }

    fn hex64(&self) -> Result<u64, Damage> {
        u64::from_str_radix(self.value, 16).map_err(|_| self.damage("is not 16 hex digits"))
    }

    fn hex128(&self) -> Result<[u8; 16], Damage> {
        let number = u128::from_str_radix(self.value, 16).map_err(|_| self.damage("is not 32 hex digits"))?;
        Ok(number.to_be_bytes())
    }

    fn seed(&self) -> Result<Option<[u8; 16]>, Damage> {
        if self.value == "-" { Ok(None) } else { self.hex128().map(Some) }
    }

    fn number(&self) -> Result<u32, Damage> {
        self.value.parse().map_err(|_| self.damage("is not a number below 2^32"))
    }

    fn shift(&self) -> Result<u32, Damage> {
        let shift = self.number()?;
        if shift < u64::BITS { Ok(shift) } else { Err(self.damage("is not below 64")) }
    }

    fn damage(&self, what: &str) -> Damage {
        Damage::new(self.offset, format!("`{}` {what}", self.name))
    }
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// One line of any text: control characters become escapes, so no text can look like another line (or like a
/// terminal command when shown).
fn escape(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            char if char.is_control() => line.extend(char.escape_unicode()),
            char => line.push(char),
        }
    }
    line
}

/// Undoes [`escape`]; `None` for an escape that it never writes.
fn unescape(line: &str) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let (char, after) = if let Some(after) = escaped.strip_prefix('\\') {
            ('\\', after)
        } else if let Some(after) = escaped.strip_prefix('n') {
            ('\n', after)
        } else {
            let (digits, after) = escaped.strip_prefix("u{")?.split_once('}')?;
            (char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, after)
        };
        text.push(char);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &str = "\
diskmap format 1
uuid 000102030405060708090a0b0c0d0e0f
key struct Point {\\n  x: u32, // \\\\ö\\u{9}\\n}
value u64
key-fingerprint 0123456789abcdef
value-fingerprint 0000000000000001
slot stride 16 slots 4 lines 1 buckets 1024 key inline 8 value inline 8
hasher siphash13
hasher-answers fedcba9876543210
hasher-seed f0e0d0c0b0a090807060504030201000
block-shift 16
intents 64
checksum c58a7d40fc453bb3
";

    fn sample() -> MapFile {
        MapFile {
            uuid: std::array::from_fn(|i| i as u8),
            key: "struct Point {\n  x: u32, // \\ö\t\n}".into(),
            value: "u64".into(),
            key_fingerprint: 0x0123_4567_89ab_cdef,
            value_fingerprint: 1,
            slot: "stride 16 slots 4 lines 1 buckets 1024 key inline 8 value inline 8".into(),
            hasher: "siphash13".into(),
            hasher_answers: 0xfedc_ba98_7654_3210,
            hasher_seed: Some(std::array::from_fn(|i| 0xf0 - 0x10 * i as u8)),
            block_shift: 16,
            intents: 64,
        }
    }

    /// The golden text with one replacement and a checksum that fits it.
    fn crafted(from: &str, to: &str) -> Vec<u8> {
        let (body, _) = GOLDEN.split_at(GOLDEN.len() - CHECKSUM_LINE);
        assert!(body.contains(from), "{from:?} is not in the sample");
        sealed(body.replacen(from, to, 1).into_bytes())
    }

    fn sealed(mut body: Vec<u8>) -> Vec<u8> {
        let line = checksum_line(&body);
        body.extend_from_slice(line.as_bytes());
        body
    }

    fn damage(bytes: &[u8]) -> Damage {
        match MapFile::parse(bytes) {
            Err(MapFileError::Damaged(damage)) => damage,
            other => panic!("expected damage, got {other:?}"),
        }
    }

    #[test]
    fn golden_text() {
        assert_eq!(String::from_utf8_lossy(&sample().encode()), GOLDEN);
        assert_eq!(MapFile::parse(GOLDEN.as_bytes()), Ok(sample()));
    }

    #[test]
    fn no_seed_is_a_dash() {
        let map = MapFile { hasher_seed: None, ..sample() };
        assert!(String::from_utf8_lossy(&map.encode()).contains("\nhasher-seed -\n"));
        assert_eq!(MapFile::parse(&map.encode()), Ok(map));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..GOLDEN.len() * 8 {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(MapFile::parse(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_replaced_byte_is_noticed() {
        for at in 0..GOLDEN.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = GOLDEN.as_bytes().to_vec();
                if std::mem::replace(&mut bytes[at], byte) != byte {
                    assert!(MapFile::parse(&bytes).is_err(), "byte {at} = {byte}");
                }
            }
        }
    }

    #[test]
    fn every_truncation_and_extension_is_noticed() {
        for len in 0..GOLDEN.len() {
            assert!(MapFile::parse(&GOLDEN.as_bytes()[..len]).is_err(), "{len}");
        }
        assert_eq!(damage(format!("{GOLDEN}\n").as_bytes()).offset, (GOLDEN.len() + 1 - CHECKSUM_LINE) as u64);
    }

    #[test]
    fn other_files_and_versions_are_told_apart() {
        assert_eq!(MapFile::parse(b""), Err(MapFileError::NotAMap));
        assert_eq!(MapFile::parse(b"Diskmap format 1\n"), Err(MapFileError::NotAMap));
        assert_eq!(MapFile::parse(b"diskmap format 2\n\xff"), Err(MapFileError::NewerFormat(2)));
        assert_eq!(MapFile::parse(b"diskmap format 4294967295\n"), Err(MapFileError::NewerFormat(u32::MAX)));
        for version in ["", "2", "\n", "+2\n", "02\n", "2 \n", "-1\n", "4294967296\n", "ö\n", "1\r\n"] {
            assert_eq!(damage(format!("{MAGIC}{version}").as_bytes()).offset, 15, "{version:?}");
        }
    }

    #[test]
    fn crafted_lines_are_damage() {
        for (from, to) in [
            ("intents 64\n", ""),
            ("intents 64\n", "intents 64\nintents 64\n"),
            ("intents 64\n", "intents 64\ncolour red\n"),
            ("intents 64\n", "intents 64\n\n"),
            ("intents 64\n", "intents 64"),
            ("value u64\n", "value u64\n\n"),
            ("block-shift 16\nintents 64\n", "intents 64\nblock-shift 16\n"),
            ("key struct", "keystruct"),
            ("value u64", "value\tu64"),
        ] {
            let damage = damage(&crafted(from, to));
            assert!(damage.what.contains("line"), "{to:?}: {damage:?}");
        }
    }

    #[test]
    fn crafted_values_are_damage() {
        for (from, to) in [
            ("intents 64", "intents +64"),
            ("intents 64", "intents 064"),
            ("intents 64", "intents 4294967296"),
            ("intents 64", "intents 64 "),
            ("intents 64", "intents 64\r"),
            ("block-shift 16", "block-shift 64"),
            ("0123456789abcdef", "0123456789ABCDEF"),
            ("0123456789abcdef", "123456789abcdef"),
            ("0123456789abcdef", "+123456789abcdef"),
            ("0123456789abcdef", "00123456789abcdef"),
            ("f0e0", "f0"),
            ("hasher-seed f", "hasher-seed -f"),
            ("\\u{9}", "\t"),
            ("\\u{9}", "\\u{09}"),
            ("\\u{9}", "\\u{d800}"),
            ("\\u{9}", "\\u{110000}"),
            ("\\u{9}", "\\u{}"),
            ("\\u{9}", "\\u{9"),
            ("\\u{9}", "\\t"),
            ("value u64", "value u64\\"),
            ("value u64", "value \\u{75}64"),
        ] {
            let damage = damage(&crafted(from, to));
            assert!(damage.offset > 17, "{to:?}: {damage:?}");
        }
        let offset = GOLDEN.find("u64").unwrap_or_default();
        let mut body = GOLDEN.as_bytes()[..GOLDEN.len() - CHECKSUM_LINE].to_vec();
        body[offset] = 0xff;
        assert_eq!(damage(&sealed(body)), Damage::new(offset as u64, "the text is not UTF-8"));
    }

    fn any_map() -> impl Strategy<Value = MapFile> {
        let texts = (any::<String>(), "(?s).*", "[\\\\\nnu{}0-9a-f\t]*", "\\PC*");
        let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), 0..64u32, any::<u32>());
        (any::<[u8; 16]>(), any::<Option<[u8; 16]>>(), texts, numbers).prop_map(|(uuid, seed, texts, numbers)| {
            MapFile {
                uuid,
                key: texts.0,
                value: texts.1,
                key_fingerprint: numbers.0,
                value_fingerprint: numbers.1,
                slot: texts.2,
                hasher: texts.3,
                hasher_answers: numbers.2,
                hasher_seed: seed,
                block_shift: numbers.3,
                intents: numbers.4,
            }
        })
    }

    proptest! {
        #[test]
        fn round_trip(map in any_map()) {
            let bytes = map.encode();
            prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 13);
            prop_assert_eq!(MapFile::parse(&bytes), Ok(map));
        }

        #[test]
        fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(MapFile::parse(&bytes).is_err());
            let after_first_line = [b"diskmap format 1\n".as_slice(), &bytes].concat();
            prop_assert!(MapFile::parse(&after_first_line).is_err());
            prop_assert!(MapFile::parse(&sealed(after_first_line)).is_err());
        }

        #[test]
        fn crafted_bytes_are_refused_or_canonical(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut body = GOLDEN.as_bytes()[..GOLDEN.len() - CHECKSUM_LINE].to_vec();
            for (index, byte) in edits {
                let at = index.index(body.len());
                body[at] = byte;
            }
            let bytes = sealed(body);
            if let Ok(map) = MapFile::parse(&bytes) {
                prop_assert_eq!(map.encode(), bytes);
            }
        }
    }
}
