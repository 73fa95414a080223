//! Properties that every codec keeps, on random values and on random bytes.

use std::fmt::Debug;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// Bytes at an address that is a multiple of 16, as records are.
struct Aligned {
    words: Vec<u128>,
    len: usize,
}

impl Aligned {
    fn new(bytes: &[u8]) -> Aligned {
        let mut words = vec![0; bytes.len().div_ceil(16)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Aligned { words, len: bytes.len() }
    }

    fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

/// Encodes in both ways, checks what the contract says of lengths, and returns the bytes.
fn encode<T: Encode<Q> + ?Sized, Q: ?Sized>(q: &Q) -> Aligned {
    let bytes = T::with_bytes(q, Aligned::new).unwrap();
    let promised = T::encoded_len(q).unwrap();
    let mut dirty = Aligned::new(&vec![0xA5; promised + 3]);
    let out = &mut bytemuck::cast_slice_mut(&mut dirty.words)[..dirty.len];
    let written = T::encode_into(q, out).unwrap();
    assert!(written <= promised);
    assert_eq!(&out[..written], bytes.bytes());
    if let Shape::Fixed { size } = T::SHAPE {
        assert_eq!((written, promised), (size, size));
    }
    if written > 0 {
        assert!(T::encode_into(q, &mut out[..written - 1]).is_err());
    }
    bytes
}

fn round_trip<T, Q>(q: &Q, expected: &T::Owned)
where
    T: Encode<Q> + IntoOwned<Owned: PartialEq + Debug> + ?Sized,
{
    let bytes = encode::<T, Q>(q);
    assert_eq!(&T::into_owned(T::read(bytes.bytes()).unwrap()).unwrap(), expected);
}

/// Nothing that `validate` sees makes it panic, and for what it accepts there is no other encoding.
fn survives<T>(bytes: &[u8])
where
    T: DiskValue + for<'x> Encode<<T as DiskValue>::View<'x>> + ?Sized,
{
    let bytes = Aligned::new(bytes);
    if let Ok(view) = T::read(bytes.bytes()) {
        assert_eq!(encode::<T, _>(&view).bytes(), bytes.bytes());
    }
}

type Fixed = (u8, Option<char>, [bool; 2], i64, ());
type Texts = (String, u16, Option<String>, Str);
type Aligneds = (u8, Vec<u64>, Option<Vec<u16>>, Vec<u8>, Vec<i128>);
type Nested = (Option<(u8, [Option<String>; 2])>, [(String, Vec<u32>); 2]);

fn all_survive(bytes: &[u8]) {
    survives::<u8>(bytes);
    survives::<u64>(bytes);
    survives::<f32>(bytes);
    survives::<CanonF32>(bytes);
    survives::<bool>(bytes);
    survives::<char>(bytes);
    survives::<()>(bytes);
    survives::<str>(bytes);
    survives::<[u8]>(bytes);
    survives::<Native<u32>>(bytes);
    survives::<[u16; 4]>(bytes);
    survives::<[String; 3]>(bytes);
    survives::<Option<u32>>(bytes);
    survives::<Option<Vec<u32>>>(bytes);
    survives::<Vec<u128>>(bytes);
    survives::<Fixed>(bytes);
    survives::<Texts>(bytes);
    survives::<Aligneds>(bytes);
    survives::<Nested>(bytes);
}

/// One fault in a good encoding: a changed byte, a lost end or a longer one.
fn damage(bytes: &[u8], at: Index, to: u8) -> [Vec<u8>; 3] {
    let mut changed = bytes.to_vec();
    if !changed.is_empty() {
        changed[at.index(bytes.len())] = to;
    }
    let shorter = bytes[..at.index(bytes.len() + 1)].to_vec();
    let longer = [bytes, &[to]].concat();
    [changed, shorter, longer]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain_values_round_trip(a: u8, b: u128, c: i16, d: f64, e: bool, f: char) {
        round_trip::<u8, _>(&a, &a);
        round_trip::<u128, _>(&b, &b);
        round_trip::<i16, _>(&c, &c);
        round_trip::<bool, _>(&e, &e);
        round_trip::<char, _>(&f, &f);
        round_trip::<Native<u128>, _>(&&b, &b);
        round_trip::<CanonF64, _>(&d, &CanonF64::new(d));
        prop_assert_eq!(f64::read(encode::<f64, _>(&d).bytes()).unwrap().to_bits(), d.to_bits());
    }

    #[test]
    fn text_bytes_and_numbers_round_trip(a in ".{0,200}", b: Vec<u8>, c: Vec<i32>, d: [u8; 40]) {
        round_trip::<String, _>(&a, &a);
        round_trip::<str, _>(&a.as_str(), &a);
        round_trip::<Vec<u8>, _>(&b, &b);
        round_trip::<Bytes, _>(&d, &d.to_vec());
        round_trip::<[u8; 40], _>(&d, &d);
        round_trip::<Vec<i32>, _>(&c, &c);
    }

    #[test]
    fn composed_values_round_trip(
        a: (u8, Option<char>, [bool; 2], i64),
        b: (String, u16, Option<String>, String),
        c: (u8, Vec<u64>, Option<Vec<u16>>, Vec<u8>, Vec<i128>),
        d: (Option<(u8, [Option<String>; 2])>, [(String, Vec<u32>); 2]),
    ) {
        let a = (a.0, a.1, a.2, a.3, ());
        round_trip::<Fixed, _>(&a, &a);
        round_trip::<Texts, _>(&b, &b);
        round_trip::<Aligneds, _>(&c, &c);
        round_trip::<Nested, _>(&d, &d);
    }

    #[test]
    fn keys_are_equal_exactly_when_their_bytes_are(
        a: (Option<bool>, String, [Option<u8>; 2]), b: (Option<bool>, String, [Option<u8>; 2]),
        c in vec("[ab]{0,1}", 3), d in vec("[ab]{0,1}", 3),
        e in vec(0_u16..2, 0..3), f in vec(0_u16..2, 0..3),
    ) {
        type Key = (Option<bool>, String, [Option<u8>; 2]);
        type Split = (String, Str, String);
        type Counts = (u8, Vec<u16>);
        let split = |parts: &[String]| encode::<Split, _>(&(&parts[0], &parts[1], &parts[2])).bytes().to_vec();
        prop_assert_eq!(encode::<Key, _>(&a).bytes() == encode::<Key, _>(&b).bytes(), a == b);
        prop_assert_eq!(split(&c) == split(&d), c == d);
        prop_assert_eq!(
            encode::<Counts, _>(&(1, &e)).bytes() == encode::<Counts, _>(&(1, &f)).bytes(),
            e == f
        );
    }

    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, small in vec(0_u8..20, 0..48)) {
        all_survive(&bytes);
        all_survive(&small);
    }

    #[test]
    fn damaged_bytes_are_survived(
        a: (String, u16, Option<String>, String),
        b: (u8, Vec<u64>, Option<Vec<u16>>, Vec<u8>, Vec<i128>),
        c: (Option<(u8, [Option<String>; 2])>, [(String, Vec<u32>); 2]),
        at: Index, to: u8,
    ) {
        damage(encode::<Texts, _>(&a).bytes(), at, to).iter().for_each(|bytes| survives::<Texts>(bytes));
        damage(encode::<Aligneds, _>(&b).bytes(), at, to).iter().for_each(|bytes| survives::<Aligneds>(bytes));
        damage(encode::<Nested, _>(&c).bytes(), at, to).iter().for_each(|bytes| survives::<Nested>(bytes));
    }
}

#[test]
fn the_same_bytes_have_the_same_schema() {
    assert_eq!(Native::<u64>::SCHEMA, u64::SCHEMA);
    assert_eq!(Str::SCHEMA, str::SCHEMA);
    assert_eq!(Str::SCHEMA, String::SCHEMA);
    assert_eq!(Bytes::SCHEMA, <Vec<u8>>::SCHEMA);
    assert_eq!(Bytes::SCHEMA, <[u8]>::SCHEMA);
    assert_eq!(<(Native<u8>, Str)>::SCHEMA, <(u8, String)>::SCHEMA);
}

#[test]
fn schemas_read_like_types() {
    assert_eq!(Fixed::SCHEMA.to_string(), "(u8, option<char>, [bool; 2], i64, ())");
    assert_eq!(Aligneds::SCHEMA.to_string(), "(u8, vec<u64>, option<vec<u16>>, bytes, vec<i128>)");
    assert_eq!(<(CanonF64,)>::SCHEMA.to_string(), "(canon<f64>,)");
}

#[test]
fn shapes_are_computed_at_compile_time() {
    const FIXED: Shape = Fixed::SHAPE;
    assert_eq!(FIXED, Shape::Fixed { size: 1 + 5 + 2 + 8 });
    const { assert!(Nested::SHAPE.align() == 4) };
    const { assert!(<Option<[Vec<u128>; 2]>>::SHAPE.align() == 16) };
    const { assert!(Fixed::SHAPE.fixed_size().is_some()) };
}

#[test]
fn keys_beyond_the_stack_buffer_spill_aligned() {
    let numbers = vec![7_u64; 100];
    let (len, address) =
        <(u8, Vec<u64>)>::with_bytes(&(1, &numbers), |bytes| (bytes.len(), bytes.as_ptr() as usize)).unwrap();
    assert_eq!((len, address % 8), (808, 0));
    let on_stack = <(u8, Vec<u64>)>::with_bytes(&(1, &numbers[..2]), |bytes| bytes.as_ptr() as usize).unwrap();
    assert_eq!(on_stack % 8, 0);
}

/// A codec whose `Encode` claims more than it has room for.
struct Liar;

// SAFETY: any bytes are valid and the view is nothing.
unsafe impl DiskValue for Liar {
    type View<'a> = ();
    const SHAPE: Shape = Shape::Var { align: 1 };
    const SCHEMA: Schema = Schema::BYTES;
    fn validate(_: &[u8]) -> Result<(), Invalid> {
        Ok(())
    }
    unsafe fn view(_: &[u8]) {}
}

impl Encode<usize> for Liar {
    fn encoded_len(q: &usize) -> Result<usize> {
        Ok(*q)
    }
    fn encode_into(_: &usize, out: &mut [u8]) -> Result<usize> {
        Ok(out.len().wrapping_add(1))
    }
}

#[test]
fn a_wrong_encode_impl_is_an_error() {
    for len in [0, 5, 128, 129, 5000] {
        assert!(matches!(Liar::with_bytes(&len, |_| ()), Err(Error::Encode { .. })));
        assert!(<(u8, Liar, Liar)>::with_bytes(&(1, len, len), |_| ()).is_err());
        assert!(<Option<Liar>>::with_bytes(&Some(len), |_| ()).is_err());
    }
    assert!(matches!(Liar::with_bytes(&usize::MAX, |_| ()), Err(Error::TooLarge { .. })));
    assert!(matches!(<(u8, Liar)>::with_bytes(&(1, usize::MAX), |_| ()), Err(Error::TooLarge { .. })));
    assert!(matches!(<[Liar; 2]>::encoded_len(&[1 << 31, 1 << 31]), Err(Error::TooLarge { .. })));
}
