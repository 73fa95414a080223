//! What the fuzz targets do, over their seeds and some random bytes: they stay right without a nightly toolchain.

use std::{fs, path::Path, time::Duration};

use fastrand::Rng;

use crate::isolated::{isolated, seed};

#[path = "../../../fuzz/src/open_any_bytes.rs"]
mod open_any_bytes;
#[path = "../../../fuzz/src/operations.rs"]
mod operations;

/// Inputs of random bytes, besides the seeds.
const RANDOM: u64 = 150;

fn inputs(test: &'static str, name: &str, run: fn(&[u8])) {
    isolated(test, Duration::from_secs(150), |cases| {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
        let paths: Vec<_> = fs::read_dir(seeds).expect("seeds").map(|entry| entry.expect("a seed").path()).collect();
        assert!(!paths.is_empty(), "there are seeds");
        for path in paths {
            let bytes = fs::read(&path).expect("a seed");
            cases.run(|| path.display().to_string(), || run(&bytes));
        }
        let mut rng = Rng::with_seed(seed(test));
        for number in 0..RANDOM {
            let bytes: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(8 << (number % 8)).collect();
            cases.run(|| format!("random input {number}"), || run(&bytes));
        }
    });
}

#[test]
fn operations_agree_with_a_model() {
    inputs("fuzz::operations_agree_with_a_model", "operations", operations::run);
}

#[test]
fn any_bytes_open_or_are_refused() {
    inputs("fuzz::any_bytes_open_or_are_refused", "open_any_bytes", open_any_bytes::run);
}
