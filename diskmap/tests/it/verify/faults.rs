//! Crafted faults, made in the files of an open map: each is found and named.

use super::*;

/// Bytes before the buckets of a segment with 1,024 buckets of 4 slots.
const LINES_AT: usize = 4096;
/// Before the descriptors in `segments`.
const DESCRIPTORS: u64 = 4096;

/// An open map of small numbers by name.
struct Names {
    dir: TempDir,
    map: DiskHashMap<String, u64>,
}

/// Where an entry is.
struct Place {
    /// Offset of its slot in `index`.
    slot: usize,
    bucket: usize,
    lane: usize,
    /// Offset of its record in `heap`.
    record: usize,
}

impl Names {
    fn new(entries: u64) -> Names {
        let dir = memory_dir();
        let mut map = options().create(true).open(dir.path()).expect("a new map");
        for number in 0..entries {
            map.insert(&key(number), &value(number)).expect("inserted");
        }
        let names = Names { dir, map };
        names.expect(&[]);
        names
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.path().join(name)).expect("a file")
    }

    fn write(&self, name: &str, at: usize, bytes: &[u8]) {
        file(self.dir.path(), name).write_all_at(bytes, at as u64).expect("written");
    }

    fn place(&self, number: u64) -> Place {
        let index = self.bytes("index");
        let slot = find(&index, &value(number).to_le_bytes()) - 8;
        let (bucket, lane) = ((slot - LINES_AT) / 64, slot % 64 / 16);
        Place { slot, bucket, lane, record: 8 * (word(&index, slot) & ((1 << 40) - 1)) as usize }
    }

    fn control(&self, bucket: usize) -> u32 {
        let index = self.bytes("index");
        u32::from_le_bytes(index[4 * bucket..4 * bucket + 4].try_into().expect("4 bytes"))
    }

    fn set_control(&self, bucket: usize, word: u32) {
        self.write("index", 4 * bucket, &word.to_le_bytes());
    }

    /// Exactly these findings: file, offset and a part of what they say.
    fn expect(&self, expected: &[(&str, usize, &str)]) -> Report {
        let report = self.map.verify().expect("verified");
        let found: Vec<_> = report.findings().iter().map(|f| (f.file, f.offset as usize, f.what.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{report}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.0, found.1) == (expected.0, expected.1) && found.2.contains(expected.2), "{report}");
        }
        report
    }
}

fn key(number: u64) -> String {
    format!("the key of {number}")
}

fn value(number: u64) -> u64 {
    number | 0xFACE_0000_0000_0000
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

#[test]
fn a_wrong_tag() {
    let names = Names::new(20);
    let place = names.place(7);
    let control = names.control(place.bucket);
    let tag = control >> (7 * place.lane) & 0x7F;
    let other = if tag == 5 { 6 } else { 5 };
    names.set_control(place.bucket, control ^ (tag ^ other) << (7 * place.lane));
    names.expect(&[("index", place.slot, "an entry's tag is not that of its key")]);
    assert_eq!(names.map.get(&key(7)).expect("read"), None);
    names.set_control(place.bucket, control);
    names.expect(&[]);
}

#[test]
fn a_lost_entry_is_a_leaked_cell_and_a_wrong_count() {
    let names = Names::new(20);
    let place = names.place(7);
    names.set_control(place.bucket, names.control(place.bucket) & !(0x7F << (7 * place.lane)));
    let expected = [
        ("index", 0, "there are 19 entries in all segments, the map counts 20"),
        ("heap", place.record, "no entry refers to a cell of"),
    ];
    let report = names.expect(&expected);
    assert_eq!((report.faults, report.leaked_cells, report.findings()[1].kind), (1, 1, FindingKind::Leak));
}

#[test]
fn references() {
    let names = Names::new(20);
    let (place, other) = (names.place(7), names.place(8));
    let reference = word(&names.bytes("index"), place.slot);
    let leak = ("heap", place.record, "no entry refers to a cell");
    let address = (1 << 40) - 1;
    let case = |address_bits: u64, what| {
        names.write("index", place.slot, &(reference & !address | address_bits).to_le_bytes());
        names.expect(&[("index", place.slot, what), leak]);
        names.write("index", place.slot, &reference.to_le_bytes());
    };
    case(names.bytes("heap").len() as u64 / 8, "a reference points outside the heap");
    case(address, "a reference points outside the heap");
    case((reference & address) + 1, "a reference points into the middle of a cell");
    // Past the last cell that is in use.
    case((reference & address) + 3_000, "a reference points to a cell that is free");

    names.write("index", place.slot, &(reference ^ 1 << 63).to_le_bytes());
    names.expect(&[("index", place.slot, "a reference keeps bits of another hash")]);
    names.write("index", place.slot, &(reference ^ 1 << 44).to_le_bytes());
    names.expect(&[("index", place.slot, "a reference has another distance from home than its slot")]);

    names.write("index", place.slot, &(reference & !address | (other.record / 8) as u64).to_le_bytes());
    let double = place.slot.max(other.slot);
    let report = names.map.verify().expect("verified");
    assert!(report.findings().iter().any(|f| f.what.contains("two entries refer to one cell")), "{report}");
    assert!(
        report.findings().iter().all(|f| f.offset as usize == double
            || f.offset as usize == place.slot
            || f.offset as usize == place.record),
        "{report}"
    );
    assert_eq!(report.leaked_cells, 1);
}

#[test]
fn live_bits() {
    let names = Names::new(20);
    let place = names.place(7);
    // Records of 20 bytes and so lie in cells of 24.
    let (block, cell) = (place.record >> 16, (place.record & 0xFFFF) / 24);
    let at = block * 576 + 64 + cell / 8;
    let bits = names.bytes("blocks")[at];
    names.write("blocks", at, &[bits & !(1 << (cell % 8))]);
    names.expect(&[("index", place.slot, "a reference points to a cell that is free")]);
    names.write("blocks", at, &[bits]);

    let unused = block * 576 + 64 + 100;
    names.write("blocks", unused, &[1 << 3]);
    let report = names.expect(&[("heap", (block << 16) + 803 * 24, "no entry refers to a cell of 24 bytes")]);
    assert_eq!((report.is_sound(), report.leaked_cells, report.leaked_bytes), (true, 1, 24));
    names.write("blocks", unused, &[0]);
    // 2,730 cells of 24 bytes fit a block.
    names.write("blocks", block * 576 + 64 + 400, &[1]);
    names.expect(&[("blocks", block * 576, "live bits of cells that it does not have")]);
}

#[test]
fn records() {
    let names = Names::new(20);
    let (place, heap) = (names.place(7), names.bytes("heap"));
    for at in [0, 3, 8, 15] {
        names.write("heap", place.record + at, &[heap[place.record + at] ^ 0x10]);
        names.expect(&[("heap", place.record, "a record does not match its checksum")]);
        names.write("heap", place.record + at, &[heap[place.record + at]]);
    }
    for (len, what) in [(200u32, "a record is longer than its cell"), (u32::MAX, "a record reaches past the end")] {
        names.write("heap", place.record + 4, &len.to_le_bytes());
        names.expect(&[("heap", place.record, what)]);
        names.write("heap", place.record + 4, &heap[place.record + 4..place.record + 8]);
    }
    // A right checksum over bytes that no codec writes.
    let mut record = heap[place.record..place.record + 8 + key(7).len()].to_vec();
    record[12] = 0xFF;
    let sum = xxhash_rust::xxh3::xxh3_64(&record[4..]) as u32;
    record[..4].copy_from_slice(&sum.to_le_bytes());
    names.write("heap", place.record, &record);
    names.expect(&[("heap", place.record, "stored bytes are not a key of this map")]);
}

#[test]
fn counts_past_a_bucket() {
    let names = Names::new(60);
    let overflowed = (0..16).find(|&bucket| names.control(bucket) >> 28 > 0).expect("60 entries overflow somewhere");
    let control = names.control(overflowed);
    names.set_control(overflowed, control - (1 << 28));
    let report = names.map.verify().expect("verified");
    let finding = &report.findings()[report.findings().len() - 1];
    assert_eq!((finding.file, finding.offset), ("index", 4 * overflowed as u64));
    assert!(finding.what.contains("entries past it, there are"), "{report}");
    // Too high is what a kill may leave.
    names.set_control(overflowed, control + (1 << 28));
    names.expect(&[]);
}

/// A place whose bucket has a free lane, and that lane.
fn place_beside_room(names: &Names) -> (Place, usize) {
    let room = |number| {
        let place = names.place(number);
        let lane = (0..4).find(|lane| names.control(place.bucket) >> (7 * lane) & 0x7F == 0)?;
        Some((place, lane))
    };
    (0..20).find_map(room).expect("20 entries do not fill 64 slots")
}

#[test]
fn a_key_twice() {
    let names = Names::new(20);
    let (place, lane) = place_beside_room(&names);
    let (index, heap, blocks) = (names.bytes("index"), names.bytes("heap"), names.bytes("blocks"));
    let control = names.control(place.bucket);
    let tag = control >> (7 * place.lane) & 0x7F;
    let second = LINES_AT + 64 * place.bucket + 16 * lane;
    // A copy of the record in a cell of its own.
    let cell = (0..2_730).find(|cell| blocks[64 + cell / 8] >> (cell % 8) & 1 == 0).expect("a free cell");
    let copy = (place.record & !0xFFFF) + 24 * cell;
    names.write("heap", copy, &heap[place.record..place.record + 24]);
    names.write("blocks", 64 + cell / 8, &[blocks[64 + cell / 8] | 1 << (cell % 8)]);
    let reference = word(&index, place.slot) & !((1 << 40) - 1) | (copy / 8) as u64;
    names.write("index", second, &reference.to_le_bytes());
    names.set_control(place.bucket, control | tag << (7 * lane));
    let what = "a key is there twice";
    let counts = ("index", 0, "there are 21 entries in all segments, the map counts 20");
    names.expect(&[("index", place.slot.max(second), what), counts]);
    // The same record a second time.
    names.write("blocks", 64 + cell / 8, &[blocks[64 + cell / 8]]);
    names.write("index", second, &index[place.slot..place.slot + 8]);
    names.expect(&[("index", place.slot.max(second), "two entries refer to one cell"), counts]);
}

#[test]
fn an_entry_in_another_segment() {
    let dir = memory_dir();
    let mut map: DiskHashMap<u64, u64> = options().create(true).open(dir.path()).expect("a new map");
    for number in 0..12_000 {
        map.insert(&number, &number).expect("inserted");
    }
    let (index, segments) = (fs::read(dir.path().join("index")), fs::read(dir.path().join("segments")));
    let (index, segments) = (index.expect("a file"), segments.expect("a file"));
    let live: Vec<usize> = (0..4).filter(|id| segments[DESCRIPTORS as usize + 64 * id] == 2).collect();
    let (one, other) = (69_632 * live[0], 69_632 * live[1]);
    let is_used = |segment, bucket| index[segment + 4 * bucket] & 0x7F != 0;
    let bucket = (0..1024).find(|&bucket| is_used(one, bucket) && is_used(other, bucket)).expect("a bucket");
    let slot = LINES_AT + 64 * bucket;
    file(dir.path(), "index")
        .write_all_at(&index[one + slot..one + slot + 16], (other + slot) as u64)
        .expect("written");
    let report = map.verify().expect("verified");
    let expected = format!("an entry belongs to another segment (segment {}, bucket {bucket}, slot 0)", live[1]);
    assert_eq!((report.faults, report.findings()[0].offset as usize), (1, other + slot), "{report}");
    assert_eq!(report.findings()[0].what, expected, "{report}");
}

#[test]
fn chains() {
    let dir = memory_dir();
    let mut map: Chained = options().create(true).hasher(Constant).open(dir.path()).expect("a new map");
    for number in 0..3_000 {
        map.insert(&number, &seven(number)).expect("inserted");
    }
    assert_clean(&map.verify().expect("verified"), 3_000);
    let segments = fs::read(dir.path().join("segments")).expect("a file");
    let next = |id: u64| word(&segments, (DESCRIPTORS + 64 * id + 16) as usize);
    let is_main = |id: u64| word(&segments, (DESCRIPTORS + 64 * id) as usize) & 0x0100_00FF == 2;
    let first = (0..segments.len() as u64 / 64 - 64).find(|&id| is_main(id) && next(id) != 0).expect("a chain");
    let second = next(first) - 1;
    let link = |id: u64, to: u64| {
        file(dir.path(), "segments").write_all_at(&to.to_le_bytes(), DESCRIPTORS + 64 * id + 16).expect("written");
    };
    for (to, what) in [
        (second + 1, "the chain does not end, or two are one"),
        (first + 1, "the chain does not end, or two are one"),
        (1 << 20, "has a link past the end of the index"),
        (u64::MAX, "link that leads nowhere"),
    ] {
        link(second, to);
        let report = map.verify().expect("verified");
        let finding = |f: &diskmap::Finding| f.file == "segments" && f.what.contains(what);
        assert!(report.findings().iter().any(finding), "{what}: {report}");
    }
    link(second, next(second));
    assert_clean(&map.verify().expect("verified"), 3_000);

    // A key that is in two segments of a chain. Slots are 64 bytes, control words and buckets 256.
    let index = fs::read(dir.path().join("index")).expect("a file");
    let bucket = (0..256).find(|bucket| index[69_632 * first as usize + 4 * bucket] & 0x7F != 0).expect("an entry");
    let (one, other) = (69_632 * first as usize + 1024 + 256 * bucket, 69_632 * second as usize + 1024);
    file(dir.path(), "index").write_all_at(&index[one..one + 64], other as u64).expect("written");
    let report = map.verify().expect("verified");
    assert_eq!((report.faults, report.findings()[0].offset as usize), (1, other), "{report}");
    assert_eq!(report.findings()[0].what, "a key is there twice");
}

#[test]
fn descriptors_and_intents() {
    let names = Names::new(20);
    let head = word(&names.bytes("segments"), DESCRIPTORS as usize);
    let at = DESCRIPTORS as usize;
    let case = |offset: usize, word: u64, what| {
        names.write("segments", at + offset, &word.to_le_bytes());
        names.expect(&[("segments", at, what)]);
        names.write("segments", at, &head.to_le_bytes());
        names.write("segments", at + 8, &[0; 16]);
    };
    case(0, head & !0xFF, "is part of the map, but not marked live");
    case(0, head | 1 << 24, "is a main one, but marked as chained");
    case(0, head | 3 << 8, "has another prefix than the directory says");
    case(0, head ^ 1 << 16, "has another size than the map's segments");
    case(0, head | 0xF0, "has an impossible descriptor");
    case(8, 1 << 63, "has another prefix than the directory says");

    names.write("segments", at + 64, &2u64.to_le_bytes());
    let report = names.expect(&[("segments", at + 64, "segment 1 is in use, but no key leads to it")]);
    assert_eq!((report.is_sound(), report.leaked_segments), (true, 1));
    names.write("segments", at + 64, &99u64.to_le_bytes());
    names.expect(&[("segments", at + 64, "the descriptor of segment 1 is impossible")]);
    names.write("segments", at + 64, &0u64.to_le_bytes());
    names.write("segments", 512 + 64, &1u64.to_le_bytes());
    names.expect(&[("segments", 576, "intent record 1 announces a change")]);
}

#[test]
fn the_last_checkpoint() {
    let mut names = Names::new(20);
    names.map.checkpoint().expect("a checkpoint");
    names.expect(&[]);
    let whole = names.bytes("checkpoint");
    let sealed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = whole[..whole.len() - 8].to_vec();
        change(&mut body);
        body.extend(xxhash_rust::xxh3::xxh3_64(&body).to_le_bytes());
        fs::write(names.dir.path().join("checkpoint"), body).expect("written");
    };
    sealed(&|_| {});
    names.expect(&[]);
    sealed(&|body| body[40] += 1);
    names.expect(&[("checkpoint", 40, "it counts 21 entries, those of its segments are 20")]);
    sealed(&|body| {
        body[40] += 1;
        body[80] += 1;
    });
    names.expect(&[("index", 0, "there are 20 entries in segment 0, the last checkpoint counts 21")]);
    sealed(&|body| body[88] ^= 1);
    names.expect(&[("index", 0, "segment 0 does not match its checksum")]);
    sealed(&|body| body[64] = 99);
    names.expect(&[("index", 99 * 69_632, "the last checkpoint refers to segment 99, which cannot be there")]);
    sealed(&|body| body[97] += 1);
    names.expect(&[("blocks", 0, "block 0 is not what the last checkpoint says")]);
    sealed(&|body| body[16] ^= 1);
    names.expect(&[("checkpoint", 0, "it belongs to another map")]);
    fs::write(names.dir.path().join("checkpoint"), &whole[..whole.len() - 1]).expect("written");
    names.expect(&[("checkpoint", whole.len() - 9, "the checksum does not match")]);
    fs::remove_file(names.dir.path().join("checkpoint")).expect("removed");
    names.expect(&[("checkpoint", 0, "the file is missing")]);
    fs::write(names.dir.path().join("checkpoint"), &whole).expect("written");

    let text = names.bytes("MAP");
    names.write("MAP", text.len() - 40, b"x");
    assert_eq!(names.map.verify().expect("verified").findings()[0].file, "MAP");
    names.write("MAP", 0, &text);
    names.expect(&[]);
}
