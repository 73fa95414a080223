//! What the compiler says of each misuse, and that hostile but right uses build and run.
//!
//! Invariant: one idea a file. `TRYBUILD=overwrite cargo test -p diskmap-ui-tests` writes the messages anew; read them
//! before they are committed. They are those of the pinned toolchain without the component `rust-src`.

use std::{fs, io, path::Path};

use trybuild::TestCases;

/// Found by checking: all of these together are one call of cargo.
#[test]
fn misuses() {
    without_debug_info().unwrap();
    let cases = TestCases::new();
    for topic in ["attributes", "native", "record", "enum", "keys", "map", "borrow", "hasher"] {
        cases.compile_fail(format!("{topic}/*.rs"));
    }
}

/// With one that passes among them, all are built and not only checked: assertions in constants need that.
#[test]
fn uses_and_what_building_finds() {
    without_debug_info().unwrap();
    let cases = TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("built/*.rs");
}

/// Takes a third off the time to build: cargo looks for this file above the project that trybuild makes.
fn without_debug_info() -> io::Result<()> {
    let config = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tests/trybuild/.cargo");
    fs::create_dir_all(&config)?;
    fs::write(config.join("config.toml"), "profile.dev.debug = false\n")
}
