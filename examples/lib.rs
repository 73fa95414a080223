//! The examples are the other files of this directory. Run one with
//! `cargo run --release -p diskmap-examples --example index_files`.
