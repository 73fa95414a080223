//! Codecs alone: encoding, validating and viewing, without a map.
//!
//! Must not know maps. Invariant: what was encoded is compared with bytes that were encoded before and read back, and what is
//! viewed adds up.

mod setting;

use std::{hint::black_box, time::Duration};

use anyhow::{Result, ensure};
use criterion::{Criterion, Throughput};
use diskmap::{Arch, Encode};
use diskmap_benches::passes::{passes, same};

/// Values of a pass: so many that reading the clock does not count.
const VALUES: usize = 10_000;
/// The same of long ones, which together still fit a second-level cache or nearly so.
const LONG_VALUES: usize = 1000;
/// How long each bench is measured. Making the room that a pass encodes into takes longer than the pass.
const TIME: Duration = Duration::from_millis(300);
/// Where a value may begin, in bytes.
const ALIGN: usize = 16;

#[derive(rkyv::Archive, rkyv::Serialize)]
struct Profile {
    name: String,
    scores: Vec<f64>,
}

fn main() {
    let mut criterion = setting::criterion();
    let mut random = fastrand::Rng::with_seed(1);
    let text = |len: usize| (0..len).map(|at| char::from(b'a' + (at % 26) as u8)).collect::<String>();
    let numbers: Vec<u64> = (0..VALUES).map(|_| random.u64(..)).collect();
    let short: Vec<String> = numbers.iter().map(|number| text(12 + (number % 20) as usize)).collect();
    let long: Vec<String> =
        numbers.iter().take(LONG_VALUES).map(|number| text(1000 + (number % 100) as usize)).collect();
    let accents: Vec<String> = short.iter().map(|text| text.replace(['a', 'e', 'i'], "ä")).collect();
    let tuples: Vec<(u64, &str, u32)> =
        numbers.iter().zip(&short).map(|(&number, text)| (number, text.as_str(), number as u32)).collect();
    let options: Vec<Option<&str>> =
        numbers.iter().zip(&short).map(|(number, text)| (number % 3 > 0).then_some(text.as_str())).collect();
    let profile = |text: &String| Profile { name: text.clone(), scores: vec![text.len() as f64; 8] };
    let profiles: Vec<Profile> = short.iter().map(profile).collect();

    let length = |text: &str| text.len() as u64;
    bench::<u64, _>(&mut criterion, "u64", &numbers, |number| number, |&number| number);
    bench::<String, _>(&mut criterion, "text of 12 to 31 bytes", &short, length, |text| length(text));
    bench::<String, _>(&mut criterion, "text of 1000 to 1099 bytes", &long, length, |text| length(text));
    bench::<String, _>(&mut criterion, "text, not all ASCII", &accents, length, |text| length(text));
    let bytes: Vec<Vec<u8>> = long.iter().map(|text| text.clone().into_bytes()).collect();
    let first = |bytes: &[u8]| bytes.len() as u64 + u64::from(bytes[0]);
    bench::<Vec<u8>, _>(&mut criterion, "bytes of 1000 to 1099", &bytes, first, |bytes| first(bytes));
    bench::<(u64, String, u32), _>(
        &mut criterion,
        "tuple (u64, String, u32)",
        &tuples,
        |(a, b, c)| a.wrapping_add(length(b)) ^ u64::from(c),
        |(a, b, c)| a.wrapping_add(length(b)) ^ u64::from(*c),
    );
    let given = |text: Option<&str>| text.map_or(1, length);
    bench::<Option<String>, _>(&mut criterion, "Option<String>", &options, given, |text| given(*text));
    bench::<Arch<Profile>, _>(
        &mut criterion,
        "Arch of a text and 8 numbers",
        &profiles,
        |profile| length(&profile.name) + profile.scores.iter().map(|score| score.to_native() as u64).sum::<u64>(),
        |profile| length(&profile.name) + profile.scores.iter().map(|&score| score as u64).sum::<u64>(),
    );
    criterion.final_summary();
}

/// Encoded values, each at a multiple of [`ALIGN`].
struct Arena {
    words: Vec<u128>,
    /// Where each begins and how long it is.
    places: Vec<(usize, usize)>,
}

impl Arena {
    fn new<T: ?Sized + Encode<Q>, Q>(values: &[Q]) -> Result<Arena> {
        let (mut places, mut end) = (Vec::new(), 0);
        for value in values {
            let len = T::with_bytes(value, <[u8]>::len)?;
            places.push((end, len));
            end += T::encoded_len(value)?.next_multiple_of(ALIGN);
        }
        let mut arena = Arena { words: vec![0; end / ALIGN], places };
        arena.encode::<T, Q>(values)?;
        Ok(arena)
    }

    #[inline(never)]
    fn encode<T: ?Sized + Encode<Q>, Q>(&mut self, values: &[Q]) -> Result<()> {
        let bytes = bytemuck::cast_slice_mut::<u128, u8>(&mut self.words);
        for (value, &(begin, len)) in values.iter().zip(&self.places) {
            let room = T::encoded_len(value)?;
            let written = T::encode_into(value, &mut bytes[begin..begin + room])?;
            ensure!(written == len, "{written} bytes, not {len}");
        }
        Ok(())
    }

    fn each(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = bytemuck::cast_slice::<u128, u8>(&self.words);
        self.places.iter().map(|&(begin, len)| &bytes[begin..begin + len])
    }
}

fn bench<T, Q>(
    criterion: &mut Criterion,
    name: &str,
    values: &[Q],
    number: impl Fn(T::View<'_>) -> u64,
    expected: impl Fn(&Q) -> u64,
) where
    T: ?Sized + Encode<Q>,
{
    let arena = Arena::new::<T, Q>(values).unwrap_or_else(|error| panic!("{name} cannot be encoded: {error:#}"));
    let sum = values.iter().fold(0_u64, |sum, value| sum.wrapping_add(expected(value)));
    let mut group = criterion.benchmark_group(name);
    group.measurement_time(TIME).throughput(Throughput::Elements(values.len() as u64));
    group.bench_function("encode", |b| {
        let empty = || Ok(Arena { words: vec![0; arena.words.len()], places: arena.places.clone() });
        let check = |written: Arena, ()| same(written.words == arena.words, true);
        b.iter_custom(|n| passes(n, empty, |into| into.encode::<T, Q>(black_box(values)), check));
    });
    group.bench_function("validate", |b| {
        let validate = |(): &mut ()| Ok(black_box(&arena).each().filter(|bytes| T::validate(bytes).is_ok()).count());
        b.iter_custom(|n| passes(n, || Ok(()), validate, |(), valid| same(valid, values.len())));
    });
    group.bench_function("view", |b| {
        let validated = || {
            for bytes in arena.each() {
                T::validate(bytes)?;
            }
            Ok(())
        };
        let view = |(): &mut ()| {
            let mut sum = 0_u64;
            for bytes in black_box(&arena).each() {
                // SAFETY: `validated` has accepted the same bytes before each pass.
                sum = sum.wrapping_add(number(unsafe { T::view(bytes) }));
            }
            Ok(sum)
        };
        b.iter_custom(|n| passes(n, validated, view, |(), found| same(found, sum)));
    });
    group.finish();
}
