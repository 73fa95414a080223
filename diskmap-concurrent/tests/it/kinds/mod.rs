//! The pairs of types that are tested, one for each way an entry can lie in a map, and what belongs to a number of them.
//!
//! Must not know what a test does. Invariant: a key or a value that is read back is whole, or its test fails.

use std::{fmt::Debug, hash::Hash};

use diskmap::{ByteStore, DiskKey, DiskValue, Encode, IntoOwned, MMapFile};
use diskmap_concurrent::{DiskDashMap, MemDashMap};

pub(crate) trait Kind: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type K: ?Sized + DiskKey + Encode<Self::Key> + IntoOwned<Owned = Self::Key> + Send + Sync;
    type V: ?Sized + DiskValue + Encode<Self::Value> + IntoOwned<Owned = Self::Value> + Send + Sync;
    type Key: Clone + Debug + Eq + Hash + Send + Sync;
    type Value: Clone + Debug + PartialEq + Default + Send + Sync;

    fn key(number: u64) -> Self::Key;
    fn number(view: <Self::K as DiskValue>::View<'_>) -> u64;
    fn value(seed: u64) -> Self::Value;
    fn seed(view: <Self::V as DiskValue>::View<'_>) -> u64;
    fn number_of(key: &Self::Key) -> u64;
    fn seed_of(value: &Self::Value) -> u64;

    /// `compare_exchange` where values are of fixed size.
    fn exchange<BS: ByteStore>(_: &Map<Self, BS>, _: u64, _: u64, _: u64) -> Option<Result<(), Option<u64>>> {
        None
    }
}

pub(crate) type Map<T, BS> = DiskDashMap<<T as Kind>::K, <T as Kind>::V, BS>;
pub(crate) type Disk<T> = Map<T, MMapFile>;
pub(crate) type Mem<T> = MemDashMap<<T as Kind>::K, <T as Kind>::V>;

/// Values that are published by one store.
pub(crate) struct Numbers;
/// Values of several words, inline: each change moves them.
pub(crate) struct Wide;
/// Keys in records.
pub(crate) struct Names;
/// Values in records.
pub(crate) struct Notes;
/// One record with both.
pub(crate) struct Texts;

fn mix(seed: u64) -> u64 {
    (seed ^ seed >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

fn wide(seed: u64) -> [u64; 3] {
    [seed, mix(seed), !seed]
}

fn whole(words: [u64; 3]) -> u64 {
    assert_eq!(words, wide(words[0]), "torn");
    words[0]
}

fn name(number: u64) -> String {
    format!("{}-{number}", "key".repeat(number as usize % 9))
}

fn named(name: &str) -> u64 {
    let number = name.rsplit('-').next().and_then(|digits| digits.parse().ok()).expect("a key of this test");
    assert_eq!(self::name(number), name, "torn");
    number
}

/// 16 to 1,500 bytes, short ones mostly; the length follows from the seed.
pub(crate) fn text(seed: u64) -> String {
    let random = mix(seed) >> 8;
    let len = if random.is_multiple_of(32) { random >> 8 & 1023 } else { random >> 8 & 63 };
    let mut text = format!("{seed:016x}");
    text.extend((0..len).map(|i| char::from(b'a' + (mix(seed ^ i) >> 40 & 15) as u8)));
    text
}

pub(crate) fn told(text: &str) -> u64 {
    let seed = text.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let seed = seed.unwrap_or_else(|| panic!("torn: {text:?}"));
    assert_eq!(self::text(seed), text, "torn");
    seed
}

fn same(seed: u64) -> u64 {
    seed
}

/// An owned value as a map shows it.
trait AsView {
    type View<'a>
    where
        Self: 'a;

    fn as_view(&self) -> Self::View<'_>;
}

impl AsView for u64 {
    type View<'a> = u64;

    fn as_view(&self) -> u64 {
        *self
    }
}

impl AsView for [u64; 3] {
    type View<'a> = [u64; 3];

    fn as_view(&self) -> [u64; 3] {
        *self
    }
}

impl AsView for String {
    type View<'a> = &'a str;

    fn as_view(&self) -> &str {
        self
    }
}

macro_rules! kinds {
    ($($kind:ident: $k:ty as $key:ty, $v:ty as $value:ty; $make_key:ident $read_key:ident $make:ident $read:ident $(, $fixed:ident)?;)*) => {$(
        impl Kind for $kind {
            const NAME: &'static str = stringify!($kind);
            type K = $k;
            type V = $v;
            type Key = $key;
            type Value = $value;

            fn key(number: u64) -> $key {
                $make_key(number)
            }

            fn number(view: <$k as DiskValue>::View<'_>) -> u64 {
                $read_key(view)
            }

            fn value(seed: u64) -> $value {
                $make(seed)
            }

            fn seed(view: <$v as DiskValue>::View<'_>) -> u64 {
                $read(view)
            }

            fn number_of(key: &$key) -> u64 {
                $read_key(key.as_view())
            }

            fn seed_of(value: &$value) -> u64 {
                $read(value.as_view())
            }

            $(kinds!($fixed $read);)?
        }
    )*};
    (fixed $read:ident) => {
        fn exchange<BS: ByteStore>(
            map: &Map<Self, BS>,
            key: u64,
            current: u64,
            new: u64,
        ) -> Option<Result<(), Option<u64>>> {
            let (key, current, new) = (Self::key(key), Self::value(current), Self::value(new));
            let done = map.compare_exchange(&key, &current, &new).expect("compared");
            Some(done.map_err(|found| found.map($read)))
        }
    };
}

#[cfg(feature = "derive")]
mod derived;
#[cfg(feature = "derive")]
pub(crate) use derived::{Drawings, Marks, Orders};

kinds! {
    Numbers: u64 as u64, u64 as u64; same same same same, fixed;
    Wide: [u64; 3] as [u64; 3], [u64; 3] as [u64; 3]; wide whole wide whole, fixed;
    Names: str as String, u64 as u64; name named same same, fixed;
    Notes: u64 as u64, str as String; same same text told;
    Texts: str as String, String as String; name named text told;
}

/// The seed of this run.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = match std::env::var("DISKMAP_SEED") {
        Ok(text) => text.parse().expect("DISKMAP_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("{test}: DISKMAP_SEED={seed}");
    seed
}

/// How much longer than usual the tests run that look for what is rare.
pub(crate) fn patience() -> u32 {
    std::env::var("DISKMAP_PATIENCE").map_or(1, |text| text.parse().expect("DISKMAP_PATIENCE is a number"))
}
