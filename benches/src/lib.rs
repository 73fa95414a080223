//! What the measuring programs (`src/bin`) and the benches (`benches`) have in common: keys, a table of results, and a place on a disk.
//!
//! Must not know how any map works. Invariant: the same arguments give the same keys, on every machine and in every
//! process.

#![forbid(unsafe_code)]

pub mod keys;
pub mod machine;
pub mod passes;
pub mod report;
