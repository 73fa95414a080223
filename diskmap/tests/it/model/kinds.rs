//! The pairs of types, with a key and a value for each number.

use super::*;

/// A pair of types, with a key and a value for each number. Different numbers may have the same key or value.
pub(super) trait Kind: 'static {
    type K: ?Sized + DiskKey + Encode<Self::Key> + IntoOwned<Owned = Self::Key>;
    type V: ?Sized + Encode<Self::Value> + IntoOwned<Owned = Self::Value>;
    type Key: Clone + Debug + Eq + Hash;
    type Value: Clone + Debug + Default + PartialEq;

    fn key(n: u32) -> Self::Key;
    fn value(n: u32) -> Self::Value;
}

macro_rules! kind {
    ($name:ident: $k:ty as $key:ty, |$n:ident| $make_key:expr; $v:ty as $value:ty, |$m:ident| $make_value:expr) => {
        pub(super) struct $name;

        impl Kind for $name {
            type K = $k;
            type V = $v;
            type Key = $key;
            type Value = $value;

            fn key($n: u32) -> $key {
                $make_key
            }

            fn value($m: u32) -> $value {
                $make_value
            }
        }
    };
}

#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, Clone, Debug, Default, PartialEq)]
pub(super) struct Profile {
    pub(super) id: u16,
    pub(super) name: String,
    pub(super) wide: Vec<u128>,
    pub(super) tag: Option<Box<str>>,
}

/// Text of very different lengths, the empty one included.
pub(super) fn text(n: u32) -> String {
    match n % 64 {
        0 => String::new(),
        1..60 => format!("{n:0width$}", width = n as usize % 40),
        60..63 => format!("{n:a>200}"),
        _ => format!("{n:ü>3000}"),
    }
}

pub(super) fn name(n: u32) -> String {
    match n {
        0 => String::new(),
        _ if n % 128 == 127 => format!("{n:k>300}"),
        _ => format!("key {n}"),
    }
}

kind!(U64ToU64: u64 as u64, |n| n.into(); u64 as u64, |n| u64::from(n) << 40 | 1);
kind!(U32ToUnit: u32 as u32, |n| n; () as (), |_n| ());
kind!(U64ToString: u64 as u64, |n| u64::from(n) << 20; String as String, |n| text(n));
kind!(StringToU64: String as String, |n| name(n); u64 as u64, |n| n.into());
kind!(StringToBytes: String as String, |n| name(n); Vec<u8> as Vec<u8>, |n| text(n).into_bytes());
kind!(WideToWide: [u64; 3] as [u64; 3], |n| [n.into(), 5, !u64::from(n)]; [u64; 4] as [u64; 4], |n| [n.into(); 4]);
kind!(PairToPair: (u32, String) as (u32, String), |n| (n / 8, text(n % 8)); (u16, String) as (u16, String), |n| (n as u16, text(n)));
kind!(U128ToU8: u128 as u128, |n| u128::from(n) << 77; u8 as u8, |n| n as u8);
kind!(LongToLong: [u64; 9] as [u64; 9], |n| [n.into(); 9]; [u32; 20] as [u32; 20], |n| [n; 20]);
kind!(StrToArch: Str as String, |n| name(n); Arch<Profile> as Profile, |n| Profile {
    id: n as u16,
    name: text(n),
    wide: vec![n.into(); n as usize % 5],
    tag: n.is_multiple_of(3).then(|| text(n / 3).into()),
});

/// Numbers of keys that operations on many entries use.
pub(super) const UNIVERSE: u32 = 16_000;
