//! A map's directory: its files, who may open them, which of their two states counts, and in which order they are made.
//!
//! Must not know key or value types. Invariant: `MAP` is written last and names a whole map; the identity sector vouches
//! for the live state only while that state is the newest.

pub(crate) mod replacement;
pub(crate) mod wreck;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    crash,
    error::{Error, Result},
    format::{
        FORMAT_VERSION,
        identity::{FileIdentity, Identity},
        manifest::{ENTRIES_AT, Manifest},
        map_file::{MapFile, MapFileError},
    },
    heap::{BLOCKS_FILE, HEAP_FILE},
    raw::{Files, INDEX_FILE, Root, SEGMENTS_FILE, erase_identity, read_identity},
    report::Report,
    store::{
        DEFAULT_RESERVE, MMapFile,
        lock::DirLock,
        os::{boot_id, uuid},
        replace::{read_file, remove, replace_file, sync_dir},
    },
};

/// The file that makes a directory a map.
pub(crate) const MAP: &str = "MAP";
/// The manifest of the last durable state.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Intent records in a map on disk: as many as fill the first page of `segments` with the identity sector.
pub(crate) const INTENTS: u32 = 56;

/// What a map's directory holds besides `MAP` and the lock.
const FILES: [&str; 5] = [INDEX_FILE, SEGMENTS_FILE, HEAP_FILE, BLOCKS_FILE, CHECKPOINT];

const MAX_MAP_FILE: u64 = 16 << 20;
const MAX_CHECKPOINT: u64 = 1 << 40;

/// An open map's directory.
pub(crate) struct Disk {
    /// The directory.
    pub dir: PathBuf,
    /// The map's identity.
    pub uuid: [u8; 16],
    boot_id: Option<[u8; 16]>,
    /// Of `index`, `segments`, `heap`, `blocks`.
    files: [FileIdentity; 4],
    /// Held until the map is closed and no snapshot of it is left.
    lock: Arc<DirLock>,
}

/// How a directory is opened.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// Nothing is written to the files.
    pub read_only: bool,
    /// Address space for the index and the heap, in bytes.
    pub reserve: u64,
    /// Instead of the system's.
    pub boot_id: Option<[u8; 16]>,
}

impl Default for Access {
    fn default() -> Access {
        Access { read_only: false, reserve: DEFAULT_RESERVE, boot_id: None }
    }
}

/// A locked directory with a map in it that was not opened yet.
#[derive(Clone)]
pub(crate) struct Locked {
    /// The directory.
    pub dir: PathBuf,
    lock: Arc<DirLock>,
    access: Access,
    /// What `MAP` says.
    pub map: MapFile,
}

/// The files of an existing map and what is known of their state.
pub(crate) struct Found {
    /// Directory and lock.
    pub disk: Disk,
    /// The stores.
    pub files: Files<MMapFile>,
    /// The last checkpoint.
    pub manifest: Manifest,
    /// Which state counts.
    pub root: Root,
    /// Whether changes after the checkpoint are given up.
    pub rolled_back: bool,
}

impl Disk {
    /// Makes the files of a new map. `map` becomes `MAP` only with [`Disk::publish`].
    pub(crate) fn create(dir: &Path, access: &Access, heap: bool, map: &MapFile) -> Result<(Disk, Files<MMapFile>)> {
        create_dirs(dir)?;
        let lock = DirLock::exclusive(dir)?;
        replacement::settle(dir)?;
        if exists(dir)? {
            return Err(Error::AlreadyExists { path: dir.into() });
        }
        Disk::make(dir, Arc::new(lock), access, heap, map)
    }

    fn make(
        dir: &Path,
        lock: Arc<DirLock>,
        access: &Access,
        heap: bool,
        map: &MapFile,
    ) -> Result<(Disk, Files<MMapFile>)> {
        for name in FILES {
            match remove(&dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::io(dir.join(name), error)),
                _ => {}
            }
        }
        let open = |name: &str, reserve| MMapFile::create(&dir.join(name), reserve);
        let files = stores(access, map, heap, open)?;
        crash::point("create: files made");
        replace_file(dir, CHECKPOINT, &Manifest::empty(map.uuid).encode())?;
        crash::point("create: empty manifest");
        let disk = Disk::new(dir.into(), lock, access, map.uuid, &files);
        Ok((disk, files))
    }

    /// Bytes that are left on the disk; 0 if nobody knows.
    pub(crate) fn room(&self) -> u64 {
        rustix::fs::statvfs(&self.dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Makes the manifest's name durable, before space is handed out in a map whose live state counts: its maker may have
    /// ended just before it did this, and until it is done a power cut may show the manifest before.
    pub(crate) fn keep_manifest(&self) -> Result<()> {
        sync_dir(&self.dir)
    }

    /// Another hold on the directory's lock.
    pub(crate) fn lock(&self) -> Arc<DirLock> {
        Arc::clone(&self.lock)
    }

    /// Makes the directory a map.
    pub(crate) fn publish(&self, map: &MapFile) -> Result<()> {
        replace_file(&self.dir, MAP, &map.encode())
    }

    /// Removes the files of a map that could not be published, as far as that is possible: what is left is no map.
    pub(crate) fn discard(&self) {
        // It had its name, but that could not be synced. A power cut may bring the name back, so the rest stays.
        if remove(&self.dir.join(MAP)).is_ok() {
            return;
        }
        for name in FILES {
            let _ = remove(&self.dir.join(name));
        }
    }

    /// The identity sector to be written; after a close with the generation of its checkpoint, which is as new as the live
    /// state.
    pub(crate) fn identity(&self, closed: Option<u64>) -> Identity {
        let [index, segments, heap, blocks] = self.files;
        let (clean, generation) = (closed.is_some(), closed.unwrap_or(0));
        Identity { boot_id: self.boot_id, index, segments, heap, blocks, uuid: self.uuid, generation, clean }
    }

    /// Whether a stored identity vouches for the live state.
    fn is_live(&self, stored: &Identity) -> bool {
        stored.boot_id.is_some() && self.identity(None) == *stored
    }

    /// Whether these are the very files that were closed with this checkpoint, under whatever boot.
    fn is_closed(&self, stored: &Identity, manifest: &Manifest) -> bool {
        let closed = Identity { boot_id: stored.boot_id, ..self.identity(Some(manifest.generation)) };
        manifest.closed && closed == *stored
    }

    /// Looks at the small files; the last checkpoint if it can be read.
    pub(crate) fn inspect(&self, report: &mut Report) -> Result<Option<Manifest>> {
        if let Some(map) = report.absorb(MAP, read_map(&self.dir))?
            && map.uuid != self.uuid
        {
            report.damage(MAP, 0, "it belongs to another map");
        }
        let manifest = report.absorb(CHECKPOINT, self.manifest())?;
        if let Some(manifest) = &manifest {
            let all = manifest.entries;
            let sum: u64 = manifest.segments.iter().map(|record| u64::from(record.entries)).sum();
            if all != sum {
                let what = format_args!("it counts {all} entries, those of its segments are {sum}");
                report.damage(CHECKPOINT, ENTRIES_AT, what);
            }
        }
        Ok(manifest)
    }

    /// Reads the last checkpoint.
    pub(crate) fn manifest(&self) -> Result<Manifest> {
        let path = self.dir.join(CHECKPOINT);
        let bytes = read_file(&path, MAX_CHECKPOINT).map_err(|error| missing(CHECKPOINT, error))?;
        let manifest = Manifest::parse(&bytes).map_err(|damage| damage.in_file(CHECKPOINT))?;
        if manifest.uuid != self.uuid {
            return Err(Error::corrupt(CHECKPOINT, 0, "it belongs to another map"));
        }
        Ok(manifest)
    }

    fn new(dir: PathBuf, lock: Arc<DirLock>, access: &Access, uuid: [u8; 16], files: &Files<MMapFile>) -> Disk {
        let identity = |store: &MMapFile| {
            let found = store.identity();
            FileIdentity { dev: found.dev, inode: found.inode, birth: found.birth_nanos as u64 }
        };
        let (heap, blocks) = match &files.heap {
            Some((heap, blocks)) => (identity(heap), identity(blocks)),
            None => (FileIdentity::ABSENT, FileIdentity::ABSENT),
        };
        let files = [identity(&files.index), identity(&files.segments), heap, blocks];
        Disk { dir, uuid, boot_id: access.boot_id.or_else(boot_id), files, lock }
    }
}

/// Makes a directory and those above it, with names that survive a power cut.
fn create_dirs(dir: &Path) -> Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    fs::create_dir_all(dir).map_err(|error| Error::io(dir, error))?;
    for new in missing {
        match new.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new("."))?,
            Some(parent) => sync_dir(parent)?,
            None => {}
        }
    }
    Ok(())
}

/// Whether there is a map in the directory.
pub(crate) fn exists(dir: &Path) -> Result<bool> {
    let found = dir.join(MAP).try_exists().map_err(|error| Error::io(dir, error))?;
    Ok(found || replacement::has_map(dir)?)
}

/// A fresh identity for a map.
pub(crate) fn new_uuid() -> Result<[u8; 16]> {
    uuid()
}

/// Locks the directory of an existing map and reads what it is.
pub(crate) fn lock(dir: &Path, access: Access) -> Result<Locked> {
    if !exists(dir)? {
        return Err(Error::NotFound { path: dir.into() });
    }
    let lock = if access.read_only { DirLock::shared(dir)? } else { DirLock::exclusive(dir)? };
    if !access.read_only {
        replacement::settle(dir)?;
    } else if replacement::is_unfinished(dir)? {
        return Err(Error::Unfinished { path: dir.into() });
    }
    let map = read_map(dir)?;
    Ok(Locked { dir: dir.into(), lock: Arc::new(lock), access, map })
}

fn read_map(dir: &Path) -> Result<MapFile> {
    let bytes = read_file(&dir.join(MAP), MAX_MAP_FILE)?;
    let map = parse_map(&bytes)?;
    if map.intents == 0 || map.intents > 1024 {
        return Err(Error::corrupt(MAP, 0, "an impossible number of intent records"));
    }
    Ok(map)
}

/// What a `MAP` file (or the same text in caller-provided memory) says.
pub(crate) fn parse_map(bytes: &[u8]) -> Result<MapFile> {
    MapFile::parse(bytes).map_err(|error| match error {
        MapFileError::NotAMap => Error::corrupt(MAP, 0, "it does not begin as a diskmap map does"),
        MapFileError::NewerFormat(found) => Error::UnsupportedFormat { found, supported: FORMAT_VERSION },
        MapFileError::Damaged(damage) => damage.in_file(MAP),
    })
}

impl Locked {
    /// Another hold on the same lock, through which nothing is written to the files.
    pub(crate) fn reading(&self) -> Locked {
        Locked { access: Access { read_only: true, ..self.access.clone() }, ..self.clone() }
    }

    /// Makes the files of a new map in another directory, under the same lock.
    pub(crate) fn create_in(&self, dir: &Path, heap: bool, map: &MapFile) -> Result<(Disk, Files<MMapFile>)> {
        fs::create_dir(dir).map_err(|error| Error::io(dir, error))?;
        Disk::make(dir, Arc::clone(&self.lock), &self.access, heap, map)
    }

    /// The same directory, in which there is another map now.
    pub(crate) fn again(self) -> Result<Locked> {
        let map = read_map(&self.dir)?;
        Ok(Locked { map, ..self })
    }

    /// Opens the files and decides which state counts. Nothing is written yet.
    pub(crate) fn open(self, heap: bool) -> Result<Found> {
        let Locked { dir, lock, access, map } = self;
        let open = |name: &'static str, reserve| {
            let path = dir.join(name);
            let opened = if access.read_only { MMapFile::open_private(&path) } else { MMapFile::open(&path, reserve) };
            opened.map_err(|error| missing(name, error))
        };
        let files = stores(&access, &map, heap, open)?;
        let disk = Disk::new(dir, lock, &access, map.uuid, &files);
        let manifest = disk.manifest()?;
        let stored = read_identity(&files.segments).and_then(|sector| Identity::parse(&sector));
        let root = match &stored {
            Some(stored) if disk.is_live(stored) => Root::Live,
            Some(stored) if disk.is_closed(stored, &manifest) => Root::Closed,
            _ => Root::Checkpoint,
        };
        // The identity tells of changes that the manifest was not marked for yet, and the manifest of changes whose
        // identity did not reach the medium.
        let clean = manifest.closed && stored.is_none_or(|stored| stored.clean);
        let rolled_back = root == Root::Checkpoint && !clean;
        Ok(Found { disk, files, manifest, root, rolled_back })
    }
}

impl Found {
    /// From here on only the state that counts will be believed.
    pub(crate) fn settle(&self) {
        if self.root != Root::Live {
            erase_identity(&self.files.segments);
        }
    }
}

fn stores(
    access: &Access,
    map: &MapFile,
    heap: bool,
    open: impl Fn(&'static str, u64) -> Result<MMapFile>,
) -> Result<Files<MMapFile>> {
    // Descriptors and block entries are about a thousandth and a hundredth of what they describe.
    let small = (access.reserve / 64).max(64 << 20);
    Ok(Files {
        index: open(INDEX_FILE, access.reserve)?,
        segments: open(SEGMENTS_FILE, small)?,
        heap: if heap { Some((open(HEAP_FILE, access.reserve)?, open(BLOCKS_FILE, small)?)) } else { None },
        block_shift: map.block_shift,
        intents: map.intents,
    })
}

fn missing(name: &'static str, error: Error) -> Error {
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Error::corrupt(name, 0, "the file is missing")
        }
        error => error,
    }
}
