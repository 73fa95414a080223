//! Values with a past, written by hand.

use diskmap::{DiskValue, Encode, Error, Invalid, Result, Schema, Shape, codec::Versions};

/// A codec with the bytes of another, and a name and earlier versions of its own.
macro_rules! named {
    ($name:ident, $schema:literal, $version:literal, $inner:ty, [$($earlier:ty = $asked:literal),*]) => {
        pub(super) enum $name {}

        // SAFETY: all of it is the other codec's.
        unsafe impl DiskValue for $name {
            type View<'a> = <$inner as DiskValue>::View<'a>;
            const SHAPE: Shape = <$inner as DiskValue>::SHAPE;
            const SCHEMA: Schema = Schema::named($schema, $version, const { &<$inner as DiskValue>::SCHEMA });

            fn validate(bytes: &[u8]) -> Result<(), Invalid> {
                <$inner>::validate(bytes)
            }

            unsafe fn view<'a>(bytes: &'a [u8]) -> Self::View<'a> {
                // SAFETY: the caller's promise.
                unsafe { <$inner>::view(bytes) }
            }

            fn versions<W: Versions<Self>>(versions: &mut W) {
                let _ = &versions;
                $(versions.version::<$earlier>($asked);)*
            }
        }
    };
}

/// What a codec of such a name takes, by way of what the other codec takes.
macro_rules! takes {
    ($name:ident as $inner:ty: $($query:ty = $change:expr),+) => {$(
        impl Encode<$query> for $name {
            fn encoded_len(query: &$query) -> Result<usize> {
                let change: fn(&$query) -> Result<_> = $change;
                <$inner>::encoded_len(&change(query)?)
            }

            fn encode_into(query: &$query, out: &mut [u8]) -> Result<usize> {
                let change: fn(&$query) -> Result<_> = $change;
                <$inner>::encode_into(&change(query)?, out)
            }
        }
    )+};
}

fn parse(text: &str) -> Result<u64> {
    text.parse().map_err(|error| Error::Encode { what: format!("{text}: {error}") })
}

named!(Small, "t.Count", 1, u32, []);
takes!(Small as u32: u32 = |n| Ok(*n));

named!(Wide, "t.Count", 2, u64, [Small = false]);
takes!(Wide as u64: u64 = |n| Ok(*n), u32 = |n| Ok(u64::from(*n)));

named!(Text, "t.Count", 3, str, [Wide = false]);
takes!(Text as str: u64 = |n| Ok(n.to_string()), u32 = |n| Ok(n.to_string()));

named!(Parsed, "t.Parsed", 1, u64, [str = true]);
takes!(Parsed as u64: u64 = |n| Ok(*n), String = |text| parse(text), &str = |text| parse(text));

named!(Doubled, "t.Doubled", 1, u64, [Parsed = false]);
takes!(Doubled as u64: u64 = |n| Ok(2 * n));

named!(Loud, "t.Loud", 1, str, [str = false]);
takes!(Loud as str: String = |text| Ok(text.to_uppercase()), &str = |text| Ok(text.to_uppercase()));

named!(Chicken, "t.Chicken", 1, u64, [Egg = false]);
takes!(Chicken as u64: u64 = |n| Ok(*n));

named!(Egg, "t.Egg", 1, u64, [Chicken = false]);
takes!(Egg as u64: u64 = |n| Ok(*n));

named!(Wrong, "t.Wrong", 1, bool, [Small = false]);

/// Writes what its codec does not accept.
impl Encode<u32> for Wrong {
    fn encoded_len(_: &u32) -> Result<usize> {
        Ok(1)
    }

    fn encode_into(_: &u32, out: &mut [u8]) -> Result<usize> {
        out[0] = 2;
        Ok(1)
    }
}

named!(Panicking, "t.Panicking", 1, u64, [Small = false]);
takes!(Panicking as u64: u32 = |n| if *n > 1 << 30 { panic!("a codec that panics") } else { Ok(u64::from(*n)) });
