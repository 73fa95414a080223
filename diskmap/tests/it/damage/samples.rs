//! The pairs of types whose files are damaged.

use super::*;

/// A pair of types whose entries are made from small numbers.
pub(super) trait Sample: 'static {
    const NAME: &'static str;
    type K: DiskKey + Encode<Self::Key>;
    type V: DiskValue + Encode<Self::Value>;
    type Key;
    type Value;
    type Hasher: StableHasher + Default + Send + Sync + 'static;

    fn key(number: u64) -> Self::Key;
    fn value(number: u64) -> Self::Value;
    /// A digest of a key, after a look at each of its bytes.
    fn see_key(view: <Self::K as DiskValue>::View<'_>) -> u64;
    /// A digest of a value, after a look at each of its bytes.
    fn see_value(view: <Self::V as DiskValue>::View<'_>) -> u64;
    /// The digests that the key and the value of a number have.
    fn digests(number: u64) -> (u64, u64);
}

pub(super) type Map<T> = DiskHashMap<<T as Sample>::K, <T as Sample>::V, MMapFile, <T as Sample>::Hasher>;
/// Digests of values by digests of keys.
pub(super) type Truth = HashMap<u64, u64>;

macro_rules! sample {
    ($name:ident, $text:literal, $key:ty, $value:ty, $hasher:ty, $make_key:expr, $make_value:expr, $see_key:expr, $see_value:expr, $digests:expr) => {
        pub(super) struct $name;

        impl Sample for $name {
            const NAME: &'static str = $text;
            type K = $key;
            type V = $value;
            type Key = $key;
            type Value = $value;
            type Hasher = $hasher;

            fn key(number: u64) -> $key {
                $make_key(number)
            }

            fn value(number: u64) -> $value {
                $make_value(number)
            }

            fn see_key(view: <$key as DiskValue>::View<'_>) -> u64 {
                $see_key(view)
            }

            fn see_value(view: <$value as DiskValue>::View<'_>) -> u64 {
                $see_value(view)
            }

            fn digests(number: u64) -> (u64, u64) {
                $digests(number)
            }
        }
    };
}

pub(super) fn same(number: u64) -> u64 {
    number
}

pub(super) fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(super) fn wide(number: u64) -> [u64; 4] {
    [number, !number, mixed(number), number << 32]
}

pub(super) fn see_wide(view: [u64; 4]) -> u64 {
    view.iter().fold(0, |all, &part| mixed(all.rotate_left(7) ^ part))
}

/// A slot of 64 bytes: a segment has 1,024 of them, of which a key that hashes like all others can reach 128.
pub(super) fn seven(number: u64) -> [u64; 7] {
    [number, 1, 2, 3, 4, 5, mixed(number)]
}

pub(super) fn see_seven(view: [u64; 7]) -> u64 {
    view.iter().fold(0, |all, &part| mixed(all.rotate_left(7) ^ part))
}

pub(super) fn name(number: u64) -> String {
    format!("{}{number}", "näme-".repeat(number as usize % 3))
}

pub(super) fn text(number: u64) -> String {
    "tëxt".repeat(number as usize % 4)
}

pub(super) fn see_text(view: &str) -> u64 {
    assert!(std::str::from_utf8(view.as_bytes()).is_ok(), "a text is UTF-8");
    xxh3_64(view.as_bytes())
}

sample!(Numbers, "numbers", u64, u64, FxBuildHasher, same, mixed, same, same, |n| (n, mixed(n)));
sample!(Wide, "wide", u64, [u64; 4], FxBuildHasher, same, wide, same, see_wide, |n| (n, see_wide(wide(n))));
sample!(Names, "names", String, u64, FxBuildHasher, name, mixed, see_text, same, |n| (see_text(&name(n)), mixed(n)));
sample!(Texts, "texts", String, String, FxBuildHasher, name, text, see_text, see_text, |n| (
    see_text(&name(n)),
    see_text(&text(n))
));
sample!(Chained, "chained", u64, [u64; 7], Constant, same, seven, same, see_seven, |n| (n, see_seven(seven(n))));
