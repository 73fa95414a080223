//! What the compiler says of each misuse, and that hostile but right uses build and run.
//!
//! Invariant: one idea a file. `TRYBUILD=overwrite cargo test -p diskmap-ui-tests` writes the messages anew; read them
//! before they are committed.

use trybuild::TestCases;

/// Found by checking: all of these together are one call of cargo.
#[test]
fn misuses() {
    let cases = TestCases::new();
    for topic in ["attributes", "native", "record", "enum", "keys", "map", "borrow", "hasher"] {
        cases.compile_fail(format!("{topic}/*.rs"));
    }
}

/// With one that passes among them, all are built and not only checked: assertions in constants need that.
#[test]
fn uses_and_what_building_finds() {
    let cases = TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("built/*.rs");
}
