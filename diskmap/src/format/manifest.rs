//! The `checkpoint` file: the manifest of the last durable state, all that counts after a power cut.
//!
//! It must not know what a heap class holds or how segments form a tree. The caller checks that: ids unique, prefixes
//! disjoint and complete, chains ending, entries adding up, each `Bits` as long as its class needs, and every segment
//! and block inside its file.
//! Invariant: `parse` accepts only what `encode` writes for whole runs, and gives back exactly what was encoded.
//!
//! ```text
//! header    magic 8 | version u32 | flags u32 | uuid 16 | generation u64 | entries u64 | segments u64 | blocks u64
//! segments  id u32 | chained_after u32 | prefix u64 | entries u32 | depth u8 | log2_buckets u8 | 0 u16 | checksum u64
//! blocks    tokens: kind u8 | class u8 | 0 u16 | n u32, and n words for kind BITS
//! checksum  u64 over everything before
//! ```

use super::{Damage, FORMAT_VERSION, Reader, Writer, checked_body};

const MAGIC: [u8; 8] = *b"dmapckpt";
/// Where the number of entries is.
pub(crate) const ENTRIES_AT: u64 = 40;
const SEGMENT_LEN: usize = 32;
const TOKEN_LEN: usize = 8;

/// The map was closed when this was written. Other flags are refused: they would change the meaning.
const FLAG_CLOSED: u32 = 1;

/// Blocks that one token may stand for. Bounded so that a small crafted file cannot ask for much memory: at most 32
/// blocks a byte; a full heap of 500,000 blocks still takes only 16 KB.
const MAX_REPEAT: u32 = 256;

/// Words of live bits that a block may have. Defends against word counts that cannot come from any class.
const MAX_WORDS: u32 = 8192;

/// Defends shifts by `depth` against overflow.
const MAX_DEPTH: u8 = 63;

/// Defends shifts by `log2_buckets` against overflow.
const MAX_LOG2_BUCKETS: u8 = 31;

/// Token kinds: `n` is a number of equal blocks, of words (`BITS`) or of the run's blocks (`RUN_DEAD`, `RUN_LIVE`).
const FREE: u8 = 0;
const CELLS_NONE: u8 = 1;
const CELLS_ALL: u8 = 2;
const CELLS_BITS: u8 = 3;
const RUN_DEAD: u8 = 4;
const RUN_LIVE: u8 = 5;
const RUN_TAIL: u8 = 6;

/// The last durable state of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The map's uuid as in `MAP`. Defends against the manifest of another map.
    pub(crate) uuid: [u8; 16],
    /// The newest generation that is durable. Defends against giving out its number again after a power cut.
    pub(crate) generation: u64,
    /// Entries in all segments. Defends, as the sum of theirs, against a lost or doubled segment.
    pub(crate) entries: u64,
    /// Written by a close, with nothing after it: only otherwise has a recovery something to report.
    pub(crate) closed: bool,
    /// Live segments, main and chained, in any order.
    pub(crate) segments: Vec<SegmentRecord>,
    /// One for each block of the heap, in order.
    pub(crate) blocks: Vec<BlockRecord>,
}

/// One live segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentRecord {
    /// Which segment of `index`; never [`SegmentRecord::NONE`].
    pub(crate) id: u32,
    /// Hash bits that lead to it, at most 63: defends shifts by it against overflow.
    pub(crate) depth: u8,
    /// Its size; at most 31, which defends shifts by it against overflow.
    pub(crate) log2_buckets: u8,
    /// The segment it is chained to, [`SegmentRecord::NONE`] for a main one. Never itself, against endless chains;
    /// longer cycles are the caller's to find.
    pub(crate) chained_after: u32,
    /// The value of those hash bits.
    pub(crate) prefix: u64,
    /// Entries in it. Defends against control words that lost or gained an entry.
    pub(crate) entries: u32,
    /// Checksum of its words. Defends against a segment that did not reach the disk as it was, or rotted there.
    pub(crate) checksum: u64,
}

impl SegmentRecord {
    /// In `chained_after`: a main segment.
    pub(crate) const NONE: u32 = u32::MAX;
}

/// One block of the heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlockRecord {
    /// Unused: any class may take it.
    Free,
    /// Cells of one class.
    Cells {
        /// The class; its meaning and limit are the caller's.
        class: u8,
        /// Which cells hold a record.
        live: Live,
    },
    /// The first block of a large record.
    Run {
        /// Blocks of the run with this one, at least 1; exactly that many less one [`BlockRecord::RunTail`]s follow.
        /// Defends against a record that reaches into other blocks or past the heap.
        blocks: u32,
        /// The record is in use.
        live: bool,
    },
    /// A further block of the run before it; stray ones are refused (write them as [`BlockRecord::Free`]).
    RunTail,
}

/// Which cells of a block are live. Defends against reusing a cell that the durable state still needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Live {
    /// No cell.
    None,
    /// Every cell: takes no bits in the file.
    All,
    /// One bit per cell, at most 8192 words. Whether the length suits the class is the caller's to check.
    Bits(Box<[u64]>),
}

impl Manifest {
    /// The manifest of a map just created: a power cut before its first checkpoint goes back to no entries.
    pub(crate) fn empty(uuid: [u8; 16]) -> Manifest {
        Manifest { uuid, generation: 0, entries: 0, closed: false, segments: Vec::new(), blocks: Vec::new() }
    }

    /// The file's bytes. The records must keep their documented limits: what breaks them would not parse again.
    pub(crate) fn encode(&self) -> Vec<u8> {
        debug_assert!(self.segments.iter().all(|segment| segment.fault().is_none()), "a segment breaks its limits");
        debug_assert!(runs_are_whole(&self.blocks), "a run lacks tails, or a tail its run");
        let mut out = Writer::default();
        out.bytes(&MAGIC);
        out.u32(FORMAT_VERSION);
        out.u32(if self.closed { FLAG_CLOSED } else { 0 });
        out.bytes(&self.uuid);
        out.u64(self.generation);
        out.u64(self.entries);
        out.u64(self.segments.len() as u64);
        out.u64(self.blocks.len() as u64);
        for segment in &self.segments {
            segment.encode(&mut out);
        }
        let mut rest = self.blocks.as_slice();
        while let Some(first) = rest.first() {
            let same = if first.repeats() { count_equal(rest, first) } else { 1 };
            first.encode(same as u32, &mut out);
            rest = &rest[same..];
        }
        out.finish()
    }

    /// Reads the file: first its checksum, then every value, since a crafted file has the right checksum too.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Manifest, Damage> {
        let mut reader = Reader::new(checked_body(bytes)?);
        if reader.array()? != MAGIC {
            return Err(Damage::new(0, "this is not a checkpoint"));
        }
        let at = reader.offset();
        let version = reader.u32()?;
        if version != FORMAT_VERSION {
            return Err(Damage::new(at, format!("the version is {version}, not {FORMAT_VERSION}")));
        }
        let at = reader.offset();
        let flags = reader.u32()?;
        if flags & !FLAG_CLOSED != 0 {
            return Err(Damage::new(at, format!("flags {flags:#x} are unknown")));
        }
        let uuid = reader.array()?;
        let (generation, entries) = (reader.u64()?, reader.u64()?);
        let at = reader.offset();
        let (segments, blocks) = (reader.u64()?, reader.u64()?);
        let segments = parse_segments(&mut reader, segments, at)?;
        let blocks = parse_blocks(&mut reader, blocks, at + 8)?;
        reader.finish()?;
        Ok(Manifest { uuid, generation, entries, closed: flags & FLAG_CLOSED != 0, segments, blocks })
    }
}

/// Reads `count` segments; `count_at` is where the file says how many.
fn parse_segments(reader: &mut Reader<'_>, count: u64, count_at: u64) -> Result<Vec<SegmentRecord>, Damage> {
    let most = reader.remaining() / SEGMENT_LEN;
    let Some(count) = usize::try_from(count).ok().filter(|count| *count <= most) else {
        return Err(Damage::new(count_at, format!("{count} segments do not fit the file")));
    };
    let first = reader.offset();
    let (records, _) = reader.bytes(count * SEGMENT_LEN)?.as_chunks();
    let mut segments = Vec::with_capacity(count);
    for bytes in records {
        let at = || first + (segments.len() * SEGMENT_LEN) as u64;
        let reserved = |within: u32| Damage::new(at() + u64::from(within), "a reserved byte is not zero");
        let segment = SegmentRecord::decode(bytes).map_err(reserved)?;
        if let Some(what) = segment.fault() {
            return Err(Damage::new(at(), format!("segment {} {what}", segment.id)));
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Reads tokens for exactly `count` blocks. The vector grows with the tokens read, never by the count alone.
fn parse_blocks(reader: &mut Reader<'_>, count: u64, count_at: u64) -> Result<Vec<BlockRecord>, Damage> {
    let most = (reader.remaining() / TOKEN_LEN) as u64;
    if count.div_ceil(u64::from(MAX_REPEAT)) > most {
        return Err(Damage::new(count_at, format!("{count} blocks do not fit the file")));
    }
    let mut blocks = Vec::new();
    let mut tails_due = 0;
    while (blocks.len() as u64) < count {
        let at = reader.offset();
        let (block, same) = BlockRecord::parse(reader)?;
        if u64::from(same) > count - blocks.len() as u64 {
            return Err(Damage::new(at, "more blocks than the header says"));
        }
        tails_due = tails_after(tails_due, &block, same)
            .ok_or_else(|| Damage::new(at, "a run lacks tails, or a tail its run"))?;
        blocks.extend(std::iter::repeat_n(block, same as usize));
    }
    if tails_due != 0 {
        return Err(Damage::new(reader.offset(), "the last run is not whole"));
    }
    Ok(blocks)
}

/// How many tails must still come after `same` times `block`; `None` if it may not stand where `due` were to come.
fn tails_after(due: u32, block: &BlockRecord, same: u32) -> Option<u32> {
    match block {
        BlockRecord::RunTail => due.checked_sub(same),
        _ if due != 0 => None,
        BlockRecord::Run { blocks, .. } => blocks.checked_sub(1),
        _ => Some(0),
    }
}

fn runs_are_whole(blocks: &[BlockRecord]) -> bool {
    blocks.iter().try_fold(0, |due, block| tails_after(due, block, 1)) == Some(0)
}

fn count_equal(blocks: &[BlockRecord], first: &BlockRecord) -> usize {
    blocks.iter().take(MAX_REPEAT as usize).take_while(|block| *block == first).count()
}

impl SegmentRecord {
    fn encode(&self, out: &mut Writer) {
        out.u32(self.id);
        out.u32(self.chained_after);
        out.u64(self.prefix);
        out.u32(self.entries);
        out.u8(self.depth);
        out.u8(self.log2_buckets);
        out.zeros(2);
        out.u64(self.checksum);
    }

    /// The fields of a record, to be looked at for faults; or where a reserved byte is not zero. There are thousands of records
    /// in a large map, and nothing to be short of in any: so they are not read field by field.
    fn decode(bytes: &[u8; SEGMENT_LEN]) -> Result<SegmentRecord, u32> {
        let word = |at: usize| bytes[8 * at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let (ids, prefix, sizes, checksum) = (word(0), word(1), word(2), word(3));
        let reserved = sizes >> 48;
        if reserved != 0 {
            return Err(22 + reserved.trailing_zeros() / 8);
        }
        Ok(SegmentRecord {
            id: ids as u32,
            chained_after: (ids >> 32) as u32,
            prefix,
            entries: sizes as u32,
            depth: (sizes >> 32) as u8,
            log2_buckets: (sizes >> 40) as u8,
            checksum,
        })
    }

    /// What no segment can be, whatever the others are.
    fn fault(&self) -> Option<&'static str> {
        if self.id == SegmentRecord::NONE {
            Some("has the id that means none")
        } else if self.chained_after == self.id {
            Some("is chained to itself")
        } else if self.depth > MAX_DEPTH {
            Some("is too deep")
        } else if self.log2_buckets > MAX_LOG2_BUCKETS {
            Some("has too many buckets")
        } else {
            None
        }
    }
}

impl BlockRecord {
    /// Whether a token can stand for several of these.
    fn repeats(&self) -> bool {
        !matches!(self, BlockRecord::Run { .. } | BlockRecord::Cells { live: Live::Bits(_), .. })
    }

    fn encode(&self, same: u32, out: &mut Writer) {
        let (kind, class, n, words): (u8, u8, u32, &[u64]) = match self {
            BlockRecord::Free => (FREE, 0, same, &[]),
            BlockRecord::Cells { class, live: Live::None } => (CELLS_NONE, *class, same, &[]),
            BlockRecord::Cells { class, live: Live::All } => (CELLS_ALL, *class, same, &[]),
            BlockRecord::Cells { class, live: Live::Bits(words) } => (CELLS_BITS, *class, words.len() as u32, words),
            BlockRecord::Run { blocks, live: false } => (RUN_DEAD, 0, *blocks, &[]),
            BlockRecord::Run { blocks, live: true } => (RUN_LIVE, 0, *blocks, &[]),
            BlockRecord::RunTail => (RUN_TAIL, 0, same, &[]),
        };
        debug_assert!(words.len() <= MAX_WORDS as usize, "too many words of live bits");
        out.u8(kind);
        out.u8(class);
        out.zeros(2);
        out.u32(n);
        for word in words {
            out.u64(*word);
        }
    }

    /// Reads a token: a block and how many of it.
    fn parse(reader: &mut Reader<'_>) -> Result<(BlockRecord, u32), Damage> {
        let at = reader.offset();
        let (kind, class) = (reader.u8()?, reader.u8()?);
        reader.zeros(2)?;
        let n = reader.u32()?;
        let most = match kind {
            CELLS_BITS => MAX_WORDS,
            RUN_DEAD | RUN_LIVE => u32::MAX,
            _ => MAX_REPEAT,
        };
        if n > most || (n == 0 && kind != CELLS_BITS) {
            return Err(Damage::new(at + 4, format!("{n} is not possible for a block of kind {kind}")));
        }
        if class != 0 && !matches!(kind, CELLS_NONE | CELLS_ALL | CELLS_BITS) {
            return Err(Damage::new(at + 1, format!("a block of kind {kind} has class {class}")));
        }
        Ok(match kind {
            FREE => (BlockRecord::Free, n),
            CELLS_NONE => (BlockRecord::Cells { class, live: Live::None }, n),
            CELLS_ALL => (BlockRecord::Cells { class, live: Live::All }, n),
            CELLS_BITS => (BlockRecord::Cells { class, live: Live::Bits(parse_words(reader, n)?) }, 1),
            RUN_DEAD => (BlockRecord::Run { blocks: n, live: false }, 1),
            RUN_LIVE => (BlockRecord::Run { blocks: n, live: true }, 1),
            RUN_TAIL => (BlockRecord::RunTail, n),
            _ => return Err(Damage::new(at, format!("block kind {kind} is unknown"))),
        })
    }
}

/// Reads `n` words; `n` is at most [`MAX_WORDS`], and the bytes are there before the box is made.
fn parse_words(reader: &mut Reader<'_>, n: u32) -> Result<Box<[u64]>, Damage> {
    let (words, _) = reader.bytes(n as usize * size_of::<u64>())?.as_chunks();
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &str = concat!(
        "646d6170636b70740100000001000000",
        "757569642d6f662d31362d6279746573",
        "09000000000000002d0100000000000002000000000000000b00000000000000",
        "07000000ffffffff05000000000000002c010000030a00008877665544332211",
        "0800000007000000050000000000000001000000030a00000200000000000000",
        "020400000300000002050000010000000105000001000000",
        "0306000002000000ff000000000000000000000000000080",
        "05000000030000000600000002000000",
        "04000000010000000000000001000000",
        "8c3e0abc3fef2187",
    );

    fn cells(class: u8, live: Live) -> BlockRecord {
        BlockRecord::Cells { class, live }
    }

    fn bits(class: u8, words: &[u64]) -> BlockRecord {
        cells(class, Live::Bits(words.into()))
    }

    fn sample() -> Manifest {
        let main = SegmentRecord {
            id: 7,
            depth: 3,
            log2_buckets: 10,
            chained_after: SegmentRecord::NONE,
            prefix: 5,
            entries: 300,
            checksum: 0x1122_3344_5566_7788,
        };
        Manifest {
            uuid: *b"uuid-of-16-bytes",
            generation: 9,
            entries: 301,
            closed: true,
            segments: vec![main, SegmentRecord { id: 8, chained_after: 7, entries: 1, checksum: 2, ..main }],
            blocks: vec![
                cells(4, Live::All),
                cells(4, Live::All),
                cells(4, Live::All),
                cells(5, Live::All),
                cells(5, Live::None),
                bits(6, &[0xff, 1 << 63]),
                BlockRecord::Run { blocks: 3, live: true },
                BlockRecord::RunTail,
                BlockRecord::RunTail,
                BlockRecord::Run { blocks: 1, live: false },
                BlockRecord::Free,
            ],
        }
    }

    /// Where the sample's segments and tokens start.
    const SEGMENTS_AT: usize = 64;
    const BLOCKS_AT: usize = SEGMENTS_AT + 2 * SEGMENT_LEN;

    /// The sample with some bytes replaced and a checksum that fits them.
    fn crafted(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut body = body(&sample());
        body[at..at + bytes.len()].copy_from_slice(bytes);
        sealed(&body)
    }

    fn body(manifest: &Manifest) -> Vec<u8> {
        let mut bytes = manifest.encode();
        bytes.truncate(bytes.len() - size_of::<u64>());
        bytes
    }

    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.bytes(body);
        writer.finish()
    }

    /// A manifest of `count` blocks from raw tokens.
    fn with_tokens(count: u64, tokens: &[(u8, u8, u32)]) -> Vec<u8> {
        let mut body = body(&Manifest::empty([0; 16]));
        body[56..64].copy_from_slice(&count.to_le_bytes());
        for (kind, class, n) in tokens {
            body.extend_from_slice(&[*kind, *class, 0, 0]);
            body.extend_from_slice(&n.to_le_bytes());
        }
        sealed(&body)
    }

    fn damage(bytes: &[u8]) -> (u64, String) {
        match Manifest::parse(bytes) {
            Err(damage) => (damage.offset, damage.what),
            Ok(manifest) => panic!("expected damage, got {manifest:?}"),
        }
    }

    #[test]
    fn golden_bytes() {
        let bytes = sample().encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert_eq!(Manifest::parse(&bytes), Ok(sample()));
    }

    #[test]
    fn empty_is_a_header_and_a_checksum() {
        let empty = Manifest::empty([1; 16]);
        assert_eq!(empty.encode().len(), 64 + 8);
        assert_eq!(Manifest::parse(&empty.encode()), Ok(empty));
    }

    #[test]
    fn a_full_heap_stays_small() {
        let blocks = vec![cells(9, Live::All); 500_000];
        let manifest = Manifest { blocks, ..sample() };
        let bytes = manifest.encode();
        assert!(bytes.len() < 16 << 10, "{}", bytes.len());
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
    }

    #[test]
    fn runs_longer_than_a_token_and_full_words() {
        let mut blocks = vec![BlockRecord::Run { blocks: 1000, live: true }];
        blocks.resize(1000, BlockRecord::RunTail);
        blocks.push(bits(0, &[u64::MAX; MAX_WORDS as usize]));
        blocks.push(bits(255, &[]));
        let manifest = Manifest { blocks, ..sample() };
        assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = sample().encode();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::parse(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_and_extension_is_noticed() {
        let (bytes, body) = (sample().encode(), body(&sample()));
        for len in 0..bytes.len() {
            assert!(Manifest::parse(&bytes[..len]).is_err(), "{len}");
        }
        for len in 0..body.len() {
            assert!(Manifest::parse(&sealed(&body[..len])).is_err(), "{len} with a checksum");
        }
        assert!(Manifest::parse(&[&bytes[..], &[0]].concat()).is_err());
        let (offset, what) = damage(&sealed(&[&body[..], &[0; 8]].concat()));
        assert_eq!((offset, what.as_str()), (body.len() as u64, "8 bytes too many"));
    }

    #[test]
    fn crafted_headers_are_damage() {
        assert_eq!(damage(&crafted(0, b"D")).0, 0);
        assert_eq!(damage(&crafted(8, &[2])), (8, "the version is 2, not 1".into()));
        assert_eq!(damage(&crafted(12, &[2])).0, 12);
        for count in [u64::MAX, 1 << 61, 1 << 32, 100] {
            assert_eq!(damage(&crafted(48, &count.to_le_bytes())).0, 48, "{count} segments");
        }
        for count in [u64::MAX, 1 << 61, 1 << 32, 1 << 14] {
            assert_eq!(damage(&crafted(56, &count.to_le_bytes())).0, 56, "{count} blocks");
        }
        assert!(Manifest::parse(&crafted(48, &[1])).is_err());
        assert!(Manifest::parse(&crafted(56, &[10])).is_err());
        assert!(Manifest::parse(&crafted(56, &[12])).is_err());
    }

    #[test]
    fn crafted_segments_are_damage() {
        let at = SEGMENTS_AT + SEGMENT_LEN;
        for (field, bytes, what) in [
            (0, [0xff; 4].as_slice(), "the id that means none"),
            (4, &8_u32.to_le_bytes(), "chained to itself"),
            (20, &[64], "too deep"),
            (21, &[32], "too many buckets"),
        ] {
            let (offset, found) = damage(&crafted(at + field, bytes));
            assert_eq!(offset, at as u64);
            assert!(found.contains(what), "{found}");
        }
        assert_eq!(damage(&crafted(at + 23, &[1])).0, at as u64 + 23);
    }

    #[test]
    fn crafted_tokens_are_damage() {
        assert_eq!(damage(&crafted(BLOCKS_AT + 2, &[1])).0, BLOCKS_AT as u64 + 2);
        for (count, tokens) in [
            (1, [(7, 0, 1)].as_slice()),
            (1, &[(255, 0, 1)]),
            (1, &[(FREE, 1, 1)]),
            (1, &[(RUN_LIVE, 1, 1)]),
            (1, &[(FREE, 0, 0), (FREE, 0, 1)]),
            (256, &[(FREE, 0, 257)]),
            (300, &[(CELLS_ALL, 0, 300), (FREE, 0, 1)]),
            (1, &[(CELLS_ALL, 0, u32::MAX)]),
            (1, &[(FREE, 0, 2)]),
            (2, &[(FREE, 0, 1)]),
            (1, &[(FREE, 0, 1), (FREE, 0, 1)]),
            (1, &[(CELLS_BITS, 0, MAX_WORDS + 1)]),
            (1, &[(CELLS_BITS, 0, u32::MAX)]),
            (1, &[(CELLS_BITS, 0, 2), (0, 0, 0)]),
            (1, &[(RUN_LIVE, 0, 0)]),
            (1, &[(RUN_LIVE, 0, 2)]),
            (1, &[(RUN_DEAD, 0, u32::MAX)]),
            (1, &[(RUN_TAIL, 0, 1)]),
            (3, &[(RUN_LIVE, 0, 2), (RUN_TAIL, 0, 2)]),
            (3, &[(RUN_LIVE, 0, 3), (RUN_TAIL, 0, 1), (FREE, 0, 1)]),
            (2, &[(RUN_LIVE, 0, 2), (RUN_LIVE, 0, 1)]),
        ] {
            assert!(damage(&with_tokens(count, tokens)).0 >= 56, "{tokens:?}");
        }
        assert!(Manifest::parse(&with_tokens(2, &[(RUN_LIVE, 0, 2), (RUN_TAIL, 0, 1)])).is_ok());
    }

    fn any_segment() -> impl Strategy<Value = SegmentRecord> {
        let id = prop_oneof![0..4u32, 0..u32::MAX];
        let chained_after = prop_oneof![Just(SegmentRecord::NONE), any::<u32>()];
        (id, chained_after, 0..=MAX_DEPTH, 0..=MAX_LOG2_BUCKETS, any::<u64>(), any::<u32>(), any::<u64>())
            .prop_map(|(id, chained_after, depth, log2_buckets, prefix, entries, checksum)| SegmentRecord {
                id,
                depth,
                log2_buckets,
                chained_after,
                prefix,
                entries,
                checksum,
            })
            .prop_filter("chained to itself", |segment| segment.id != segment.chained_after)
    }

    /// One kind of block several times, or a whole run.
    fn any_blocks() -> impl Strategy<Value = Vec<BlockRecord>> {
        let live = prop_oneof![
            Just(Live::None),
            Just(Live::All),
            prop::collection::vec(any::<u64>(), 0..20).prop_map(|words| Live::Bits(words.into()))
        ];
        let repeated = prop_oneof![
            Just(BlockRecord::Free),
            (any::<u8>(), live).prop_map(|(class, live)| BlockRecord::Cells { class, live })
        ];
        prop_oneof![
            (repeated, prop_oneof![1..4usize, 250..600usize]).prop_map(|(block, count)| vec![block; count]),
            (1..600u32, any::<bool>()).prop_map(|(blocks, live)| {
                let mut run = vec![BlockRecord::Run { blocks, live }];
                run.resize(blocks as usize, BlockRecord::RunTail);
                run
            })
        ]
    }

    prop_compose! {
        fn any_manifest()(
            uuid in any::<[u8; 16]>(),
            generation in any::<u64>(),
            entries in any::<u64>(),
            closed in any::<bool>(),
            segments in prop::collection::vec(any_segment(), 0..8),
            blocks in prop::collection::vec(any_blocks(), 0..8),
        ) -> Manifest {
            Manifest { uuid, generation, entries, closed, segments, blocks: blocks.concat() }
        }
    }

    proptest! {
        #[test]
        fn round_trip(manifest in any_manifest()) {
            prop_assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
        }

        #[test]
        fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(Manifest::parse(&bytes).is_err());
            prop_assert!(Manifest::parse(&sealed(&bytes)).is_err());
        }

        #[test]
        fn random_records_never_panic(
            counts in (0..4u64, 0..40u64),
            bytes in prop::collection::vec(prop_oneof![0..8u8, any::<u8>()], 0..256),
        ) {
            let mut body = body(&Manifest::empty([0; 16]));
            body[48..56].copy_from_slice(&counts.0.to_le_bytes());
            body[56..64].copy_from_slice(&counts.1.to_le_bytes());
            body.extend_from_slice(&bytes);
            if let Ok(manifest) = Manifest::parse(&sealed(&body)) {
                prop_assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
            }
        }

        #[test]
        fn crafted_bytes_are_refused_or_round_trip(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut body = body(&sample());
            for (index, byte) in edits {
                let at = index.index(body.len());
                body[at] = byte;
            }
            if let Ok(manifest) = Manifest::parse(&sealed(&body)) {
                prop_assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
            }
        }
    }
}
