//! New files in the place of a map's files, all at once: made in a directory of their own, which is renamed when they are
//! complete and then emptied into the map's.
//!
//! Must not know what is in the files. Invariant: the rename decides. Before it the old files are untouched; after it the
//! new ones get to their places, at the latest when the map is next opened for writing, and every step to there can be
//! repeated. All of this under the exclusive lock of the map's directory.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{CHECKPOINT, MAP};
use crate::{
    crash,
    error::{Error, Result},
    heap::{BLOCKS_FILE, HEAP_FILE},
    raw::{INDEX_FILE, SEGMENTS_FILE},
    store::replace::{replace_file, sync_dir},
};

/// Where the new files are made. No name that anybody gives to a directory of his own.
pub(crate) const MIGRATING: &str = "MAP.migrating";
/// Where the new files are when they are complete.
pub(crate) const MIGRATED: &str = "MAP.migrated";
/// What is added to the name of a file of the old map that the new one does not have.
pub(crate) const NONE: &str = ".none";

const FILES: [&str; 6] = [INDEX_FILE, SEGMENTS_FILE, HEAP_FILE, BLOCKS_FILE, CHECKPOINT, MAP];

/// Files that are to take the place of a map's; removed unless it comes to that.
pub(crate) struct Replacement<'d> {
    dir: &'d Path,
    place: PathBuf,
}

impl<'d> Replacement<'d> {
    /// For the map in `dir`.
    pub(crate) fn begin(dir: &'d Path) -> Result<Replacement<'d>> {
        remove(&dir.join(MIGRATING))?;
        Ok(Replacement { dir, place: dir.join(MIGRATING) })
    }

    /// The directory for the new files, which does not exist yet.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Puts the new files, which nobody has open for writing any more, in the places of the old ones. After an error it
    /// is the one or the other map that is found when it is next opened for writing.
    pub(crate) fn commit(self) -> Result<()> {
        for name in FILES {
            let path = self.place.join(name);
            match File::open(&path) {
                Ok(file) => file.sync_all().map_err(|error| Error::io(&path, error))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    replace_file(&self.place, &format!("{name}{NONE}"), &[])?;
                }
                Err(error) => return Err(Error::io(path, error)),
            }
        }
        sync_dir(&self.place)?;
        crash::point("replacement: complete");
        rename(&self.place, &self.dir.join(MIGRATED))?;
        crash::point("replacement: decided");
        sync_dir(self.dir)?;
        finish(self.dir)
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        // After the commit there is nothing there. What stays now, the next open for writing removes.
        let _ = remove(&self.place);
    }
}

/// Whether new files wait for getting to their places.
pub(crate) fn is_unfinished(dir: &Path) -> Result<bool> {
    exists(&dir.join(MIGRATED))
}

/// Whether there is a `MAP` among the new files that wait.
pub(crate) fn has_map(dir: &Path) -> Result<bool> {
    exists(&dir.join(MIGRATED).join(MAP))
}

/// Finishes or undoes what a process that ended has left.
pub(crate) fn settle(dir: &Path) -> Result<()> {
    if is_unfinished(dir)? {
        finish(dir)?;
    }
    remove(&dir.join(MIGRATING))
}

/// Takes the new files to their places. A file that is not among them is there already, or the new map has none.
fn finish(dir: &Path) -> Result<()> {
    let migrated = dir.join(MIGRATED);
    for name in FILES {
        let (new, old) = (migrated.join(name), dir.join(name));
        if exists(&new)? {
            rename(&new, &old)?;
            crash::point("replacement: file in its place");
        } else if exists(&migrated.join(format!("{name}{NONE}")))? {
            match fs::remove_file(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(old, error)),
                _ => crash::point("replacement: old file removed"),
            }
        }
    }
    sync_dir(dir)?;
    sync_dir(&migrated)?;
    crash::point("replacement: emptied");
    remove(&migrated)?;
    crash::point("replacement: removed");
    sync_dir(dir)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::io(to, error))
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(dir, error)),
        _ => Ok(()),
    }
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|error| Error::io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [&str; 6] = FILES;
    const NEW: [&str; 4] = [INDEX_FILE, SEGMENTS_FILE, CHECKPOINT, MAP];

    fn fill(dir: &Path, names: &[&str], text: &str) {
        fs::create_dir_all(dir).expect("made");
        for name in names {
            fs::write(dir.join(name), format!("{text} {name}")).expect("written");
        }
    }

    fn check(dir: &Path, names: &[&str], text: &str) {
        let mut found: Vec<(String, String)> = fs::read_dir(dir)
            .expect("a directory")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                (entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path()).expect("text"))
            })
            .collect();
        found.sort();
        let mut expected: Vec<_> = names.iter().map(|name| (name.to_string(), format!("{text} {name}"))).collect();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn all_files_are_replaced_and_those_that_are_none_removed() {
        let dir = tempfile::tempdir().expect("dir");
        for (old, new) in [(&OLD[..], &NEW[..]), (&NEW, &OLD), (&OLD, &OLD)] {
            let dir = dir.path().join(format!("{}{}", old.len(), new.len()));
            fill(&dir, old, "old");
            let replacement = Replacement::begin(&dir).expect("begun");
            fill(replacement.place(), new, "new");
            replacement.commit().expect("replaced");
            check(&dir, new, "new");
        }
    }

    #[test]
    fn nothing_is_left_of_what_was_given_up() {
        let dir = tempfile::tempdir().expect("dir");
        fill(dir.path(), &OLD, "old");
        let replacement = Replacement::begin(dir.path()).expect("begun");
        fill(replacement.place(), &NEW, "new");
        drop(replacement);
        check(dir.path(), &OLD, "old");
        fill(&dir.path().join(MIGRATING), &NEW, "left by a kill");
        settle(dir.path()).expect("settled");
        check(dir.path(), &OLD, "old");
    }

    /// A power cut keeps any of the steps between two syncs.
    #[test]
    fn whatever_was_done_of_it_is_finished() {
        for done in 0..1_u32 << FILES.len() {
            let dir = tempfile::tempdir().expect("dir");
            let (dir, migrated) = (dir.path(), dir.path().join(MIGRATED));
            fill(dir, &OLD, "old");
            fill(&migrated, &NEW, "new");
            for (bit, name) in FILES.into_iter().enumerate() {
                let (here, gone) = (NEW.contains(&name), done >> bit & 1 == 1);
                match (here, gone) {
                    (true, true) => fs::rename(migrated.join(name), dir.join(name)).expect("moved"),
                    (false, true) => fs::remove_file(dir.join(name)).expect("removed"),
                    _ => {}
                }
                if !here {
                    fs::write(migrated.join(format!("{name}{NONE}")), "").expect("written");
                }
            }
            assert!(is_unfinished(dir).expect("looked"));
            settle(dir).expect("settled");
            assert!(!is_unfinished(dir).expect("looked"));
            check(dir, &NEW, "new");
        }
    }

    /// After the last sync, only the removal of the empty directory is left.
    #[test]
    fn a_directory_that_was_being_removed_harms_nothing() {
        for left in [&[][..], &["heap.none"], &["blocks.none"], &["heap.none", "blocks.none"]] {
            let dir = tempfile::tempdir().expect("dir");
            fill(dir.path(), &NEW, "new");
            fill(&dir.path().join(MIGRATED), left, "");
            settle(dir.path()).expect("settled");
            check(dir.path(), &NEW, "new");
        }
    }

    #[test]
    fn what_cannot_be_committed_leaves_the_old_files() {
        let dir = tempfile::tempdir().expect("dir");
        fill(dir.path(), &OLD, "old");
        let replacement = Replacement::begin(dir.path()).expect("begun");
        fill(replacement.place(), &NEW, "new");
        fill(&dir.path().join(MIGRATED), &["in the way"], "");
        assert!(replacement.commit().is_err());
        fs::remove_dir_all(dir.path().join(MIGRATED)).expect("removed");
        check(dir.path(), &OLD, "old");
    }
}
