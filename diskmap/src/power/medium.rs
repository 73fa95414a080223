//! What a disk has of a directory: what it was told to keep, and what it may have kept besides.
//!
//! Must not know maps. Invariant: an image has everything that was synced, and of all else any part: of what was stored,
//! sectors; of a file's lengths, those up to any one; of what a name stood for, any one.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;

use crate::store::watch::Step;

/// What is written to the medium at once.
const PAGE: usize = 4096;
/// What is written whole or not at all.
const SECTOR: usize = 512;

/// A way in which a medium may not do what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// Does not keep what it was told to keep of one file.
    DropsSync(&'static str),
    /// Does not keep names.
    DropsNames,
}

/// The medium under one directory.
pub(super) struct Medium {
    dir: PathBuf,
    files: BTreeMap<u32, File>,
    /// What programs see.
    names: BTreeMap<String, u32>,
    /// What is durable of it.
    durable: BTreeMap<String, u32>,
    /// What happened to names since they were durable, in order.
    renamed: Vec<(String, Option<u32>)>,
    flaw: Flaw,
    /// A failed sync leaves names to chance for ever.
    stuck: bool,
}

#[derive(Clone, Default)]
struct File {
    /// What is on the medium.
    bytes: Vec<u8>,
    /// Lengths that the file was given since, in order.
    lens: VecDeque<usize>,
    /// A failed sync marks pages as clean all the same: what comes later does not write them either.
    stuck: bool,
}

impl Medium {
    /// A medium that has everything that is in a directory now.
    pub(super) fn new(dir: &Path, flaw: Flaw) -> Medium {
        let mut files = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut entries: Vec<PathBuf> =
            fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            let id = files.len() as u32;
            names.insert(name(&path), id);
            files.insert(id, File { bytes: fs::read(&path).expect("a file"), ..File::default() });
        }
        let durable = names.clone();
        Medium { dir: dir.into(), files, names, durable, renamed: Vec::new(), flaw, stuck: false }
    }

    /// The same medium under a directory that has the same files.
    pub(super) fn moved(&self, dir: &Path) -> Medium {
        let Medium { files, names, durable, renamed, .. } = self;
        let (files, names, durable, renamed) = (files.clone(), names.clone(), durable.clone(), renamed.clone());
        Medium { dir: dir.into(), files, names, durable, renamed, flaw: self.flaw, stuck: self.stuck }
    }

    /// Copies what programs see into a new directory.
    pub(super) fn copy(&self, to: &Path) {
        fs::create_dir(to).expect("a directory");
        for name in self.names.keys() {
            fs::write(to.join(name), self.read(name)).expect("a file written");
        }
    }

    /// A step was taken.
    pub(super) fn took(&mut self, step: Step<'_>) {
        match step {
            Step::Create(path) => {
                let id = self.files.last_key_value().map_or(0, |(id, _)| id + 1);
                self.files.insert(id, File::default());
                self.rename(name(path), Some(id));
            }
            Step::Write(path) => {
                let len = self.read(&name(path)).len();
                self.file(path).lens.push_back(len);
            }
            Step::Resize(path, len) => self.file(path).lens.push_back(len as usize),
            Step::Sync(path) => self.synced(path),
            Step::Remove(path) => self.rename(name(path), None),
            Step::Rename(from, to) => {
                let id = self.names.get(&name(from)).copied();
                self.rename(name(to), id);
                self.rename(name(from), None);
            }
            Step::SyncDir(_) if self.flaw == Flaw::DropsNames || self.stuck => {}
            Step::SyncDir(_) => {
                self.durable.clone_from(&self.names);
                self.renamed.clear();
                let named: Vec<u32> = self.names.values().copied().collect();
                self.files.retain(|id, _| named.contains(id));
            }
            Step::Moment(_) => {}
        }
    }

    /// A step failed. A sync that did is not to be believed when it is repeated.
    pub(super) fn failed(&mut self, step: Step<'_>, rng: &mut Rng) {
        match step {
            Step::Sync(path) => {
                let cached = self.read(&name(path));
                let file = self.file(path);
                file.keep_some(&cached, 0.5, rng);
                file.stuck = true;
            }
            Step::SyncDir(_) => self.stuck = true,
            _ => {}
        }
    }

    /// The kernel writes some of what is cached, in its own time.
    pub(super) fn write_back(&mut self, rng: &mut Rng) {
        for (name, id) in self.names.clone() {
            if rng.bool() {
                let cached = self.read(&name);
                let share = share(rng);
                if let Some(file) = self.files.get_mut(&id).filter(|file| !file.stuck) {
                    file.keep_some(&cached, share, rng);
                }
            }
        }
    }

    /// Puts what a power cut might leave into a new directory.
    pub(super) fn image(&self, to: &Path, rng: &mut Rng) {
        fs::create_dir(to).expect("a directory");
        let mut names = self.durable.clone();
        let mut states: BTreeMap<&str, Vec<Option<u32>>> = BTreeMap::new();
        for (name, id) in &self.renamed {
            states.entry(name).or_insert_with(|| vec![self.durable.get(name).copied()]).push(*id);
        }
        for (name, states) in states {
            match states[rng.usize(..states.len())] {
                Some(id) => names.insert(name.into(), id),
                None => names.remove(name),
            };
        }
        for (name, id) in names {
            let mut file = self.files[&id].clone();
            // A file without a name has no more than what was written: nobody writes to one.
            if let Some((cached, _)) = self.names.iter().find(|&(_, other)| *other == id) {
                let share = share(rng);
                if share > 0.0 || file.bytes.is_empty() {
                    file.keep_some(&self.read(cached), share, rng);
                }
            }
            fs::write(to.join(name), file.bytes).expect("a file written");
        }
    }

    fn synced(&mut self, path: &Path) {
        let name = name(path);
        if self.flaw == Flaw::DropsSync("") || matches!(self.flaw, Flaw::DropsSync(dropped) if dropped == name) {
            return;
        }
        let cached = self.read(&name);
        let file = self.file(path);
        if !file.stuck {
            (file.bytes, file.lens) = (cached, VecDeque::new());
        }
    }

    fn rename(&mut self, name: String, id: Option<u32>) {
        match id {
            Some(id) => self.names.insert(name.clone(), id),
            None => self.names.remove(&name),
        };
        self.renamed.push((name, id));
    }

    fn file(&mut self, path: &Path) -> &mut File {
        let id = self.names.get(&name(path)).expect("a file that was made while it was watched");
        self.files.get_mut(id).expect("every name has a file")
    }

    /// What programs see in a file.
    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.join(name)).unwrap_or_default()
    }
}

impl File {
    /// Keeps about a `share` of the pages that were stored to since, now and then only some of their sectors, and any
    /// number of the lengths.
    fn keep_some(&mut self, cached: &[u8], share: f64, rng: &mut Rng) {
        let known = rng.usize(..=self.lens.len());
        for len in self.lens.drain(..known) {
            self.bytes.resize(len, 0);
        }
        // What is beyond a length that is not known yet has other places on the medium by now.
        let same = self.lens.iter().copied().min().unwrap_or(usize::MAX);
        let end = self.bytes.len().min(cached.len()).min(same);
        for at in (0..end).step_by(PAGE) {
            let page = at..end.min(at + PAGE);
            if self.bytes[page.clone()] == cached[page.clone()] || rng.f64() >= share {
                continue;
            }
            let torn = rng.u32(..4) == 0;
            for sector in page.clone().step_by(SECTOR) {
                if !torn || rng.bool() {
                    let sector = sector..page.end.min(sector + SECTOR);
                    self.bytes[sector.clone()].copy_from_slice(&cached[sector]);
                }
            }
        }
    }
}

/// None and all are as likely as anything between.
fn share(rng: &mut Rng) -> f64 {
    match rng.u32(..6) {
        0 | 1 => 0.0,
        2 | 3 => 1.0,
        _ => rng.f64(),
    }
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
