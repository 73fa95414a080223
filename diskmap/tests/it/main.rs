//! Integration tests of the map, one module a topic.

mod backups;
mod basics;
mod bits;
mod closed;
mod compaction;
mod crash;
mod damage;
mod full_disk;
mod fuzz;
mod golden;
mod hashers;
mod isolated;
mod migrate;
mod model;
mod open;
mod predecessor;
mod sizes;
mod snapshots;
mod surface;
mod verify;
