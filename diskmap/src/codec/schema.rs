//! What a type's bytes look like, as a value: kept readable in a map's files and compared when the map is opened.
//!
//! It knows no codec, only structure; Rust type names and paths never appear in it. The invariant: everything that
//! changes the meaning of bytes changes the schema, and tags and walk of [`Schema::fingerprint`] never change.

use std::fmt;

/// The structure of the bytes of one side of a map.
///
/// Types with equal bytes have equal schemas (`Native<u64>` and `u64`, `Str` and `String`). All of it can be built in
/// `const`.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{DiskValue, Schema};
///
/// assert_eq!(<(u32, String)>::SCHEMA.to_string(), "(u32, str)");
/// assert_eq!(<(u32, String)>::SCHEMA, Schema::tuple(&[Schema::U32, Schema::STR]));
/// assert_ne!(u32::SCHEMA.fingerprint(), u64::SCHEMA.fingerprint());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schema(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Unit,
    Bool,
    Char,
    Str,
    Bytes,
    Uuid,
    Unsigned { bits: u32 },
    Signed { bits: u32 },
    Float { bits: u32 },
    Canon { bits: u32 },
    Array { item: &'static Schema, len: usize },
    Tuple { items: &'static [Schema] },
    Option { item: &'static Schema },
    Vec { item: &'static Schema },
    Arch { format: ArchFormat },
    Record { name: &'static str, version: u32, fields: &'static [Field] },
    Enum { name: &'static str, version: u32, tag_bits: u32, variants: &'static [Variant] },
    Named { name: &'static str, version: u32, inner: &'static Schema },
}

/// A field of a record or of an enum's variant.
///
/// Fields named `0`, `1`, … are those of tuple structs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    name: &'static str,
    schema: Schema,
}

/// A variant of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    name: &'static str,
    discriminant: u32,
    fields: &'static [Field],
}

/// What is known of an rkyv archive without its type's definition: its root and rkyv's format features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArchFormat {
    /// Bytes of the root.
    pub size: usize,
    /// Alignment of the root, in bytes.
    pub align: usize,
    /// Whether numbers are little-endian (else big-endian).
    pub little_endian: bool,
    /// Whether numbers lie at multiples of their size (else anywhere).
    pub aligned: bool,
    /// Bits of a relative pointer and of `usize`.
    pub pointer_bits: u32,
}

impl Field {
    /// A field by its stored name.
    pub const fn new(name: &'static str, schema: Schema) -> Field {
        Field { name, schema }
    }
}

impl Variant {
    /// A variant by its stored name; `fields` is empty for a unit variant.
    pub const fn new(name: &'static str, discriminant: u32, fields: &'static [Field]) -> Variant {
        Variant { name, discriminant, fields }
    }
}

impl Schema {
    /// `()`: no bytes.
    pub const UNIT: Schema = Schema(Kind::Unit);
    /// `bool`: one byte, 0 or 1.
    pub const BOOL: Schema = Schema(Kind::Bool);
    /// `char`: a Unicode scalar value in four bytes.
    pub const CHAR: Schema = Schema(Kind::Char);
    /// UTF-8 text.
    pub const STR: Schema = Schema(Kind::Str);
    /// Any bytes.
    pub const BYTES: Schema = Schema(Kind::Bytes);
    /// The 16 bytes of a UUID, in the order of its text.
    pub const UUID: Schema = Schema(Kind::Uuid);
    /// `u8`.
    pub const U8: Schema = Schema(Kind::Unsigned { bits: 8 });
    /// `u16`, little-endian, as all numbers.
    pub const U16: Schema = Schema(Kind::Unsigned { bits: 16 });
    /// `u32`.
    pub const U32: Schema = Schema(Kind::Unsigned { bits: 32 });
    /// `u64`.
    pub const U64: Schema = Schema(Kind::Unsigned { bits: 64 });
    /// `u128`.
    pub const U128: Schema = Schema(Kind::Unsigned { bits: 128 });
    /// `i8`.
    pub const I8: Schema = Schema(Kind::Signed { bits: 8 });
    /// `i16`.
    pub const I16: Schema = Schema(Kind::Signed { bits: 16 });
    /// `i32`.
    pub const I32: Schema = Schema(Kind::Signed { bits: 32 });
    /// `i64`.
    pub const I64: Schema = Schema(Kind::Signed { bits: 64 });
    /// `i128`.
    pub const I128: Schema = Schema(Kind::Signed { bits: 128 });
    /// `f32`, any bits.
    pub const F32: Schema = Schema(Kind::Float { bits: 32 });
    /// `f64`, any bits.
    pub const F64: Schema = Schema(Kind::Float { bits: 64 });
    /// `f32` with one NaN and one zero.
    pub const CANON_F32: Schema = Schema(Kind::Canon { bits: 32 });
    /// `f64` with one NaN and one zero.
    pub const CANON_F64: Schema = Schema(Kind::Canon { bits: 64 });

    /// `len` parts of one schema, in the layout of [`record`](super::record).
    pub const fn array(item: &'static Schema, len: usize) -> Schema {
        Schema(Kind::Array { item, len })
    }

    /// Unnamed parts, in the layout of [`record`](super::record).
    pub const fn tuple(items: &'static [Schema]) -> Schema {
        Schema(Kind::Tuple { items })
    }

    /// A tag byte, then the item if the tag is 1.
    pub const fn option(item: &'static Schema) -> Schema {
        Schema(Kind::Option { item })
    }

    /// Numbers up to the end.
    pub const fn vec(item: &'static Schema) -> Schema {
        Schema(Kind::Vec { item })
    }

    /// An rkyv archive. Add the type's identity with [`named`](Schema::named).
    pub const fn arch(format: ArchFormat) -> Schema {
        Schema(Kind::Arch { format })
    }

    /// A struct, its fields in the layout of [`record`](super::record).
    ///
    /// ```
    /// use diskmap::codec::{DiskValue, Field, Schema};
    ///
    /// const ORDER_KEY: Schema = Schema::record(
    ///     "shop.OrderKey",
    ///     1,
    ///     const { &[Field::new("tenant", u32::SCHEMA), Field::new("sku", String::SCHEMA)] },
    /// );
    /// assert_eq!(ORDER_KEY.to_string(), "record shop.OrderKey v1 { tenant: u32, sku: str }");
    /// ```
    pub const fn record(name: &'static str, version: u32, fields: &'static [Field]) -> Schema {
        Schema(Kind::Record { name, version, fields })
    }

    /// An enum: a discriminant of `tag_bits` (8, 16 or 32) bits as the first fixed part, then its variant's fields.
    ///
    /// ```
    /// use diskmap::codec::{Field, Schema, Variant};
    ///
    /// const DRAWING: Schema = Schema::enumeration(
    ///     "Drawing",
    ///     1,
    ///     8,
    ///     const {
    ///         &[
    ///             Variant::new("Dot", 0, &[]),
    ///             Variant::new("Circle", 1, const { &[Field::new("r", Schema::F32)] }),
    ///             Variant::new("Text", 2, const { &[Field::new("0", Schema::STR)] }),
    ///         ]
    ///     },
    /// );
    /// assert_eq!(DRAWING.to_string(), "enum Drawing v1 as u8 { Dot = 0, Circle { r: f32 } = 1, Text(str) = 2 }");
    /// ```
    pub const fn enumeration(name: &'static str, version: u32, tag_bits: u32, variants: &'static [Variant]) -> Schema {
        Schema(Kind::Enum { name, version, tag_bits, variants })
    }

    /// Another schema under a name of its own: the same bytes, another meaning.
    ///
    /// ```
    /// use diskmap::codec::Schema;
    ///
    /// assert_eq!(Schema::named("shop.Email", 1, &Schema::STR).to_string(), "shop.Email v1 = str");
    /// ```
    pub const fn named(name: &'static str, version: u32, inner: &'static Schema) -> Schema {
        Schema(Kind::Named { name, version, inner })
    }

    /// A 64-bit hash of the structure, the same in every build and every version of this crate.
    ///
    /// Unequal fingerprints prove unequal schemas; equal ones do not prove the contrary.
    pub const fn fingerprint(&self) -> u64 {
        self.walk(Fnv::new()).0
    }

    /// Each node feeds its tag and then parts whose number the tag or a count in front of them tells, so that no two
    /// trees feed the same bytes.
    const fn walk(&self, hash: Fnv) -> Fnv {
        match self.0 {
            Kind::Unit => hash.tag(1),
            Kind::Bool => hash.tag(2),
            Kind::Char => hash.tag(3),
            Kind::Str => hash.tag(4),
            Kind::Bytes => hash.tag(5),
            Kind::Uuid => hash.tag(6),
            Kind::Unsigned { bits } => hash.tag(7).word(bits as u64),
            Kind::Signed { bits } => hash.tag(8).word(bits as u64),
            Kind::Float { bits } => hash.tag(9).word(bits as u64),
            Kind::Canon { bits } => hash.tag(10).word(bits as u64),
            Kind::Array { item, len } => item.walk(hash.tag(11).word(len as u64)),
            Kind::Tuple { items } => {
                let mut hash = hash.tag(12).word(items.len() as u64);
                let mut i = 0;
                while i < items.len() {
                    hash = items[i].walk(hash);
                    i += 1;
                }
                hash
            }
            Kind::Option { item } => item.walk(hash.tag(13)),
            Kind::Vec { item } => item.walk(hash.tag(14)),
            Kind::Arch { format } => hash
                .tag(15)
                .word(format.size as u64)
                .word(format.align as u64)
                .word(format.little_endian as u64)
                .word(format.aligned as u64)
                .word(format.pointer_bits as u64),
            Kind::Record { name, version, fields } => walk_fields(fields, hash.tag(16).text(name).word(version as u64)),
            Kind::Enum { name, version, tag_bits, variants } => {
                let head = hash.tag(17).text(name).word(version as u64).word(tag_bits as u64);
                let mut hash = head.word(variants.len() as u64);
                let mut i = 0;
                while i < variants.len() {
                    let Variant { name, discriminant, fields } = variants[i];
                    hash = walk_fields(fields, hash.text(name).word(discriminant as u64));
                    i += 1;
                }
                hash
            }
            Kind::Named { name, version, inner } => inner.walk(hash.tag(18).text(name).word(version as u64)),
        }
    }
}

const fn walk_fields(fields: &[Field], hash: Fnv) -> Fnv {
    let mut hash = hash.word(fields.len() as u64);
    let mut i = 0;
    while i < fields.len() {
        hash = fields[i].schema.walk(hash.text(fields[i].name));
        i += 1;
    }
    hash
}

/// FNV-1a with 64 bits.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl Fnv {
    const fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    const fn tag(self, byte: u8) -> Fnv {
        Fnv((self.0 ^ byte as u64).wrapping_mul(0x0100_0000_01b3))
    }

    const fn word(self, word: u64) -> Fnv {
        self.bytes(&word.to_le_bytes())
    }

    const fn text(self, text: &str) -> Fnv {
        self.word(text.len() as u64).bytes(text.as_bytes())
    }

    const fn bytes(self, bytes: &[u8]) -> Fnv {
        let mut hash = self;
        let mut i = 0;
        while i < bytes.len() {
            hash = hash.tag(bytes[i]);
            i += 1;
        }
        hash
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Unit => f.write_str("()"),
            Kind::Bool => f.write_str("bool"),
            Kind::Char => f.write_str("char"),
            Kind::Str => f.write_str("str"),
            Kind::Bytes => f.write_str("bytes"),
            Kind::Uuid => f.write_str("uuid"),
            Kind::Unsigned { bits } => write!(f, "u{bits}"),
            Kind::Signed { bits } => write!(f, "i{bits}"),
            Kind::Float { bits } => write!(f, "f{bits}"),
            Kind::Canon { bits } => write!(f, "canon<f{bits}>"),
            Kind::Array { item, len } => write!(f, "[{item}; {len}]"),
            Kind::Tuple { items: [only] } => write!(f, "({only},)"),
            Kind::Tuple { items } => write_list(f, "(", items, ")"),
            Kind::Option { item } => write!(f, "option<{item}>"),
            Kind::Vec { item } => write!(f, "vec<{item}>"),
            Kind::Arch { format } => write!(f, "{format}"),
            Kind::Record { name, version, fields } => {
                write!(f, "record {name} v{version}")?;
                write_fields(f, fields)
            }
            Kind::Enum { name, version, tag_bits, variants } => {
                write!(f, "enum {name} v{version} as u{tag_bits} ")?;
                write_list(f, "{ ", variants, " }")
            }
            Kind::Named { name, version, inner } => write!(f, "{name} v{version} = {inner}"),
        }
    }
}

impl fmt::Display for ArchFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArchFormat { size, align, pointer_bits, .. } = self;
        let endian = if self.little_endian { "little" } else { "big" };
        let unaligned = if self.aligned { "" } else { ", unaligned" };
        write!(f, "arch(size {size}, align {align}, {endian}-endian, {pointer_bits}-bit{unaligned})")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_numbered() { self.schema.fmt(f) } else { write!(f, "{}: {}", self.name, self.schema) }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        write_fields(f, self.fields)?;
        write!(f, " = {}", self.discriminant)
    }
}

impl Field {
    fn is_numbered(&self) -> bool {
        self.name.starts_with(|first: char| first.is_ascii_digit())
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[Field]) -> fmt::Result {
    match fields {
        [] => Ok(()),
        [first, ..] if first.is_numbered() => write_list(f, "(", fields, ")"),
        _ => write_list(f, " { ", fields, " }"),
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, open: &str, items: &[T], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    f.write_str(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &[Field] = &[Field::new("0", Schema::U8), Field::new("1", Schema::STR)];
    const NAMED: &[Field] = &[Field::new("a", Schema::U8), Field::new("b", Schema::STR)];

    #[test]
    fn display_reads_like_a_declaration() {
        let shown = |schema: Schema| schema.to_string();
        assert_eq!(shown(Schema::array(&Schema::U64, 3)), "[u64; 3]");
        assert_eq!(shown(Schema::option(&Schema::STR)), "option<str>");
        assert_eq!(shown(Schema::vec(&Schema::F32)), "vec<f32>");
        assert_eq!(shown(Schema::tuple(&[Schema::I8])), "(i8,)");
        assert_eq!(shown(Schema::CANON_F64), "canon<f64>");
        assert_eq!(shown(Schema::record("Pair", 2, PAIR)), "record Pair v2(u8, str)");
        assert_eq!(shown(Schema::record("Empty", 1, &[])), "record Empty v1");
        let format = ArchFormat { size: 24, align: 8, little_endian: true, aligned: true, pointer_bits: 32 };
        assert_eq!(shown(Schema::arch(format)), "arch(size 24, align 8, little-endian, 32-bit)");
    }

    #[test]
    fn what_differs_has_another_fingerprint() {
        const ARCH: ArchFormat =
            ArchFormat { size: 24, align: 8, little_endian: true, aligned: true, pointer_bits: 32 };
        const ONE: &[Variant] = &[Variant::new("A", 0, NAMED)];
        const OTHER: &[Variant] = &[Variant::new("A", 1, NAMED)];
        let all = [
            Schema::UNIT,
            Schema::BYTES,
            Schema::STR,
            Schema::U8,
            Schema::I8,
            Schema::F32,
            Schema::CANON_F32,
            Schema::array(&Schema::U8, 1),
            Schema::array(&Schema::U8, 2),
            Schema::vec(&Schema::U8),
            Schema::option(&Schema::U8),
            Schema::tuple(&[]),
            Schema::tuple(&[Schema::U8]),
            Schema::tuple(&[Schema::U8, Schema::U8]),
            Schema::tuple(const { &[Schema::tuple(&[Schema::U8]), Schema::U8] }),
            Schema::tuple(const { &[Schema::tuple(&[Schema::U8, Schema::U8])] }),
            Schema::record("A", 1, PAIR),
            Schema::record("A", 1, NAMED),
            Schema::record("A", 2, NAMED),
            Schema::record("B", 1, NAMED),
            Schema::enumeration("A", 1, 8, ONE),
            Schema::enumeration("A", 1, 16, ONE),
            Schema::enumeration("A", 1, 8, OTHER),
            Schema::named("A", 1, &Schema::U8),
            Schema::arch(ARCH),
            Schema::arch(ArchFormat { aligned: false, ..ARCH }),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a == b, i == j, "{a} and {b}");
                assert_eq!(a.fingerprint() == b.fingerprint(), i == j, "{a} and {b}");
            }
        }
    }

    #[test]
    fn fingerprint_feeds_exactly_these_bytes() {
        const PRINT: u64 = Schema::tuple(&[Schema::U32, Schema::STR]).fingerprint();
        let fed: &[u8] = &[12, 2, 0, 0, 0, 0, 0, 0, 0, 7, 32, 0, 0, 0, 0, 0, 0, 0, 4];
        let by_hand = fed
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(PRINT, by_hand);
    }
}
