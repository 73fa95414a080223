//! Real entries: paths of files and the packages they belong to, from Debian's `Contents` index; or the paths of this
//! machine and the directories they are in.
//!
//! Must not know engines. Invariant: the list is loaded once a process, and keys differ.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail, ensure};
use diskmap::Encode;
use diskmap_benches::keys::{Key, Keys};
use flate2::read::MultiGzDecoder;
use walkdir::WalkDir;

use super::Pair;

/// `path → package`.
pub(crate) struct Paths;

/// A path, and the number of its value.
#[derive(Clone, Copy)]
pub(crate) struct PathKey {
    path: &'static str,
    value: u32,
}

struct Loaded {
    keys: Vec<PathKey>,
    /// Values by number.
    values: Vec<&'static str>,
}

static LOADED: OnceLock<Loaded> = OnceLock::new();

/// Where the paths of this machine are looked for.
const ROOTS: [&str; 5] = ["/usr", "/etc", "/var", "/opt", "/root"];

/// Loads a `Contents` index (plain or gzipped), or the paths of this machine.
pub(crate) fn load(contents: Option<&Path>) -> Result<()> {
    if LOADED.get().is_some() {
        return Ok(());
    }
    let lines = match contents {
        Some(file) => of_index(file)?,
        None => of_this_machine()?,
    };
    ensure!(!lines.is_empty(), "there are no paths");
    let (mut seen, mut numbers) = (HashSet::new(), std::collections::HashMap::new());
    let mut loaded = Loaded { keys: Vec::new(), values: Vec::new() };
    for (path, value) in lines {
        let path: &'static str = path.leak();
        if !seen.insert(path) {
            continue;
        }
        let number = *numbers.entry(value).or_insert_with_key(|value| {
            loaded.values.push(value.clone().leak());
            loaded.values.len() as u32 - 1
        });
        loaded.keys.push(PathKey { path, value: number });
    }
    // Lists are sorted, and inserting in order would suit trees alone.
    fastrand::Rng::with_seed(5).shuffle(&mut loaded.keys);
    LOADED.get_or_init(|| loaded);
    Ok(())
}

/// Writes what was loaded as an index that [`load`] reads, for other processes.
pub(crate) fn save(file: &Path) -> Result<()> {
    let Loaded { keys, values } = loaded()?;
    let mut text = String::new();
    for key in keys {
        text.extend([key.path, "\t", values[key.value as usize], "\n"]);
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// How many entries were loaded.
pub(crate) fn count() -> Result<usize> {
    Ok(loaded()?.keys.len())
}

fn loaded() -> Result<&'static Loaded> {
    LOADED.get().context("the paths were not loaded")
}

fn of_index(file: &Path) -> Result<Vec<(String, String)>> {
    let open = || File::open(file).with_context(|| format!("cannot open {}", file.display()));
    let reader: Box<dyn BufRead> = if file.extension().is_some_and(|extension| extension == "gz") {
        Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(open()?))))
    } else {
        Box::new(BufReader::new(open()?))
    };
    let mut lines = Vec::new();
    for line in reader.lines() {
        let line = line.with_context(|| format!("cannot read {}", file.display()))?;
        let split = line.rsplit_once('\t').or_else(|| line.rsplit_once(char::is_whitespace));
        let Some((path, packages)) = split else { continue };
        lines.push((path.trim_end().to_owned(), packages.to_owned()));
    }
    if lines.is_empty() {
        bail!("{} has no line `path package`", file.display());
    }
    Ok(lines)
}

fn of_this_machine() -> Result<Vec<(String, String)>> {
    let mut lines = Vec::new();
    for root in ROOTS {
        // What may not be looked at is not counted.
        for entry in WalkDir::new(root).same_file_system(true).into_iter().flatten() {
            let path = entry.path();
            let names = path.to_str().zip(path.parent().and_then(Path::to_str));
            if let Some((path, parent)) = names.filter(|(path, _)| !path.contains(['\t', '\n'])) {
                lines.push((path.to_owned(), parent.to_owned()));
            }
        }
    }
    Ok(lines)
}

impl Key for PathKey {
    const NAME: &'static str = "path";
    const OUTSIDE: usize = 80;
    type Codec = String;
    type Owned = String;
    type Borrowed = str;

    #[inline(always)]
    fn borrowed(&self) -> &str {
        self.path
    }

    #[inline(always)]
    fn owned(self) -> String {
        self.path.to_owned()
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.path.as_bytes()
    }

    #[inline(always)]
    fn value(self) -> u64 {
        u64::from(self.value)
    }
}

impl Encode<PathKey> for String {
    #[inline(always)]
    fn encoded_len(key: &PathKey) -> diskmap::Result<usize> {
        <String as Encode<str>>::encoded_len(key.path)
    }

    #[inline(always)]
    fn encode_into(key: &PathKey, out: &mut [u8]) -> diskmap::Result<usize> {
        <String as Encode<str>>::encode_into(key.path, out)
    }

    #[inline(always)]
    fn with_bytes<R>(key: &PathKey, work: impl FnOnce(&[u8]) -> R) -> diskmap::Result<R> {
        <String as Encode<str>>::with_bytes(key.path, work)
    }
}

impl Pair for Paths {
    const NAME: &'static str = "path-package";
    const AS_BYTES: &'static str = "the text";
    type Key = PathKey;
    type Input = str;
    type Maker = ();
    type Codec = String;
    type Owned = String;

    fn keys(count: usize) -> Result<Keys<PathKey>> {
        let all = &loaded()?.keys;
        ensure!(count <= all.len(), "there are {} paths, not {count}", all.len());
        let stored = all[..count].to_vec();
        let mut shuffled = stored.clone();
        fastrand::Rng::with_seed(6).shuffle(&mut shuffled);
        let text = shuffled.iter().map(|key| key.path).collect::<Vec<_>>().concat().leak();
        let mut at = 0;
        for key in &mut shuffled {
            let end = at + key.path.len();
            *key = PathKey { path: &text[at..end], value: key.value };
            at = end;
        }
        let missing =
            stored.iter().map(|key| PathKey { path: format!("{}~", key.path).leak(), value: key.value }).collect();
        Ok(Keys { stored, shuffled, missing })
    }

    #[inline(always)]
    fn make((): &mut (), seed: u64) -> &str {
        value(seed)
    }

    #[inline(always)]
    fn digest(seed: u64) -> u64 {
        look(value(seed))
    }

    #[inline(always)]
    fn of_view(view: &str) -> u64 {
        look(view)
    }

    #[inline(always)]
    fn owned(input: &str) -> Result<String> {
        Ok(input.to_owned())
    }

    #[inline(always)]
    fn of_owned(value: &String) -> Result<u64> {
        Ok(look(value))
    }

    #[inline(always)]
    fn with_bytes<R>(input: &str, _: &mut Vec<u8>, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        work(input.as_bytes())
    }

    #[inline(always)]
    fn of_bytes(bytes: &[u8]) -> Result<u64> {
        Ok(look(std::str::from_utf8(bytes)?))
    }
}

#[inline(always)]
fn value(seed: u64) -> &'static str {
    LOADED.get().map_or("", |loaded| loaded.values[(seed % loaded.values.len() as u64) as usize])
}

#[inline(always)]
fn look(text: &str) -> u64 {
    let ends = text.as_bytes().first().zip(text.as_bytes().last());
    text.len() as u64 + ends.map_or(0, |(&first, &last)| u64::from(first) << 8 | u64::from(last) << 16)
}
