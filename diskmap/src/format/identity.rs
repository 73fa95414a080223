//! The identity sector at the start of `segments`: says whether `segments` and `blocks` may be trusted as they are.
//!
//! It must not know how boot ids and file identities are found out; the caller compares them with those of today.
//! Invariant: a sector that is zeroed, torn or of another version parses to `None`, which means "go back to the
//! checkpoint" – always safe. So nothing here is an error.

use super::{CHECKSUM_LEN, FORMAT_VERSION, checked_body, checksum};

/// Bytes of the sector: the unit a disk writes whole.
pub(crate) const SECTOR: usize = 512;

const MAGIC: [u8; 8] = *b"dmapiden";

const MAGIC_AT: usize = 0;
const VERSION_AT: usize = 8;
const FLAGS_AT: usize = 12;
const UUID_AT: usize = 16;
const GENERATION_AT: usize = 32;
const BOOT_ID_AT: usize = 40;
const INDEX_AT: usize = 56;
const SEGMENTS_AT: usize = 80;
const HEAP_AT: usize = 104;
const BLOCKS_AT: usize = 128;
const RESERVED_AT: usize = 152;
const CHECKSUM_AT: usize = 504;

/// Bytes of one [`FileIdentity`].
const FILE_LEN: usize = 24;

const _: () = {
    assert!(MAGIC_AT == 0 && MAGIC_AT + MAGIC.len() == VERSION_AT);
    assert!(VERSION_AT + size_of::<u32>() == FLAGS_AT && FLAGS_AT + size_of::<u32>() == UUID_AT);
    assert!(UUID_AT + 16 == GENERATION_AT && GENERATION_AT + size_of::<u64>() == BOOT_ID_AT);
    assert!(BOOT_ID_AT + 16 == INDEX_AT && FILE_LEN == size_of::<FileIdentity>());
    assert!(INDEX_AT + FILE_LEN == SEGMENTS_AT && SEGMENTS_AT + FILE_LEN == HEAP_AT);
    assert!(HEAP_AT + FILE_LEN == BLOCKS_AT && BLOCKS_AT + FILE_LEN == RESERVED_AT);
    assert!(RESERVED_AT <= CHECKSUM_AT && CHECKSUM_AT + CHECKSUM_LEN == SECTOR);
};

/// The boot id is known. Without the flag its bytes are zero.
const FLAG_BOOT_ID: u32 = 1;
/// The map was closed.
const FLAG_CLEAN: u32 = 2;

/// Who wrote `segments` and `blocks` last, and under which boot of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The boot the map was written under; `None` where the platform has none. Defends against trusting mapped words
    /// after a power cut, when only some of their pages reached the disk.
    pub(crate) boot_id: Option<[u8; 16]>,
    /// The file `index`. The four defend against a copied directory or a restored file beside the others.
    pub(crate) index: FileIdentity,
    /// The file `segments` itself.
    pub(crate) segments: FileIdentity,
    /// The file `heap`, or [`FileIdentity::ABSENT`].
    pub(crate) heap: FileIdentity,
    /// The file `blocks`, or [`FileIdentity::ABSENT`].
    pub(crate) blocks: FileIdentity,
    /// The map's uuid as in `MAP`. Defends against the `segments` of another map.
    pub(crate) uuid: [u8; 16],
    /// Of a map that was closed: the generation of its checkpoint. Defends against an older checkpoint beside its files.
    pub(crate) generation: u64,
    /// The map was closed: nothing to finish or to recount.
    pub(crate) clean: bool,
}

/// Which file it was: equal numbers mean the very same file, not a copy of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// Device number.
    pub(crate) dev: u64,
    /// Inode number. A copy has another one.
    pub(crate) inode: u64,
    /// Birth time in nanoseconds since 1970, 0 if unknown. Defends against an inode number used again.
    pub(crate) birth: u64,
}

impl FileIdentity {
    /// No such file.
    pub(crate) const ABSENT: FileIdentity = FileIdentity { dev: 0, inode: 0, birth: 0 };

    fn encode(self) -> [u8; FILE_LEN] {
        let mut bytes = [0; FILE_LEN];
        put(&mut bytes, 0, self.dev.to_le_bytes());
        put(&mut bytes, 8, self.inode.to_le_bytes());
        put(&mut bytes, 16, self.birth.to_le_bytes());
        bytes
    }

    fn parse(sector: &[u8], at: usize) -> Option<FileIdentity> {
        Some(FileIdentity {
            dev: u64::from_le_bytes(take(sector, at)?),
            inode: u64::from_le_bytes(take(sector, at + 8)?),
            birth: u64::from_le_bytes(take(sector, at + 16)?),
        })
    }
}

impl Identity {
    /// The sector's bytes.
    pub(crate) fn encode(&self) -> [u8; SECTOR] {
        let flags = if self.boot_id.is_some() { FLAG_BOOT_ID } else { 0 } | if self.clean { FLAG_CLEAN } else { 0 };
        let mut sector = [0; SECTOR];
        put(&mut sector, MAGIC_AT, MAGIC);
        put(&mut sector, VERSION_AT, FORMAT_VERSION.to_le_bytes());
        put(&mut sector, FLAGS_AT, flags.to_le_bytes());
        put(&mut sector, UUID_AT, self.uuid);
        put(&mut sector, GENERATION_AT, self.generation.to_le_bytes());
        put(&mut sector, BOOT_ID_AT, self.boot_id.unwrap_or_default());
        put(&mut sector, INDEX_AT, self.index.encode());
        put(&mut sector, SEGMENTS_AT, self.segments.encode());
        put(&mut sector, HEAP_AT, self.heap.encode());
        put(&mut sector, BLOCKS_AT, self.blocks.encode());
        let sum = checksum(&sector[..CHECKSUM_AT]);
        put(&mut sector, CHECKSUM_AT, sum.to_le_bytes());
        sector
    }

    /// Reads a sector. `None`: zeroed, torn, or not written by this version; it just is not trusted.
    pub(crate) fn parse(sector: &[u8; SECTOR]) -> Option<Identity> {
        let body = checked_body(sector).ok()?;
        let flags = u32::from_le_bytes(take(body, FLAGS_AT)?);
        let boot_id = take(body, BOOT_ID_AT)?;
        let has_boot_id = flags & FLAG_BOOT_ID != 0;
        let known = take(body, MAGIC_AT)? == MAGIC
            && u32::from_le_bytes(take(body, VERSION_AT)?) == FORMAT_VERSION
            && flags & !(FLAG_BOOT_ID | FLAG_CLEAN) == 0
            && (has_boot_id || boot_id == [0; 16])
            && body.get(RESERVED_AT..)?.iter().all(|byte| *byte == 0);
        if !known {
            return None;
        }
        Some(Identity {
            boot_id: has_boot_id.then_some(boot_id),
            index: FileIdentity::parse(body, INDEX_AT)?,
            segments: FileIdentity::parse(body, SEGMENTS_AT)?,
            heap: FileIdentity::parse(body, HEAP_AT)?,
            blocks: FileIdentity::parse(body, BLOCKS_AT)?,
            uuid: take(body, UUID_AT)?,
            generation: u64::from_le_bytes(take(body, GENERATION_AT)?),
            clean: flags & FLAG_CLEAN != 0,
        })
    }
}

/// Stores a field at one of the offsets above, which are inside by the assertions.
fn put<const N: usize>(bytes: &mut [u8], at: usize, field: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&field);
}

/// Loads a field from untrusted bytes.
fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOLDEN: &str = concat!(
        "646d61706964656e0100000003000000",
        "757569642d6f662d31362d6279746573",
        "0807060504030201",
        "626f6f742d69642d31362d6279746573",
        "010000000000000002000000000000000300000000000000",
        "04000000000000000500000000000000ffffffffffffffff",
        "060000000000000007000000000000000000000000000000",
        "000000000000000000000000000000000000000000000000",
    );
    const GOLDEN_CHECKSUM: u64 = 0x099f_9c22_c8b2_aee4;

    fn sample() -> Identity {
        Identity {
            boot_id: Some(*b"boot-id-16-bytes"),
            index: FileIdentity { dev: 1, inode: 2, birth: 3 },
            segments: FileIdentity { dev: 4, inode: 5, birth: u64::MAX },
            heap: FileIdentity { dev: 6, inode: 7, birth: 0 },
            blocks: FileIdentity::ABSENT,
            uuid: *b"uuid-of-16-bytes",
            generation: 0x0102_0304_0506_0708,
            clean: true,
        }
    }

    /// A sector with one changed byte and a checksum that fits it.
    fn crafted(at: usize, byte: u8) -> [u8; SECTOR] {
        let mut sector = sample().encode();
        sector[at] = byte;
        sealed(sector)
    }

    fn sealed(mut sector: [u8; SECTOR]) -> [u8; SECTOR] {
        let sum = checksum(&sector[..CHECKSUM_AT]);
        put(&mut sector, CHECKSUM_AT, sum.to_le_bytes());
        sector
    }

    #[test]
    fn golden_bytes() {
        let sector = sample().encode();
        let hex: String = sector[..RESERVED_AT].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert!(sector[RESERVED_AT..CHECKSUM_AT].iter().all(|byte| *byte == 0));
        assert_eq!(sector[CHECKSUM_AT..], GOLDEN_CHECKSUM.to_le_bytes());
        assert_eq!(Identity::parse(&sector), Some(sample()));
    }

    #[test]
    fn zeroed_is_not_trusted() {
        assert_eq!(Identity::parse(&[0; SECTOR]), None);
        assert_eq!(Identity::parse(&sealed([0; SECTOR])), None);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        for bit in 0..SECTOR * 8 {
            let mut sector = sample().encode();
            sector[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Identity::parse(&sector), None, "bit {bit}");
        }
    }

    #[test]
    fn every_torn_sector_is_noticed() {
        for len in 0..SECTOR {
            let mut sector = sample().encode();
            sector[len..].fill(0);
            assert_eq!(Identity::parse(&sector), None, "{len}");
        }
    }

    #[test]
    fn crafted_sectors_are_not_trusted() {
        assert_eq!(Identity::parse(&crafted(MAGIC_AT, b'D')), None);
        assert_eq!(Identity::parse(&crafted(VERSION_AT, 2)), None);
        assert_eq!(Identity::parse(&crafted(FLAGS_AT, 2)), None, "boot id without its flag");
        assert_eq!(Identity::parse(&crafted(FLAGS_AT, 7)), None);
        assert_eq!(Identity::parse(&crafted(FLAGS_AT + 3, 1)), None);
        assert_eq!(Identity::parse(&crafted(RESERVED_AT, 1)), None);
        assert_eq!(Identity::parse(&crafted(CHECKSUM_AT - 1, 1)), None);
        assert_eq!(Identity::parse(&crafted(FLAGS_AT, 1)), Some(Identity { clean: false, ..sample() }));
    }

    fn any_file() -> impl Strategy<Value = FileIdentity> {
        any::<[u64; 3]>().prop_map(|[dev, inode, birth]| FileIdentity { dev, inode, birth })
    }

    prop_compose! {
        fn any_identity()(
            boot_id in prop_oneof![any::<Option<[u8; 16]>>(), Just(Some([0; 16]))],
            index in any_file(),
            segments in any_file(),
            heap in any_file(),
            blocks in prop_oneof![any_file(), Just(FileIdentity::ABSENT)],
            uuid in any::<[u8; 16]>(),
            generation in any::<u64>(),
            clean in any::<bool>(),
        ) -> Identity {
            Identity { boot_id, index, segments, heap, blocks, uuid, generation, clean }
        }
    }

    proptest! {
        #[test]
        fn round_trip(identity in any_identity()) {
            prop_assert_eq!(Identity::parse(&identity.encode()), Some(identity));
        }

        #[test]
        fn random_bytes_are_not_trusted(bytes in prop::collection::vec(any::<u8>(), SECTOR)) {
            let mut sector = [0; SECTOR];
            sector.copy_from_slice(&bytes);
            prop_assert_eq!(Identity::parse(&sector), None);
            prop_assert_eq!(Identity::parse(&sealed(sector)), None);
        }

        #[test]
        fn crafted_bytes_are_refused_or_canonical(at in 0..CHECKSUM_AT, byte in any::<u8>()) {
            let sector = crafted(at, byte);
            if let Some(identity) = Identity::parse(&sector) {
                prop_assert_eq!(identity.encode(), sector);
            }
        }
    }
}
