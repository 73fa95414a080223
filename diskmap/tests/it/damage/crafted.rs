//! Damage with right checksums: manifests, entries, tables and map files that lie.

use super::*;

/// Where a map's parts lie, from what `MAP` says of its slots.
pub(super) struct Layout {
    pub(super) stride: usize,
    pub(super) slots: usize,
    pub(super) lines: usize,
    pub(super) buckets: usize,
}

impl Layout {
    pub(super) fn of(map: &[u8]) -> Layout {
        let text = String::from_utf8_lossy(map);
        let slot = text.lines().find(|line| line.starts_with("slot ")).expect("a slot line").to_owned();
        let words: Vec<&str> = slot.split(' ').collect();
        let number = |name| {
            let at = words.iter().position(|word| *word == name).expect("a part of the layout");
            words[at + 1].parse().expect("a number")
        };
        Layout { stride: number("stride"), slots: number("slots"), lines: number("lines"), buckets: number("buckets") }
    }

    pub(super) fn control(&self) -> usize {
        if self.slots > 4 { 8 } else { 4 }
    }

    pub(super) fn lines_at(&self) -> usize {
        (self.buckets * self.control()).next_multiple_of(64)
    }

    pub(super) fn segment(&self) -> usize {
        (self.lines_at() + self.buckets * self.lines * 64).next_multiple_of(4096)
    }

    /// What the manifest has for a segment.
    pub(super) fn checksum(&self, index: &[u8], id: usize, buckets: usize) -> u64 {
        let segment = &index[id * self.segment()..];
        let mut hash = Xxh3::new();
        hash.update(&segment[..buckets * self.control()]);
        hash.update(&segment[self.lines_at()..][..buckets * self.lines * 64]);
        hash.digest()
    }
}

pub(super) fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend(xxh3_64(&body).to_le_bytes());
    body
}

pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

/// Manifests with right checksums and wrong content.
pub(super) fn crafted_manifests<T: Sample>(cases: &mut Cases, left: Left, entries: u64) {
    let original = Original::<T>::new(left, entries);
    let manifest = original.bytes("checkpoint");
    let body = &manifest[..manifest.len() - 8];
    let segments = u64_at(body, 48) as usize;
    let tokens = 64 + 32 * segments;
    let mut crafted = |name: String, change: &dyn Fn(&mut Vec<u8>)| {
        let mut new = body.to_vec();
        change(&mut new);
        let new = sealed(new);
        // A manifest that is whole but not true: what it says may be believed.
        cases.run(
            || format!("{} {left:?} manifest: {name}", T::NAME),
            || {
                fs::write(original.dir.join("checkpoint"), &new).expect("written");
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    crafted("no change".into(), &|_| {});
    for (name, at) in [("generation", 32), ("entries", 40), ("segments", 48), ("blocks", 56)] {
        for value in [0, 1, u64::from(u32::MAX), u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            crafted(format!("{name} is {value}"), &|body| put(body, at, &value.to_le_bytes()));
        }
    }
    for (name, at) in [("version", 8), ("flags", 12)] {
        for value in [0u32, 1, 2, u32::MAX] {
            crafted(format!("{name} is {value}"), &|body| put(body, at, &value.to_le_bytes()));
        }
    }
    crafted("another uuid".into(), &|body| body[16] ^= 1);
    crafted("no tokens".into(), &|body| body.truncate(tokens));
    crafted("more tokens".into(), &|body| body.extend([0; 8]));
    for record in 0..segments.min(2) {
        let at = 64 + 32 * record;
        let field = |name: &str, value: u64| format!("segment record {record}: {name} is {value}");
        for id in [0, 1, 2, 1000, u32::MAX - 1, u32::MAX] {
            crafted(field("id", id.into()), &|body| put(body, at, &id.to_le_bytes()));
            crafted(field("chained", id.into()), &|body| put(body, at + 4, &id.to_le_bytes()));
        }
        for prefix in [0, 1, 1 << 63, u64::MAX] {
            crafted(field("prefix", prefix), &|body| put(body, at + 8, &prefix.to_le_bytes()));
        }
        for &count in COUNTS {
            let change = |body: &mut Vec<u8>| {
                let old = u32::from_le_bytes(body[at + 16..at + 20].try_into().expect("4 bytes"));
                let sum = u64_at(body, 40) - u64::from(old) + u64::from(count);
                put(body, at + 16, &count.to_le_bytes());
                put(body, 40, &sum.to_le_bytes());
            };
            crafted(field("entries", count.into()), &change);
        }
        for depth in [0, 1, 2, 3, 57, 58, 63, 64, 255] {
            crafted(field("depth", depth.into()), &|body| body[at + 20] = depth);
        }
        for size in [0, 1, 3, 4, 5, 9, 10, 11, 31, 32, 255] {
            crafted(field("size", size.into()), &|body| body[at + 21] = size);
        }
        crafted(field("checksum", 0), &|body| put(body, at + 24, &[0; 8]));
        crafted(format!("segment record {record} twice"), &|body| {
            let copy = body[at..at + 32].to_vec();
            body.splice(at..at, copy);
            put(body, 48, &(segments as u64 + 1).to_le_bytes());
        });
        crafted(format!("segment record {record} missing"), &|body| {
            let old = u32::from_le_bytes(body[at + 16..at + 20].try_into().expect("4 bytes"));
            let sum = u64_at(body, 40) - u64::from(old);
            body.drain(at..at + 32);
            put(body, 40, &sum.to_le_bytes());
            put(body, 48, &(segments as u64 - 1).to_le_bytes());
        });
        for other in 0..segments.min(3) {
            crafted(format!("segment record {record} overlaps {other}"), &|body| {
                let place = body[64 + 32 * other + 8..][..8].to_vec();
                put(body, at + 8, &place);
            });
            crafted(format!("segments {record} and {other} chained in a circle"), &|body| {
                let [one, two] = [at, 64 + 32 * other].map(|at| body[at..at + 4].to_vec());
                put(body, at + 4, &two);
                put(body, 64 + 32 * other + 4, &one);
            });
        }
    }
    for at in (tokens..body.len()).step_by(8).take(8) {
        for kind in 0..8 {
            crafted(format!("token at {at}: kind {kind}"), &|body| body[at] = kind);
        }
        for class in [0, 1, 57, 58, 253, 254, 255] {
            crafted(format!("token at {at}: class {class}"), &|body| body[at + 1] = class);
        }
        for n in [0u32, 1, 2, 255, 256, 257, 8192, 8193, u32::MAX] {
            crafted(format!("token at {at}: {n} of it"), &|body| put(body, at + 4, &n.to_le_bytes()));
        }
        for kind in [3, 4, 5] {
            for n in [1u32, 2, 3, u32::MAX] {
                crafted(format!("token at {at}: kind {kind}, {n} of it"), &|body| {
                    put(body, at, &[kind, 0, 0, 0]);
                    put(body, at + 4, &n.to_le_bytes());
                });
            }
        }
    }
}

/// An index with right checksums and wrong content, and a heap with impossible lengths.
pub(super) fn crafted_entries<T: Sample>(cases: &mut Cases, left: Left, entries: u64) {
    let original = Original::<T>::new(left, entries);
    let layout = Layout::of(original.bytes("MAP"));
    let (index, manifest, heap) = (original.bytes("index"), original.bytes("checkpoint"), original.bytes("heap"));
    let mut crafted = |name: String, change: &dyn Fn(&mut [u8], &mut [u8])| {
        let (mut index, mut heap, mut body) = (index.to_vec(), heap.to_vec(), manifest[..manifest.len() - 8].to_vec());
        change(&mut index, &mut heap);
        for record in 0..u64_at(&body, 48) as usize {
            let at = 64 + 32 * record;
            let id = u32::from_le_bytes(body[at..at + 4].try_into().expect("4 bytes")) as usize;
            let sum = layout.checksum(&index, id, 1 << body[at + 21]);
            put(&mut body, at + 24, &sum.to_le_bytes());
        }
        cases.run(
            || format!("{} {left:?} entries: {name}", T::NAME),
            || {
                original.write("index", 0, &index);
                fs::write(original.dir.join("checkpoint"), sealed(body)).expect("written");
                if !heap.is_empty() {
                    original.write("heap", 0, &heap);
                }
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    crafted("no change".into(), &|_, _| {});
    let segments = (index.len() - layout.lines_at()).div_ceil(layout.segment());
    for id in 0..segments {
        let (start, end) = (id * layout.segment(), index.len().min((id + 1) * layout.segment()));
        for value in [0, 0x01, 0x55, 0x7F, 0x80, 0xFF] {
            crafted(format!("segment {id}: control words of {value:#x}"), &|index, _| {
                index[start..start + layout.buckets * layout.control()].fill(value);
            });
            crafted(format!("segment {id}: lines of {value:#x}"), &|index, _| {
                index[start + layout.lines_at()..end].fill(value);
            });
        }
        // All tags are one tag that no key has, all buckets say that entries overflowed past them.
        crafted(format!("segment {id}: only overflow"), &|index, _| {
            for word in index[start..start + layout.buckets * layout.control()].chunks_exact_mut(layout.control()) {
                word.fill(0);
                word[layout.control() - 1] = 0xF0 | if layout.control() == 8 { 0x0F } else { 0 };
            }
        });
        let slots = (start + layout.lines_at()..end.saturating_sub(layout.stride)).step_by(layout.stride);
        let used: Vec<usize> =
            slots.filter(|&at| index[at..at + layout.stride].iter().any(|&byte| byte != 0)).collect();
        for &at in used.iter().take(5) {
            for word in (0..layout.stride).step_by(8) {
                let old = u64_at(index, at + word);
                let last = heap.len() as u64 / 8;
                for new in [
                    0,
                    u64::MAX,
                    old + 1,
                    old ^ 1 << 39,
                    old & !((1 << 40) - 1) | last,
                    old & !((1 << 40) - 1) | last.saturating_sub(1),
                    old ^ 31 << 40,
                    old ^ 1 << 63,
                ] {
                    crafted(format!("word at {} is {new:#x}", at + word), &|index, _| {
                        put(index, at + word, &new.to_le_bytes());
                    });
                }
            }
        }
        if let [first, second, ..] = used[..] {
            crafted(format!("segment {id}: two slots with one record"), &|index, _| {
                index.copy_within(first..first + layout.stride, second);
            });
        }
    }
    let records =
        (0..heap.len().saturating_sub(16)).step_by(8).filter(|&at| heap[at..at + 8].iter().any(|&byte| byte != 0));
    for at in records.take(10) {
        for len in [0u32, 1, 100, 0xFFFF, 0x7FFF_FFFF, u32::MAX] {
            for (first, second) in [(true, false), (false, true), (true, true)] {
                crafted(format!("lengths of {len} in the record at {at}: {first} {second}"), &|_, heap| {
                    if first {
                        put(heap, at + 4, &len.to_le_bytes());
                    }
                    if second {
                        put(heap, at + 8, &len.to_le_bytes());
                    }
                });
            }
        }
    }
}

/// Intents, descriptors and block entries, which the live state is taken from without checksums.
pub(super) fn crafted_tables<T: Sample>(cases: &mut Cases, entries: u64) {
    let original = Original::<T>::new(Left::Live, entries);
    let (table, blocks) = (original.bytes("segments"), original.bytes("blocks"));
    let mut crafted = |name: String, file: &str, words: &[(usize, u64)]| {
        cases.run(
            || format!("{} {file}: {name}", T::NAME),
            || {
                for &(at, word) in words {
                    original.write(file, at, &word.to_le_bytes());
                }
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    };
    let used = |at: &usize| u64_at(table, *at) != 0;
    let descriptors: Vec<usize> = (DESCRIPTORS..table.len() - 63).step_by(64).filter(used).collect();
    let count = descriptors.len() as u64;
    let absent = [count, count + 1, 10_000, 1 << 31, u64::from(u32::MAX) - 1, u64::from(u32::MAX), 1 << 32, u64::MAX];
    for record in [0, 55] {
        let at = 512 + record * 64;
        for kind in [1, 2, 3, 4, u64::MAX] {
            for id in (0..count.min(3)).chain(absent) {
                for other in [0, u64::from(u32::MAX)] {
                    let both = id | other << 32;
                    let words =
                        [(at, kind), (at + 8, both), (at + 16, other | id << 32), (at + 24, id), (at + 32, other)];
                    crafted(format!("intent {record} of kind {kind} with {id} and {other}"), "segments", &words);
                }
            }
        }
        for (bucket, lane) in
            [(0, 0), (15, 3), (16, 0), (1023, 0), (1024, 0), (u64::from(u32::MAX), 0), (0, 9), (0, 1 << 31)]
        {
            let slot = bucket | lane << 32;
            for words in [[0, slot, 0, 0], [0, 0, 0, slot], [0, slot, 0, slot]] {
                let words =
                    [(at, 2), (at + 8, words[0]), (at + 16, words[1]), (at + 24, words[2]), (at + 32, words[3])];
                crafted(format!("a move in intent {record} to bucket {bucket} lane {lane}"), "segments", &words);
            }
        }
    }
    for &at in descriptors.iter().take(4) {
        let (head, id) = (u64_at(table, at), (at - DESCRIPTORS) as u64 / 64);
        for state in 0..4 {
            crafted(format!("descriptor {id}: state {state}"), "segments", &[(at, head & !0xFF | state)]);
        }
        for depth in [0, 1, 2, 5, 18, 57, 58, 63, 64, 255] {
            crafted(format!("descriptor {id}: depth {depth}"), "segments", &[(at, head & !0xFF00 | depth << 8)]);
        }
        for size in [0, 3, 4, 5, 9, 10, 11, 31, 63, 64, 255] {
            crafted(format!("descriptor {id}: size {size}"), "segments", &[(at, head & !0xFF_0000 | size << 16)]);
        }
        for overflow in [0, 1, 2, 255, 1 << 39] {
            let head = head & 0xFF_FFFF | overflow << 24;
            crafted(format!("descriptor {id}: overflow {overflow}"), "segments", &[(at, head)]);
        }
        for prefix in [0, 1, 1 << 62, 1 << 63, u64::MAX] {
            crafted(format!("descriptor {id}: prefix {prefix:#x}"), "segments", &[(at + 8, prefix)]);
        }
        // Chains in a circle, to itself, to others' chains, past the end.
        for next in (0..count.min(6)).chain(absent) {
            crafted(format!("descriptor {id}: next {next}"), "segments", &[(at + 16, next.wrapping_add(1))]);
        }
        for generation in [0, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            crafted(format!("descriptor {id}: generation {generation}"), "segments", &[(at + 24, generation)]);
        }
        crafted(format!("descriptor {id}: sequence"), "segments", &[(at + 32, u64::MAX)]);
        for other in descriptors.iter().take(4) {
            let copy: Vec<_> = (0..4).map(|word| (at + 8 * word, u64_at(table, other + 8 * word))).collect();
            crafted(format!("descriptor {id}: a copy of another"), "segments", &copy);
        }
    }
    // 64 bytes of head and a bit for each of 4,096 cells.
    for (block, entry) in blocks.chunks_exact(576).enumerate().take(4) {
        let at = block * 576;
        for head in [0, 1, 2, 30, 58, 59, 0xFD, 0xFE, 0x01FE, 0x02FE, 0x1FE, 0xFF, 0x1FF, 0xFF_FFFF_FFFE, u64::MAX] {
            crafted(format!("block {block}: head {head:#x}"), "blocks", &[(at, head)]);
        }
        for bits in [0, 1, 0x5555_5555_5555_5555, u64::MAX] {
            let words: Vec<_> = (64..entry.len()).step_by(8).map(|word| (at + word, bits)).collect();
            crafted(format!("block {block}: bits {bits:#x}"), "blocks", &words);
        }
    }
}

/// `MAP` with a right checksum and wrong content.
pub(super) fn crafted_map_files<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    let text = String::from_utf8(original.bytes("MAP").to_vec()).expect("text");
    let body = text.split_once("checksum ").expect("a checksum").0;
    let mut changes: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        let values = match name {
            "block-shift" => ["0", "8", "9", "10", "15", "17", "63", "64"].as_slice(),
            "intents" => ["0", "1", "55", "57", "64", "1024", "1025", "4294967295"].as_slice(),
            "diskmap" => ["format 0", "format 2", "format 4294967295"].as_slice(),
            _ => ["", "0", "0000000000000000", "x"].as_slice(),
        };
        changes.extend(values.iter().map(|new| (format!("{name} {value}\n"), format!("{name} {new}\n"))));
        changes.push((format!("{name} {value}\n"), String::new()));
    }
    for (from, to) in changes {
        let new = body.replacen(&from, &to, 1);
        let new = format!("{new}checksum {:016x}\n", xxh3_64(new.as_bytes()));
        cases.run(
            || format!("{} {left:?} MAP: {:?}", T::NAME, to.trim()),
            || {
                fs::write(original.dir.join("MAP"), &new).expect("written");
                examine::<T>(&original.dir, None, true);
            },
        );
        original.restore();
    }
}
