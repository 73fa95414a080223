//! The table of constants in `docs/FORMAT.md`, compared with what this crate writes.
//!
//! Nearly every row is found out from encoded bytes, not from a constant: so a field that moves is noticed even if its
//! constant moves with it. Invariant: the table has these rows and no others.

#![allow(unsafe_code, reason = "block entries, descriptors and intent records are written to memory of the test")]

use super::{
    CHECKSUM_LEN, FORMAT_VERSION, checksum,
    identity::{FileIdentity, Identity, SECTOR},
    manifest::{BlockRecord, Live, Manifest, SegmentRecord},
    map_file::MapFile,
};
use crate::{
    disk, hash,
    hash::{Hashed, StableHasher},
    heap,
    heap::{
        block::{BlockTable, Kind, entry_bytes},
        class,
        record::{self, RecordShape},
    },
    memory,
    raw::{
        self,
        intent::{Intent, Intents},
    },
    table::{
        Control, Descriptor, Descriptors, Layout, Reference, Side, State,
        control::Lanes,
        descriptor::DESCRIPTOR,
        layout::{LINE, MAX_INLINE, MAX_PROBE, MIN_BUCKETS},
        reference::MAX_HEAP,
        segment::Slot,
    },
};

const DOCUMENT: &str = include_str!("../../../docs/FORMAT.md");

#[derive(Default)]
struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    /// Where each pattern lies in the bytes.
    fn places<const N: usize>(&mut self, bytes: &[u8], patterns: [(&str, &[u8]); N]) {
        for (name, pattern) in patterns {
            self.add(name, place(bytes, pattern));
        }
    }
}

/// The only place of a pattern.
fn place(bytes: &[u8], pattern: &[u8]) -> usize {
    let mut found = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(pattern));
    let place = found.next().unwrap_or_else(|| panic!("{pattern:x?} is not in {bytes:x?}"));
    assert_eq!(found.next(), None, "{pattern:x?} is twice in {bytes:x?}");
    place
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn rows() -> Vec<(String, String)> {
    let mut rows = Rows::default();
    rows.add("FORMAT_VERSION", FORMAT_VERSION);
    rows.add("CHECKSUM_BYTES", CHECKSUM_LEN);
    rows.add("CHECKSUM_OF_NOTHING", format!("{:#018x}", checksum(b"")));
    names(&mut rows);
    map_file(&mut rows);
    identity(&mut rows);
    intents(&mut rows);
    descriptors(&mut rows);
    layouts(&mut rows);
    controls(&mut rows);
    references(&mut rows);
    hashes(&mut rows);
    heap_classes(&mut rows);
    records(&mut rows);
    blocks(&mut rows);
    checkpoint(&mut rows);
    caller_memory(&mut rows);
    rows.0
}

fn names(rows: &mut Rows) {
    rows.add("FILE_MAP", disk::MAP);
    rows.add("FILE_INDEX", raw::INDEX_FILE);
    rows.add("FILE_SEGMENTS", raw::SEGMENTS_FILE);
    rows.add("FILE_HEAP", heap::HEAP_FILE);
    rows.add("FILE_BLOCKS", heap::BLOCKS_FILE);
    rows.add("FILE_CHECKPOINT", disk::CHECKPOINT);
    rows.add("DIRECTORY_MIGRATING", disk::replacement::MIGRATING);
    rows.add("DIRECTORY_MIGRATED", disk::replacement::MIGRATED);
    rows.add("SUFFIX_NONE", disk::replacement::NONE);
}

fn some_map() -> MapFile {
    MapFile {
        uuid: [7; 16],
        key: "u64".into(),
        value: "str".into(),
        key_fingerprint: 1,
        value_fingerprint: 2,
        slot: "x".into(),
        hasher: "x".into(),
        hasher_answers: 3,
        hasher_seed: None,
        block_shift: 16,
        intents: 56,
    }
}

fn map_file(rows: &mut Rows) {
    let file = text(&some_map().encode());
    let lines: Vec<&str> = file.lines().collect();
    rows.add("MAP_FIRST_LINE", lines[0]);
    let names: Vec<&str> = lines[1..].iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    rows.add("MAP_LINES", names.join(" "));
    rows.add("MAP_LAST_LINE_BYTES", lines[lines.len() - 1].len() + 1);
}

fn identity(rows: &mut Rows) {
    let file = |n: u64| FileIdentity { dev: n << 8 | 1, inode: n << 8 | 2, birth: n << 8 | 3 };
    let full = Identity {
        boot_id: Some(*b"the boot's id 16"),
        index: file(0xA1),
        segments: file(0xA2),
        heap: file(0xA3),
        blocks: file(0xA4),
        uuid: *b"the map's id  16",
        generation: 0x0123_4567_89AB_CDEF,
        clean: false,
    };
    let bytes = full.encode();
    rows.add("IDENTITY_BYTES", SECTOR);
    rows.add("IDENTITY_MAGIC", text(&bytes[..8]));
    rows.places(
        &bytes,
        [
            ("IDENTITY_VERSION_AT", &[1, 0, 0, 0, 1, 0, 0, 0]),
            ("IDENTITY_UUID_AT", b"the map's id  16"),
            ("IDENTITY_GENERATION_AT", &0x0123_4567_89AB_CDEF_u64.to_le_bytes()),
            ("IDENTITY_BOOT_ID_AT", b"the boot's id 16"),
            ("IDENTITY_INDEX_AT", &[1, 0xA1, 0, 0, 0, 0, 0, 0]),
            ("IDENTITY_SEGMENTS_AT", &[1, 0xA2, 0, 0, 0, 0, 0, 0]),
            ("IDENTITY_HEAP_AT", &[1, 0xA3, 0, 0, 0, 0, 0, 0]),
            ("IDENTITY_BLOCKS_AT", &[1, 0xA4, 0, 0, 0, 0, 0, 0]),
            ("IDENTITY_CHECKSUM_AT", &checksum(&bytes[..SECTOR - CHECKSUM_LEN]).to_le_bytes()),
        ],
    );
    let first = place(&bytes, &[1, 0xA1]);
    rows.add("IDENTITY_FILE_INODE_AT", place(&bytes, &[2, 0xA1]) - first);
    rows.add("IDENTITY_FILE_BIRTH_AT", place(&bytes, &[3, 0xA1]) - first);
    let clean = Identity { boot_id: None, clean: true, ..full }.encode();
    let flags_at = (8..16).find(|&at| bytes[at] != clean[at]).expect("flags differ");
    rows.add("IDENTITY_FLAGS_AT", flags_at);
    rows.add("IDENTITY_FLAG_BOOT_ID", word(&bytes, flags_at));
    rows.add("IDENTITY_FLAG_CLEAN", word(&clean, flags_at));
}

fn intents(rows: &mut Rows) {
    let at = raw::descriptors_at(0);
    let bytes = raw::descriptors_at(1) - at;
    rows.add("INTENTS_AT", at);
    rows.add("INTENT_BYTES", bytes);
    rows.add("INTENT_RECORDS", disk::INTENTS);
    let mut memory = vec![0_u64; (at + 2 * bytes) as usize / 8];
    // SAFETY: the memory holds two records and outlives their use.
    let intents = unsafe { Intents::new(memory.as_mut_ptr().cast(), 2) };
    let record = |intents: Intents, intent| {
        intents.commit(1, intent);
        // SAFETY: the words are initialised and nothing writes to them meanwhile.
        unsafe { std::slice::from_raw_parts(memory.as_ptr().byte_add((at + bytes) as usize), 5).to_vec() }
    };
    let replace = record(intents, Intent::Replace { old: [Some(0x11), None], new: [Some(0x22), Some(0x33)] });
    rows.add("INTENT_REPLACE", replace[0]);
    rows.add("INTENT_REPLACE_WORDS", format!("{:x} {:x}", replace[1], replace[2]));
    let slot = |bucket, lane| Slot { bucket, lane };
    let moved = record(intents, Intent::Move { old: (0x11, slot(0x22, 3)), new: (0x44, slot(0x55, 6)) });
    rows.add("INTENT_MOVE", moved[0]);
    rows.add("INTENT_MOVE_WORDS", format!("{:x} {:x} {:x} {:x}", moved[1], moved[2], moved[3], moved[4]));
    let clear = record(intents, Intent::Clear { new: 0x11 });
    rows.add("INTENT_CLEAR", clear[0]);
    rows.add("INTENT_CLEAR_WORDS", format!("{:x}", clear[1]));
}

fn descriptors(rows: &mut Rows) {
    rows.add("DESCRIPTORS_AT", raw::descriptors_at(disk::INTENTS));
    rows.add("DESCRIPTOR_BYTES", DESCRIPTOR);
    rows.add("STATE_FREE", State::Free as u8);
    rows.add("STATE_NEW", State::New as u8);
    rows.add("STATE_LIVE", State::Live as u8);
    let mut words = [0_u64; DESCRIPTOR / 8];
    // SAFETY: the words are one descriptor and outlive its use.
    let table = unsafe { Descriptors::new(words.as_mut_ptr().cast(), 1) };
    table.write(
        0,
        &Descriptor {
            state: State::Free,
            depth: 5,
            log2_buckets: 6,
            overflow: true,
            prefix: 7 << 32,
            next: Some(8),
            generation: 10,
        },
    );
    let at = |value: u64| 8 * words.iter().position(|&word| word == value).expect("a field");
    rows.add("DESCRIPTOR_HEAD_AT", at(5 << 8 | 6 << 16 | 1 << 24));
    rows.add("DESCRIPTOR_HEAD", format!("{:#x}", words[0]));
    rows.add("DESCRIPTOR_PREFIX_AT", at(7 << 32));
    rows.add("DESCRIPTOR_NEXT_AT", at(9));
    rows.add("DESCRIPTOR_GENERATION_AT", at(10));
}

const NUMBERS: Layout = Layout::new(Side::Inline { size: 8 }, Side::Inline { size: 8 });
const TEXTS: Layout = Layout::new(Side::Record { align: 1 }, Side::Record { align: 1 });

fn layouts(rows: &mut Rows) {
    rows.add("LINE_BYTES", LINE);
    rows.add("MIN_BUCKETS", MIN_BUCKETS);
    rows.add("MAX_PROBE", MAX_PROBE);
    rows.add("MAX_INLINE_BYTES", MAX_INLINE);
    let number_text = Layout::new(Side::Inline { size: 8 }, Side::Record { align: 1 });
    let text_number = Layout::new(Side::Record { align: 1 }, Side::Inline { size: 8 });
    let wide = Layout::new(Side::Inline { size: 16 }, Side::Inline { size: 8 });
    for (name, layout) in [
        ("U64_U64", NUMBERS),
        ("U64_STR", number_text),
        ("STR_U64", text_number),
        ("STR_STR", TEXTS),
        ("U128_U64", wide),
    ] {
        rows.add(&format!("SLOT_{name}"), layout.describe());
        rows.add(&format!("BUCKETS_AT_{name}"), layout.lines_at());
        rows.add(&format!("SEGMENT_BYTES_{name}"), layout.segment_bytes());
    }
}

fn controls(rows: &mut Rows) {
    for (name, layout) in [("NARROW", NUMBERS), ("WIDE", TEXTS)] {
        let lanes = Lanes::of(&layout);
        rows.add(&format!("CONTROL_BYTES_{name}"), layout.control_bytes());
        rows.add(&format!("CONTROL_COUNT_BIT_{name}"), lanes.with_overflow(Control(0), 1).0.trailing_zeros());
        rows.add(&format!("CONTROL_COUNT_MOST_{name}"), lanes.saturated);
        assert_eq!(lanes.with_tag(Control(0), 3, 1).0, 1 << (3 * hash::TAG_BITS));
    }
    rows.add("CONTROL_TAG_BITS", hash::TAG_BITS);
}

fn references(rows: &mut Rows) {
    let zero = Hashed::ZERO;
    let field = |of: u64| format!("bit {}, {} bits", of.trailing_zeros(), of.count_ones());
    rows.add("REFERENCE_ADDRESS", field(Reference::new(MAX_HEAP - 8, 0, zero).0));
    rows.add("REFERENCE_ADDRESS_UNIT", 8 / Reference::new(8, 0, zero).0);
    rows.add("REFERENCE_DISPLACEMENT", field(Reference::new(0, MAX_PROBE - 1, zero).0));
    rows.add("REFERENCE_PATH", field(Reference::new(0, 0, Hashed::from_parts(u64::MAX, 0, 0)).0));
    rows.add("HEAP_MOST_BYTES", MAX_HEAP);
}

fn hashes(rows: &mut Rows) {
    rows.add("BUCKET_BITS", format!("bit 0, {} bits", hash::BUCKET_BITS));
    rows.add("TAG_BITS", format!("bit {}, {} bits", hash::BUCKET_BITS, hash::TAG_BITS));
    rows.add("PATH_BITS", format!("bit {}, {} bits", 64 - hash::PATH_BITS, hash::PATH_BITS));
    for hash in [1, 0x0123_4567_89AB_CDEF] {
        rows.add(&format!("MIXED_{hash:X}"), format!("{:016x}", Hashed::of(hash).position()));
    }
    rows.add("HASHER_FX", rustc_hash::FxBuildHasher::ID);
    rows.add("HASHER_FX_ANSWERS", format!("{:016x}", hash::known_answers(&rustc_hash::FxBuildHasher)));
    rows.add("HASHER_SIP", hash::SipBuildHasher::ID);
    let sip = hash::SipBuildHasher::with_key([0; 16]);
    rows.add("HASHER_SIP_ANSWERS_KEY_0", format!("{:016x}", hash::known_answers(&sip)));
}

fn heap_classes(rows: &mut Rows) {
    rows.add("BLOCK_SHIFT", class::BLOCK_SHIFT);
    rows.add("BLOCK_SHIFT_LEAST", class::SMALLEST_BLOCK);
    rows.add("CLASSES", class::CLASSES);
    let sizes: Vec<String> = class::SIZES.iter().map(u32::to_string).collect();
    rows.add("CLASS_BYTES", sizes.join(" "));
}

fn records(rows: &mut Rows) {
    let mut bytes = [0xEE; 64];
    let shape = RecordShape::of(&TEXTS);
    let parts = shape.parts(0x21, 5);
    bytes[parts.key.0..][..parts.key.1].fill(b'k');
    bytes[parts.value.0..][..parts.value.1].copy_from_slice(b"value");
    shape.seal(&mut bytes, parts);
    let sum = record::checksum(&bytes[4..parts.end()]);
    rows.places(
        &bytes,
        [
            ("RECORD_CHECKSUM_AT", &sum.to_le_bytes()),
            ("RECORD_FIRST_LEN_AT", &0x21_u32.to_le_bytes()),
            ("RECORD_SECOND_LEN_AT", &5_u32.to_le_bytes()),
            ("RECORD_BOTH_AT", &[b'k'; 0x21]),
        ],
    );
    rows.add("RECORD_ONE_AT", RecordShape::of(&Layout::new(NUMBERS.key, TEXTS.value)).parts(0, 1).value.0);
    let arch = RecordShape::of(&Layout::new(NUMBERS.key, Side::Record { align: 16 }));
    rows.add("RECORD_ONE_AT_ALIGNED_16", arch.parts(0, 1).value.0);
    rows.add("RECORD_MOST_BYTES", record::MAX_LEN);
}

fn blocks(rows: &mut Rows) {
    let bytes = entry_bytes(class::BLOCK_SHIFT);
    rows.add("BLOCK_ENTRY_BYTES", bytes);
    let mut words = vec![0_u64; bytes / 8];
    // SAFETY: the words are one entry and outlive its use.
    let table = unsafe { BlockTable::new(words.as_mut_ptr().cast(), 1, class::BLOCK_SHIFT) };
    for (name, kind) in [
        ("BLOCK_TAIL", Kind::Tail),
        ("BLOCK_FREE", Kind::Free),
        ("BLOCK_RUN_OF_5", Kind::Run(5)),
        ("BLOCK_CLASS_0", Kind::Cells(0)),
        ("BLOCK_CLASS_57", Kind::Cells(57)),
    ] {
        table.set_kind(0, kind);
        rows.add(name, format!("{:#x}", words[0]));
    }
    table.mark(0, 0, true);
    rows.add("BLOCK_LIVE_AT", 8 * words[1..].iter().position(|&word| word == 1).map_or(0, |at| at + 1));
}

fn checkpoint(rows: &mut Rows) {
    let segment = SegmentRecord {
        id: 0x0A01,
        depth: 0x2A,
        log2_buckets: 0x1B,
        chained_after: 0x0A02,
        prefix: 0x0A03,
        entries: 0x0A04,
        checksum: 0x0A05,
    };
    let kinds = [
        ("CHECKPOINT_FREE", BlockRecord::Free),
        ("CHECKPOINT_CELLS_NONE", BlockRecord::Cells { class: 9, live: Live::None }),
        ("CHECKPOINT_CELLS_ALL", BlockRecord::Cells { class: 9, live: Live::All }),
        ("CHECKPOINT_RUN_DEAD", BlockRecord::Run { blocks: 1, live: false }),
        ("CHECKPOINT_RUN_LIVE", BlockRecord::Run { blocks: 2, live: true }),
        ("CHECKPOINT_RUN_TAIL", BlockRecord::RunTail),
        ("CHECKPOINT_CELLS_BITS", BlockRecord::Cells { class: 9, live: Live::Bits([1].into()) }),
    ];
    let manifest = Manifest {
        uuid: *b"the map's id  16",
        generation: 0x0B01,
        entries: 0x0B02,
        closed: true,
        segments: vec![segment],
        blocks: kinds.iter().map(|(_, block)| block.clone()).collect(),
    };
    let bytes = manifest.encode();
    let at = place(&bytes, &[1, 0x0A, 0, 0, 2, 0x0A]);
    rows.add("CHECKPOINT_HEAD_BYTES", at);
    rows.add("CHECKPOINT_MAGIC", text(&bytes[..8]));
    rows.places(
        &bytes[..at],
        [
            ("CHECKPOINT_VERSION_AT", &[1, 0, 0, 0, 1, 0, 0, 0]),
            ("CHECKPOINT_UUID_AT", b"the map's id  16"),
            ("CHECKPOINT_GENERATION_AT", &0x0B01_u64.to_le_bytes()),
            ("CHECKPOINT_ENTRIES_AT", &0x0B02_u64.to_le_bytes()),
            ("CHECKPOINT_SEGMENTS_AT", &[1, 0, 0, 0, 0, 0, 0, 0]),
            ("CHECKPOINT_BLOCKS_AT", &[7, 0, 0, 0, 0, 0, 0, 0]),
        ],
    );
    let open = Manifest { closed: false, ..manifest.clone() }.encode();
    let flags_at = (0..bytes.len()).find(|&at| bytes[at] != open[at]).expect("a flag differs");
    rows.add("CHECKPOINT_FLAGS_AT", flags_at);
    rows.add("CHECKPOINT_FLAG_CLOSED", word(&bytes, flags_at));
    let fields: [(&str, &[u8]); 6] = [
        ("CHECKPOINT_SEGMENT_CHAINED_AT", &[2, 0x0A]),
        ("CHECKPOINT_SEGMENT_PREFIX_AT", &[3, 0x0A]),
        ("CHECKPOINT_SEGMENT_ENTRIES_AT", &[4, 0x0A]),
        ("CHECKPOINT_SEGMENT_DEPTH_AT", &[0x2A]),
        ("CHECKPOINT_SEGMENT_SIZE_AT", &[0x1B]),
        ("CHECKPOINT_SEGMENT_CHECKSUM_AT", &[5, 0x0A]),
    ];
    let segment_bytes = (open_len(1) - open_len(0)) as usize;
    for (name, pattern) in fields {
        rows.add(name, place(&bytes[at..at + segment_bytes], pattern));
    }
    rows.add("CHECKPOINT_SEGMENT_BYTES", segment_bytes);
    rows.add("CHECKPOINT_SEGMENT_NONE", SegmentRecord::NONE);
    let mut token = at + segment_bytes;
    for (name, _) in &kinds {
        rows.add(name, bytes[token]);
        token += 8;
    }
    assert_eq!(bytes[token..][..8], 1_u64.to_le_bytes(), "the word of live bits");
    assert_eq!(bytes.len(), token + 8 + CHECKSUM_LEN);
    rows.add("CHECKPOINT_TOKEN_CLASS_AT", place(&bytes[at + segment_bytes + 8..][..8], &[9]));
    rows.add("CHECKPOINT_TOKEN_COUNT_AT", place(&bytes[at + segment_bytes + 32..][..8], &[2]));
    limits(rows);
}

fn empty(segments: usize, blocks: Vec<BlockRecord>) -> Vec<u8> {
    let segment = SegmentRecord {
        id: 1,
        depth: 0,
        log2_buckets: 0,
        chained_after: SegmentRecord::NONE,
        prefix: 0,
        entries: 0,
        checksum: 0,
    };
    Manifest { segments: vec![segment; segments], blocks, ..Manifest::empty([0; 16]) }.encode()
}

fn open_len(segments: usize) -> u64 {
    empty(segments, Vec::new()).len() as u64
}

/// The highest value of a byte with which a manifest can still be read.
fn most(bytes: &[u8], at: usize) -> u8 {
    let parses = |value: &u8| {
        let mut crafted = bytes[..bytes.len() - CHECKSUM_LEN].to_vec();
        crafted[at] = *value;
        let sum = checksum(&crafted);
        crafted.extend(sum.to_le_bytes());
        Manifest::parse(&crafted).is_ok()
    };
    (0..=u8::MAX).rev().find(parses).expect("some value")
}

fn limits(rows: &mut Rows) {
    let one = empty(1, Vec::new());
    let at = open_len(0) as usize - CHECKSUM_LEN;
    rows.add("CHECKPOINT_MOST_DEPTH", most(&one, at + 20));
    rows.add("CHECKPOINT_MOST_SIZE", most(&one, at + 21));
    rows.add("CHECKPOINT_MOST_REPEAT", word(&empty(0, vec![BlockRecord::Free; 1000]), at + 4));
    let parses = |words: &usize| {
        let mut body = empty(0, vec![BlockRecord::Cells { class: 0, live: Live::Bits([].into()) }]);
        body.truncate(body.len() - CHECKSUM_LEN);
        body[at + 4..at + 8].copy_from_slice(&(*words as u32).to_le_bytes());
        body.resize(body.len() + 8 * words, 0);
        let sum = checksum(&body);
        body.extend(sum.to_le_bytes());
        Manifest::parse(&body).is_ok()
    };
    rows.add("CHECKPOINT_MOST_WORDS", (0..33_usize).map(|n| n * 512).rev().find(parses).expect("some number"));
    assert!(!parses(&8193));
}

fn caller_memory(rows: &mut Rows) {
    let plan = memory::Plan {
        head: 0x100,
        segments: 0x0A02,
        index: 0x0A03,
        heap: 0x0A04,
        blocks: 0x0A05,
        block_shift: 0xAA,
        buckets: 0,
        entries: 0,
    };
    let mut bytes = [0; 512];
    memory::write_head(&mut bytes, &plan, &b"d".repeat(0xB0));
    rows.add("MEMORY_MAGIC", text(&bytes[..8]));
    let description = place(&bytes, &b"d".repeat(0xB0));
    rows.places(
        &bytes,
        [
            ("MEMORY_DESCRIPTION_BYTES_AT", &0xB0_u64.to_le_bytes()),
            ("MEMORY_SEGMENTS_BYTES_AT", &0x0A02_u64.to_le_bytes()),
            ("MEMORY_INDEX_BYTES_AT", &0x0A03_u64.to_le_bytes()),
            ("MEMORY_HEAP_BYTES_AT", &0x0A04_u64.to_le_bytes()),
            ("MEMORY_BLOCKS_BYTES_AT", &0x0A05_u64.to_le_bytes()),
            ("MEMORY_HEAD_BYTES_AT", &0x0100_u64.to_le_bytes()),
            ("MEMORY_BLOCK_SHIFT_AT", &0xAA_u64.to_le_bytes()),
            ("MEMORY_CHECKSUM_AT", &checksum(&bytes[..description - CHECKSUM_LEN]).to_le_bytes()),
        ],
    );
    rows.add("MEMORY_DESCRIPTION_AT", description);
}

/// The rows of the document: lines "| `NAME` | value |", also with more columns.
fn documented() -> Vec<(String, String)> {
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        let constant = name.contains('_') && name.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
        let value = cells.next()?.trim_matches('`');
        (constant || name == "CLASSES").then(|| (name.to_owned(), value.to_owned()))
    };
    DOCUMENT.lines().filter_map(row).collect()
}

#[test]
fn the_table_of_constants_is_the_code() {
    let (written, read) = (rows(), documented());
    let listed: Vec<String> = written.iter().map(|(name, value)| format!("| `{name}` | `{value}` |")).collect();
    for row in &written {
        assert!(read.contains(row), "missing or different: {row:?}; the whole table is\n{}", listed.join("\n"));
    }
    for row in &read {
        assert!(written.contains(row), "not in the code: {row:?}");
    }
    assert_eq!(written.len(), read.len(), "a row is there twice");
}
