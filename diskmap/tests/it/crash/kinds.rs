//! The pairs of types that are killed: one for each kind of slot, and one whose hashes are all alike.

use super::*;

/// A pair of types, and what belongs to a number of them.
pub(super) trait Kind: 'static {
    const NAME: &'static str;
    /// Each lookup reads many slots.
    const SLOW: bool = false;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    type Hasher: StableHasher + Default + Send + Sync + 'static;

    fn key(number: u64) -> Self::Key;
    fn number(view: <Self::K as DiskValue>::View<'_>) -> u64;
    fn value(seed: u64) -> Self::Value;
    fn digest(view: <Self::V as DiskValue>::View<'_>) -> u64;
    fn digest_of(seed: u64) -> u64;
}

pub(super) type Map<T> = DiskHashMap<<T as Kind>::K, <T as Kind>::V, MMapFile, <T as Kind>::Hasher>;

pub(super) struct Numbers;
pub(super) struct Wide;
pub(super) struct Names;
pub(super) struct Texts;
pub(super) struct Same;

/// The same number for every key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Constant;

pub(crate) struct ConstantState;

impl Hasher for ConstantState {
    fn finish(&self) -> u64 {
        0x0123_4567_89AB_CDEF
    }

    fn write(&mut self, _: &[u8]) {}
}

impl BuildHasher for Constant {
    type Hasher = ConstantState;

    fn build_hasher(&self) -> ConstantState {
        ConstantState
    }
}

impl StableHasher for Constant {
    const ID: &'static str = "test-constant";
}

pub(super) fn wide(seed: u64) -> [u64; 4] {
    [seed, seed.rotate_left(17) ^ 5, !seed, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)]
}

pub(super) fn name(number: u64) -> String {
    format!("{}-{number}", "key".repeat(number as usize % 9))
}

pub(super) fn number_of(name: &str) -> u64 {
    let number = name.rsplit('-').next().and_then(|digits| digits.parse().ok()).expect("a key of this test");
    assert_eq!(self::name(number), name, "a key is whole");
    number
}

/// 0 to 70,000 bytes, short ones mostly.
pub(super) fn text(seed: u64) -> String {
    let mut rng = Rng::with_seed(seed);
    let most = match rng.u32(..1000) {
        0..700 => 64,
        700..950 => 600,
        950..996 => 8_000,
        _ => 70_000,
    };
    let len = rng.usize(..=most);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend(rng.u64(..).to_le_bytes().map(|byte| b'a' + (byte & 15)));
    }
    bytes.truncate(len);
    String::from_utf8(bytes).expect("letters")
}

impl Kind for Numbers {
    const NAME: &'static str = "numbers";
    type K = u64;
    type V = u64;
    type Key = u64;
    type Value = u64;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> u64 {
        seed
    }

    fn digest(view: u64) -> u64 {
        view
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Wide {
    const NAME: &'static str = "wide";
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> [u64; 4] {
        wide(seed)
    }

    fn digest(view: [u64; 4]) -> u64 {
        assert_eq!(view, wide(view[0]), "a value is whole");
        view[0]
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Names {
    const NAME: &'static str = "names";
    type K = String;
    type V = u64;
    type Key = String;
    type Value = u64;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        name(number)
    }

    fn number(view: &str) -> u64 {
        number_of(view)
    }

    fn value(seed: u64) -> u64 {
        seed
    }

    fn digest(view: u64) -> u64 {
        view
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}

impl Kind for Texts {
    const NAME: &'static str = "texts";
    type K = String;
    type V = String;
    type Key = String;
    type Value = String;
    type Hasher = FxBuildHasher;

    fn key(number: u64) -> String {
        name(number)
    }

    fn number(view: &str) -> u64 {
        number_of(view)
    }

    fn value(seed: u64) -> String {
        text(seed)
    }

    fn digest(view: &str) -> u64 {
        xxh3_64(view.as_bytes())
    }

    fn digest_of(seed: u64) -> u64 {
        xxh3_64(text(seed).as_bytes())
    }
}

impl Kind for Same {
    const NAME: &'static str = "same";
    const SLOW: bool = true;
    type K = u64;
    type V = [u64; 4];
    type Key = u64;
    type Value = [u64; 4];
    type Hasher = Constant;

    fn key(number: u64) -> u64 {
        number
    }

    fn number(view: u64) -> u64 {
        view
    }

    fn value(seed: u64) -> [u64; 4] {
        wide(seed)
    }

    fn digest(view: [u64; 4]) -> u64 {
        Wide::digest(view)
    }

    fn digest_of(seed: u64) -> u64 {
        seed
    }
}
