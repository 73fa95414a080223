//! A map in memory that the caller provides: a fixed size, no allocation, no files. It can be sent or saved as bytes.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example caller_memory
//! ```

use anyhow::{Context, Result, bail};
use diskmap::{DiskHashMap, Error, SliceStore};

type Codes<'a> = DiskHashMap<str, u32, SliceStore<'a>>;

fn main() -> Result<()> {
    // How much memory 100 entries with 500 bytes of keys in all need. Values are of fixed size: none to add.
    let bytes = Codes::required_bytes(100, 500, 0);
    let mut memory = vec![0; bytes];
    println!("{bytes} bytes for 100 entries");

    let mut codes = Codes::new_in_slice(&mut memory)?;
    let mut stored = 0;
    // The map never grows. Where it would have to, it says so, and everything stored before is still there.
    let full = loop {
        match codes.insert(&format!("c{stored:04}"), &stored) {
            Ok(_) => stored += 1,
            Err(error @ Error::Full { .. }) => break error,
            Err(error) => return Err(error.into()),
        }
    };
    println!("after {stored} entries: {full}");
    if codes.len() != u64::from(stored) || codes.get("c0042")? != Some(42) {
        bail!("a full map lost something");
    }
    // Removing makes room again.
    codes.remove("c0000")?;
    codes.insert("fresh", &7)?;
    drop(codes);

    // The memory holds everything at offsets, so a copy of it elsewhere is the same map. (With 64 bytes to spare the copy
    // may begin at any address.)
    let mut copy = memory.clone();
    copy.resize(copy.len() + 64, 0);
    let codes = Codes::load_from_slice(&mut copy)?;
    println!("the copy has {} entries, fresh = {}", codes.len(), codes.get("fresh")?.context("it was stored")?);

    // Memory that holds no map is refused, as are other types than those of the map.
    drop(codes);
    for refused in [
        Codes::load_from_slice(&mut [0; 4096]).err(),
        DiskHashMap::<u64, u64, SliceStore>::load_from_slice(&mut copy).err(),
    ] {
        println!("refused: {}", refused.context("neither is a map of codes")?);
    }
    Ok(())
}
