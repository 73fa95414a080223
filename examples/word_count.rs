//! Counting words with the entry API: one lookup a word, whether it is new or not.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example word_count [text file]
//! ```

use std::{env, fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use diskmap::DiskHashMap;

/// A text that is on most Linux machines.
const TEXT: &str = "/usr/share/common-licenses/GPL-3";

fn main() -> Result<()> {
    let text = match env::args_os().nth(1).map(PathBuf::from) {
        Some(path) => fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
        // Without that file there is always the source of this program.
        None => fs::read(TEXT).unwrap_or_else(|_| include_bytes!("word_count.rs").to_vec()),
    };
    let text = String::from_utf8_lossy(&text).to_lowercase();

    let dir = tempfile::tempdir()?;
    let mut counts: DiskHashMap<String, u64> = DiskHashMap::new_in(dir.path())?;
    let start = Instant::now();
    let mut words = 0;
    for word in text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // The key is hashed and looked for once. `and_modify` replaces the value by what the closure returns; values are
        // not changed in place, since a reader must never see half a change.
        counts.entry(word)?.and_modify(|n| n + 1)?.or_insert(&1)?;
        words += 1;
    }
    println!("{words} words, {} different, {:.1?}", counts.len(), start.elapsed());

    // Words come out of the map as `&str`, without a copy; an entry that cannot be read would be an `Err`.
    let mut common = counts.iter().collect::<diskmap::Result<Vec<(&str, u64)>>>()?;
    common.sort_unstable_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    for (word, count) in common.iter().take(10) {
        println!("{count:>7}  {word}");
    }

    // `retain` removes the rest, each entry whole or not at all.
    counts.retain(|_, count| count > 1)?;
    println!("{} words occur more than once", counts.len());
    Ok(())
}
