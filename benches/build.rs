//! Tells the programs which compiler they were built by: how many instructions an operation takes depends on it.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| env::var(name).unwrap_or_else(|_| panic!("cargo does not say what {name} is"));
    let output = Command::new(variable("RUSTC")).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8(output.stdout).expect("rustc's version is text");
    let mut compiler = format!("{}, {}", version.trim(), variable("TARGET"));
    for flag in variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()) {
        compiler += &format!(" {flag}");
    }
    println!("cargo::rustc-env=BUILT_BY={compiler}");
}
