//! Names for common kinds of maps, and the same map in memory.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example type_aliases
//! ```

use anyhow::Result;
use diskmap::{
    BytesMap, DiskHashMap, Error, MemHashMap, Native, Str, StringStringMap, StringU64Map, U64StringMap, U64U64Map,
    VecStore,
};

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);

    // An alias spells out the two codecs. The last parameter is the store; it has a default, so `<_>` may be left out
    // where a type is written in full.
    let mut names: U64StringMap = U64StringMap::new_in(at("names"))?;
    names.insert(&1, "one")?;
    let mut numbers: StringU64Map = StringU64Map::new_in(at("numbers"))?;
    numbers.insert("one", &1)?;
    let mut words: StringStringMap = StringStringMap::new_in(at("words"))?;
    words.insert("one", "eins")?;
    let mut squares: U64U64Map = U64U64Map::new_in(at("squares"))?;
    squares.insert(&2, &4)?;
    let mut blobs: BytesMap = BytesMap::new_in(at("blobs"))?;
    blobs.insert(b"key", &[0xFF, 0x00])?;
    println!("{:?} {:?} {:?} {:?} {:?}", names, numbers, words, squares, blobs);

    // Markers and plain types with equal bytes are one schema, so they open each other's maps.
    drop(names);
    let names: DiskHashMap<Native<u64>, Str> = DiskHashMap::load_from(at("names"))?;
    println!("as markers:     {:?}", names.get(&1)?);
    drop(names);
    let names: DiskHashMap<u64, String> = DiskHashMap::load_from(at("names"))?;
    println!("as plain types: {:?}", names.get(&1)?);
    drop(names);

    // Other types are refused, with both schemas in the message, and the map is left as it was.
    match DiskHashMap::<u64, u64>::load_from(at("names")) {
        Err(error @ Error::SchemaMismatch { .. }) => println!("as other types: {error}"),
        other => anyhow::bail!("a map of text was opened as one of numbers: {:?}", other.map(|map| map.len())),
    }

    // In memory (`MemHashMap`, or an alias with another store) the map has the traits of a `HashMap`: `FromIterator`,
    // `Extend`, `Clone`, `PartialEq`, `Default`.
    let draft: U64U64Map<VecStore> = (0..1_000_u64).map(|n| (n, n * n)).collect();
    let copy: MemHashMap<Native<u64>, Native<u64>> = draft.clone();
    anyhow::ensure!(draft == copy, "a clone is equal");
    // Entries move between stores with `copy_from`.
    squares.copy_from(&draft)?;
    println!("{} squares on disk, 31² = {:?}", squares.len(), squares.get(&31)?);
    Ok(())
}
