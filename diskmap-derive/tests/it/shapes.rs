//! Types of every shape that can be derived, and how to make values of them.

use std::{fmt::Debug, marker::PhantomData, rc::Rc};

use diskmap::{Bytes, CanonF64, DiskKey, DiskValue, Native, Str, types::Arch};
use proptest::{collection::vec, prelude::*};

/// A type with values to test it with.
pub(crate) trait Sample: Sized + Clone + Debug + PartialEq + 'static {
    /// Any value; often a short one, so that equal ones come up.
    fn any() -> BoxedStrategy<Self>;
}

/// Text of few letters, some of them long in UTF-8.
fn text() -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), "[aß€𝄞]{0,3}", ".{0,200}"].boxed()
}

fn bytes() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![Just(Vec::new()), vec(0..3_u8, 0..3), vec(any::<u8>(), 0..300)].boxed()
}

macro_rules! sample {
    ($type:ty, $strategy:expr, $make:expr) => {
        impl Sample for $type {
            fn any() -> BoxedStrategy<Self> {
                $strategy.prop_map($make).boxed()
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Nothing;
sample!(Nothing, Just(()), |()| Nothing);

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct UserId(pub u64);
sample!(UserId, 0..5_u64, UserId);

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Name(pub String);
sample!(Name, text(), Name);

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Fixed {
    pub small: u8,
    pub wide: u128,
    pub yes: bool,
    pub letter: char,
    pub place: [i16; 2],
    pub nothing: (),
}
sample!(Fixed, (0..2_u8, any::<u128>(), any::<bool>(), any::<char>(), any::<[i16; 2]>()), |(
    small,
    wide,
    yes,
    letter,
    place,
)| Fixed {
    small,
    wide,
    yes,
    letter,
    place,
    nothing: ()
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(name = "shop.Order", version = 3)]
pub(crate) struct Mixed {
    pub name: String,
    pub id: u32,
    pub raw: Vec<u8>,
    pub flag: bool,
    pub last: String,
}
sample!(Mixed, (text(), 0..3_u32, bytes(), any::<bool>(), text()), |(name, id, raw, flag, last)| Mixed {
    name,
    id,
    raw,
    flag,
    last
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Tuple(pub u16, pub String);
sample!(Tuple, (0..3_u16, text()), |(a, b)| Tuple(a, b));

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Nested {
    pub inner: Mixed,
    pub id: UserId,
    pub name: Name,
    pub maybe: Option<Tuple>,
}
sample!(Nested, (Mixed::any(), UserId::any(), Name::any(), proptest::option::of(Tuple::any())), |(
    inner,
    id,
    name,
    maybe,
)| Nested {
    inner,
    id,
    name,
    maybe
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Options {
    pub fixed: Option<u16>,
    pub text: Option<String>,
    pub numbers: Option<Vec<u32>>,
    pub twice: Option<Option<bool>>,
}
sample!(
    Options,
    (any::<Option<u16>>(), proptest::option::of(text()), any::<Option<Vec<u32>>>(), any::<Option<Option<bool>>>()),
    |(fixed, text, numbers, twice)| Options { fixed, text, numbers, twice }
);

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Arrays {
    pub hash: [u8; 20],
    pub names: [String; 2],
    pub pair: (u8, String),
}
sample!(Arrays, (any::<[u8; 20]>(), text(), text(), 0..2_u8, text()), |(hash, a, b, c, d)| Arrays {
    hash,
    names: [a, b],
    pair: (c, d)
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Aligned {
    pub one: u8,
    pub words: Vec<u64>,
    pub text: String,
    pub wide: Vec<u128>,
}
sample!(Aligned, (0..2_u8, any::<Vec<u64>>(), text(), vec(any::<u128>(), 0..3)), |(one, words, text, wide)| Aligned {
    one,
    words,
    text,
    wide
});

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) enum Colour {
    Red,
    Green = 7,
    #[diskmap(rename = "Azure")]
    Blue,
}
sample!(Colour, 0..3_u8, |n| [Colour::Red, Colour::Green, Colour::Blue][usize::from(n)]);

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[repr(u8)]
pub(crate) enum Padded {
    Empty = 0,
    Small(u8) = 3,
    Large { id: u64, tag: [u8; 2] } = 4,
}
sample!(Padded, (0..3_u8, 0..3_u8, 0..3_u64), |(which, small, id)| match which {
    0 => Padded::Empty,
    1 => Padded::Small(small),
    _ => Padded::Large { id, tag: [small, 0] },
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[repr(u16)]
pub(crate) enum Event {
    Start = 1,
    Text(String) = 2,
    Move { from: (i32, i32), path: Vec<u32>, by: Option<String> } = 700,
    Nested(Nested, UserId) = 65535,
}
sample!(Event, (0..4_u8, text(), any::<(i32, i32)>(), any::<Vec<u32>>(), Nested::any()), |(
    which,
    text,
    from,
    path,
    nested,
)| match which {
    0 => Event::Start,
    1 => Event::Text(text),
    2 => Event::Move { from, path, by: (!text.is_empty()).then_some(text) },
    _ => Event::Nested(nested, UserId(1)),
});

#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable, DiskKey, DiskValue)]
#[repr(C)]
#[diskmap(codec = native)]
pub(crate) struct Cell {
    pub x: u32,
    pub y: i32,
    pub path: [u16; 4],
}
sample!(Cell, (0..3_u32, any::<i32>(), any::<[u16; 4]>()), |(x, y, path)| Cell { x, y, path });

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(codec = str)]
pub(crate) struct Email(pub Box<str>);
sample!(Email, text(), |text| Email(text.into()));

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(codec = bytes)]
pub(crate) struct Digest(pub Rc<[u8]>);
sample!(Digest, bytes(), |bytes| Digest(bytes.into()));

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Pair<K, Q> {
    pub first: K,
    pub second: Option<Q>,
}
sample!(Pair<u32, Name>, (0..3_u32, proptest::option::of(Name::any())), |(first, second)| Pair { first, second });

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Grid<const N: usize, T = u8> {
    pub cells: [u8; N],
    pub corner: T,
}
sample!(Grid<3, String>, (any::<[u8; 3]>(), text()), |(cells, corner)| Grid { cells, corner });

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct Typed<T> {
    pub id: u64,
    pub of: PhantomData<T>,
}
sample!(Typed<Mixed>, 0..3_u64, |id| Typed { id, of: PhantomData });

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
pub(crate) struct With {
    #[diskmap(with = Str)]
    pub boxed: Box<str>,
    #[diskmap(with = Bytes, rename = "blob")]
    pub shared: Rc<[u8]>,
    #[diskmap(with = CanonF64)]
    pub ratio: CanonF64,
    #[diskmap(with = Native<[u64; 2]>)]
    pub native: [u64; 2],
}
sample!(With, (text(), bytes(), any::<f64>(), any::<[u64; 2]>()), |(boxed, shared, ratio, native)| With {
    boxed: boxed.into(),
    shared: shared.into(),
    ratio: CanonF64::new(ratio),
    native
});

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[allow(non_camel_case_types, reason = "a raw identifier")]
pub(crate) struct r#struct {
    pub r#type: u8,
    pub r#fn: String,
}
sample!(r#struct, (any::<u8>(), text()), |(r#type, r#fn)| r#struct { r#type, r#fn });

#[derive(Clone, Debug, PartialEq, DiskValue)]
pub(crate) struct Floats {
    pub small: f32,
    pub all: Vec<f64>,
    pub maybe: Option<f64>,
}
sample!(Floats, (any::<f32>(), any::<Vec<f64>>(), any::<Option<f64>>()), |(small, all, maybe)| Floats {
    small,
    all,
    maybe
});

#[derive(Clone, Debug, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(crate) struct Line {
    pub sku: String,
    pub count: u32,
}

#[derive(Clone, Debug, PartialEq, DiskValue)]
pub(crate) struct Archiving {
    pub id: u8,
    #[diskmap(with = Arch<Vec<Line>>)]
    pub lines: Vec<Line>,
    pub note: String,
}
sample!(Archiving, (any::<u8>(), vec((text(), any::<u32>()), 0..4), text()), |(id, lines, note)| {
    let lines = lines.into_iter().map(|(sku, count)| Line { sku, count }).collect();
    Archiving { id, lines, note }
});

#[derive(Clone, Debug, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, DiskValue)]
#[diskmap(codec = arch, name = "shop.Archive", version = 2)]
pub(crate) enum Archive {
    Empty,
    Lines(Vec<Line>),
}
sample!(Archive, vec((text(), any::<u32>()), 0..4), |lines| {
    let lines: Vec<Line> = lines.into_iter().map(|(sku, count)| Line { sku, count }).collect();
    if lines.is_empty() { Archive::Empty } else { Archive::Lines(lines) }
});

/// What is not stored is its default, so that values with another one are not made here.
#[derive(Clone, Debug, PartialEq, DiskValue)]
pub(crate) struct Skipping(
    pub u32,
    #[diskmap(skip, default = 7)] pub u64,
    pub String,
    #[diskmap(skip)] pub Option<Rc<str>>,
);
sample!(Skipping, (any::<u32>(), text()), |(id, text)| Skipping(id, 7, text, None));

/// Calls a macro with the name of a test and the type for every shape that can be a key.
macro_rules! each_key {
    ($test:ident) => {
        $test! {
            nothing: Nothing, user_id: UserId, name: Name, fixed: Fixed, mixed: Mixed, tuple: Tuple, nested: Nested,
            options: Options, arrays: Arrays, aligned: Aligned, colour: Colour, padded: Padded, event: Event, cell: Cell,
            email: Email, digest: Digest, pair: Pair<u32, Name>, grid: Grid<3, String>, typed: Typed<Mixed>, with: With,
            raw: r#struct
        }
    };
}
pub(crate) use each_key;
