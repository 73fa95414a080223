#![allow(missing_docs)]
#[path = "../it/backups.rs"]
mod backups;
#[path = "../it/full_disk.rs"]
mod full_disk;
#[path = "../it/isolated.rs"]
mod isolated;
#[path = "../it/snapshots.rs"]
mod snapshots;
