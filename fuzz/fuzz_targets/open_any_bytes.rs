//! See `src/open_any_bytes.rs`.

#![no_main]

#[path = "../src/open_any_bytes.rs"]
mod open_any_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| open_any_bytes::run(bytes));
