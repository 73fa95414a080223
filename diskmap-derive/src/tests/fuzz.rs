//! No input makes a derive panic, and all that is emitted parses.
//!
//! `DISKMAP_FUZZ_SECONDS=60 cargo test -p diskmap-derive fuzz` looks longer than the default of 5 s; `DISKMAP_SEED`
//! repeats a failure.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
    time::{Duration, Instant},
};

use fastrand::Rng;
use proc_macro2::TokenStream;

use crate::derive;

/// Declarations that are right, to be spoiled.
const SEEDS: [&str; 10] = [
    "#[diskmap(name = \"shop.OrderKey\", version = 2)] pub struct OrderKey { pub tenant: u32, #[diskmap(since = 2, default = String::new())] sku: String }",
    "struct UserId(u64);",
    "#[diskmap(codec = str)] struct Email<'a>(&'a str);",
    "#[repr(C)] #[diskmap(codec = native)] struct Cell { x: u32, y: [u8; 4] }",
    "#[repr(u8)] enum Drawing { Dot = 0, Circle { r: f32 } = 1, #[diskmap(rename = \"T\")] Text(String, Vec<u16>) = 2 }",
    "struct Pair<'q, K: Clone + 'static, const N: usize, V = u8> where V: Copy { a: K, b: [V; N], #[diskmap(with = Str)] c: Cow<'q, str> }",
    "#[diskmap(codec = arch, crate = ::other::diskmap)] enum Archive { Empty, Lines(Vec<Line>) }",
    "#[diskmap(view = Seen, view_derive(Eq, Hash), bound(T: Clone), from = Old)] struct New<T> { #[diskmap(skip)] t: T, p: PhantomData<T>, o: Option<(u8, String)> }",
    "union Both { a: u32, b: f32 }",
    "enum Never {}",
];

/// Tokens that mean something to a derive.
const WORDS: [&str; 60] = [
    "struct",
    "enum",
    "union",
    "pub",
    "where",
    "for",
    "const",
    "mut",
    "dyn",
    "impl",
    "fn",
    "unsafe",
    "crate",
    "Self",
    "self",
    "r#type",
    "diskmap",
    "repr",
    "codec",
    "name",
    "version",
    "view",
    "view_derive",
    "bound",
    "from",
    "with",
    "rename",
    "skip",
    "since",
    "default",
    "record",
    "native",
    "str",
    "bytes",
    "arch",
    "transparent",
    "C",
    "u8",
    "u16",
    "u32",
    "i64",
    "f32",
    "usize",
    "bool",
    "char",
    "String",
    "Vec",
    "Option",
    "PhantomData",
    "HashMap",
    "Arch",
    "T",
    "'a",
    "'static",
    "0",
    "1",
    "4294967296",
    "-1",
    "\"text\"",
    "2.5",
];
const SIGNS: [&str; 20] =
    ["#", "[", "]", "(", ")", "{", "}", "<", ">", ",", ";", ":", "::", "=", "->", "&", "*", "!", "+", "_"];

#[test]
fn nothing_panics() {
    let seconds = env::var("DISKMAP_FUZZ_SECONDS").ok().and_then(|given| given.parse().ok()).unwrap_or(5);
    let seed = env::var("DISKMAP_SEED").ok().and_then(|given| given.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("DISKMAP_SEED={seed}");
    let (mut rng, end) = (Rng::with_seed(seed), Instant::now() + Duration::from_secs(seconds));
    let (mut tried, mut accepted) = (0_u64, 0_u64);
    while Instant::now() < end {
        let source = if rng.u8(..4) == 0 { invented(&mut rng) } else { spoiled(&mut rng) };
        // Unbalanced brackets never reach a derive.
        let Ok(input) = TokenStream::from_str(&source) else { continue };
        tried += 1;
        for derive in [derive::value, derive::key] {
            let emitted = catch_unwind(AssertUnwindSafe(|| derive(input.clone())));
            let emitted = emitted.unwrap_or_else(|_| panic!("DISKMAP_SEED={seed}: a panic for `{source}`"));
            let parsed = syn::parse2::<syn::File>(emitted.clone());
            assert!(parsed.is_ok(), "DISKMAP_SEED={seed}: `{source}` gives tokens that are no items: {emitted}");
            accepted += u64::from(!emitted.is_empty() && !emitted.to_string().contains("compile_error"));
        }
    }
    println!("{tried} inputs, {accepted} expansions without an error");
    assert!(tried > 100 && accepted > 10, "{tried} inputs, {accepted} accepted: too few to mean anything");
}

/// A declaration with some tokens dropped, doubled, swapped or replaced.
fn spoiled(rng: &mut Rng) -> String {
    let seed = SEEDS[rng.usize(..SEEDS.len())];
    let mut words: Vec<String> =
        seed.split_inclusive([' ', '(', ')', '<', '>', ',', '{', '}', '[', ']']).map(str::to_owned).collect();
    for _ in 0..rng.usize(..5) {
        let (at, other) = (rng.usize(..words.len()), rng.usize(..words.len()));
        match rng.u8(..5) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            2 => words.swap(at, other),
            3 => words[at] = word(rng),
            _ => words.insert(at, word(rng)),
        }
        if words.is_empty() {
            break;
        }
    }
    words.concat()
}

/// Tokens without a plan, in brackets that close.
fn invented(rng: &mut Rng) -> String {
    let mut source = if rng.bool() { "struct S ".to_owned() } else { String::new() };
    let mut open = Vec::new();
    for _ in 0..rng.usize(..40) {
        match rng.u8(..8) {
            0 => {
                let (left, right) = [('(', ')'), ('{', '}'), ('[', ']')][rng.usize(..3)];
                source.push(left);
                open.push(right);
            }
            1 => source.extend(open.pop()),
            _ => source += &word(rng),
        }
    }
    source.extend(open.into_iter().rev());
    source
}

fn word(rng: &mut Rng) -> String {
    let word = if rng.u8(..3) > 0 { WORDS[rng.usize(..WORDS.len())] } else { SIGNS[rng.usize(..SIGNS.len())] };
    format!(" {word} ")
}
