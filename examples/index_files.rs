//! An index of a directory tree that outlives the process: path → (size, time of change, kind).
//!
//! ```text
//! cargo run --release -p diskmap-examples --example index_files [tree] [directory of the map]
//! ```
//!
//! The first run makes the map, opens it again and compares every entry with the file system; later runs find the map
//! there and tell what changed since.

use std::path::{self, Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};
use std::{cmp::Reverse, collections::HashSet, env, fs};

use anyhow::{Context, Result, ensure};
use diskmap::{Bytes, DiskHashMap, DiskValue, MapEntry};
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use walkdir::WalkDir;

/// A record of fixed-size fields is of fixed size: it lies in the map's index. `view = Self`: it comes back as it is.
#[derive(DiskValue, Clone, Copy, Debug, PartialEq)]
#[diskmap(view = Self)]
struct File {
    size: u64,
    modified: i64, // nanoseconds since 1970
    kind: Kind,
}

#[derive(DiskValue, Clone, Copy, Debug, PartialEq)]
enum Kind {
    File,
    Directory,
    Other,
}

/// Names of files need not be UTF-8, so the keys are bytes.
type Index = DiskHashMap<Bytes, File>;

fn main() -> Result<()> {
    let mut args = env::args_os().skip(1);
    let tree = args.next().map_or_else(|| PathBuf::from("/usr"), PathBuf::from);
    let tree = fs::canonicalize(&tree).with_context(|| format!("cannot open {}", tree.display()))?;
    let cache = env::home_dir().map_or_else(env::temp_dir, |home| home.join(".cache"));
    let default = cache.join("diskmap-index_files").join(format!("tree{}", tree.to_string_lossy().replace('/', "-")));
    let dir = path::absolute(args.next().map_or(default, PathBuf::from))?;
    let files = walk(&tree, &dir)?;

    // `open` loads the map that is there or makes a new one.
    let mut index = Index::open(&dir).with_context(|| format!("cannot open the map in {}", dir.display()))?;
    update(&mut index, &files)?;
    index.close()?; // dropping closes too, but cannot tell that the last sync failed

    let start = Instant::now();
    let index = Index::load_from(&dir)?;
    println!("open again {:>9.2} ms", start.elapsed().as_secs_f64() * 1e3);
    verify(&index, &files)?;
    let bytes: u64 = fs::read_dir(&dir)?.map(|file| Ok(file?.metadata()?.len())).sum::<Result<_>>()?;
    println!("on disk    {:>12}, {:>6} bytes an entry", DecimalBytes(bytes).to_string(), bytes / index.len().max(1));
    print_largest(&index)?;
    println!("\nThe map stays in {}: run this again to see what changes.", dir.display());
    Ok(())
}

/// Everything in `tree`, the map itself left out.
fn walk(tree: &Path, map: &Path) -> Result<Vec<(PathBuf, File)>> {
    let bar = ProgressBar::new_spinner().with_message(format!("walking {}", tree.display()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let start = Instant::now();
    let (mut files, mut unreadable) = (Vec::new(), 0);
    for entry in WalkDir::new(tree).into_iter().filter_entry(|entry| entry.path() != map) {
        match entry.and_then(|entry| Ok((entry.metadata()?, entry.into_path()))) {
            Ok((metadata, path)) => files.push((path, describe(&metadata))),
            Err(_) => unreadable += 1, // no permission, or gone since its directory was read
        }
    }
    bar.finish_and_clear();
    println!("{}: {} entries, {unreadable} unreadable", tree.display(), files.len());
    report("walk", start.elapsed(), files.len());
    Ok(files)
}

fn describe(metadata: &fs::Metadata) -> File {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        _ => Kind::Other,
    };
    File { size: metadata.len(), modified: changed.map_or(0, |since| since.as_nanos() as i64), kind }
}

/// Makes the index equal to the walk, and says what that took and what was new.
fn update(index: &mut Index, files: &[(PathBuf, File)]) -> Result<()> {
    let found = index.len();
    let style = ProgressStyle::with_template("storing {wide_bar} {human_pos}/{human_len}")?;
    let bar = ProgressBar::new(files.len() as u64).with_style(style);
    let (mut added, mut modified) = (Vec::new(), Vec::new());
    let start = Instant::now();
    for part in files.chunks(4096) {
        for (path, file) in part {
            let path = path.as_os_str().as_encoded_bytes();
            // One lookup finds the place of the key; what is done there needs no other.
            let place = index.entry(path)?;
            match &place {
                MapEntry::Occupied(place) if place.get()? == *file => continue,
                MapEntry::Occupied(_) => modified.push(path),
                MapEntry::Vacant(_) => added.push(path),
            }
            place.insert_entry(file)?;
        }
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    report(if found == 0 { "insert" } else { "compare" }, start.elapsed(), files.len());

    let here: HashSet<&[u8]> = files.iter().map(|(path, _)| path.as_os_str().as_encoded_bytes()).collect();
    let gone = index.extract_if(|path, _| !here.contains(path)).collect::<diskmap::Result<Vec<_>>>()?;
    let gone = gone.iter().map(|(path, _)| path.as_slice()).collect();
    for (what, paths) in [("added", added), ("removed", gone), ("modified", modified)].iter().filter(|_| found > 0) {
        let first: Vec<_> = paths.iter().take(3).map(|path| String::from_utf8_lossy(path)).collect();
        println!("{what:<10} {:>9}  {}", paths.len(), first.join(", "));
    }
    Ok(())
}

/// Every entry of the walk is in the index as it was seen, and nothing else is.
fn verify(index: &Index, files: &[(PathBuf, File)]) -> Result<()> {
    let start = Instant::now();
    for (path, file) in files {
        let stored = index.get(path.as_os_str().as_encoded_bytes())?;
        ensure!(stored == Some(*file), "{} is {file:?}, the map says {stored:?}", path.display());
    }
    report("verify", start.elapsed(), files.len());
    ensure!(index.len() == files.len() as u64, "{} entries of {} files", index.len(), files.len());
    Ok(())
}

fn report(what: &str, took: Duration, entries: usize) {
    println!("{what:<10} {:>9.3} s,  {:>6} ns each", took.as_secs_f64(), took.as_nanos() / entries.max(1) as u128);
}

fn print_largest(index: &Index) -> Result<()> {
    // Keys are `&[u8]` into the map's file: nothing is copied but the sizes.
    let mut files = index.iter().collect::<diskmap::Result<Vec<_>>>()?;
    files.sort_unstable_by_key(|(_, file)| Reverse(file.size));
    println!("\nthe largest files");
    for (path, file) in files.iter().filter(|(_, file)| file.kind == Kind::File).take(10) {
        println!("{:>12}  {}", DecimalBytes(file.size).to_string(), String::from_utf8_lossy(path));
    }
    Ok(())
}
