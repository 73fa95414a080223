//! Values of fixed size lie in the map's index: read with one copy, replaced in place, no record anywhere.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example derive_native
//! ```

use anyhow::{Result, ensure};
use bytemuck::{Pod, Zeroable};
use diskmap::{DiskHashMap, DiskKey, DiskValue, Shape};

/// `Pod` says that there is no padding and that all bytes will do: the memory is the encoding.
#[derive(DiskKey, DiskValue, Pod, Zeroable, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[diskmap(codec = native)]
struct Cell {
    row: i32,
    column: i32,
    layer: [u16; 4],
}

/// Needs no `repr` and no `Pod`: fields are stored packed, one by one, and checked when they are read. A `bool` and an
/// `Option` could not be `Pod` at all.
#[derive(DiskValue, Clone, Copy, Debug, PartialEq)]
struct Reading {
    at: u64,
    celsius: f32,
    valid: bool,
    limit: Option<u16>,
}

/// The same bytes as `Cell`, stored field by field.
mod packed {
    #[derive(diskmap::DiskKey, diskmap::DiskValue)]
    pub(super) struct Cell {
        pub(super) row: i32,
        pub(super) column: i32,
        pub(super) layer: [u16; 4],
    }
}

fn main() -> Result<()> {
    ensure!(Cell::SHAPE == Shape::Fixed { size: size_of::<Cell>() });
    ensure!(Reading::SHAPE == Shape::Fixed { size: 16 }, "8 + 4 + 1 + (1 + 2): the order of fields does not matter");

    let dir = tempfile::tempdir()?;
    let mut readings: DiskHashMap<Cell, Reading> = DiskHashMap::new_in(dir.path())?;
    for n in 0..10_000_i32 {
        let cell = Cell { row: n / 100, column: n % 100, layer: [1, 2, 3, 4] };
        readings.insert(&cell, &Reading { at: n as u64, celsius: 20.5, valid: n % 2 == 0, limit: None })?;
    }
    readings.close()?;
    // Sides of up to 64 bytes lie in the slots of the index; the file of records was not even made.
    ensure!(dir.path().join("index").exists() && !dir.path().join("heap").exists());

    // Types of fixed size are their own view: what comes out borrows nothing.
    let readings: DiskHashMap<Cell, Reading> = DiskHashMap::load_from(dir.path())?;
    let cell = Cell { row: 7, column: 4, layer: [1, 2, 3, 4] };
    let reading: Option<Reading> = readings.get(&cell)?;
    ensure!(reading == Some(Reading { at: 704, celsius: 20.5, valid: true, limit: None }));
    println!("{cell:?}: {reading:?}");
    println!("{} and {} bytes an entry, all of them inline", size_of::<Cell>(), 16);
    drop(readings);

    // `codec = native` is a matter of speed, not of format: a map does not tell the two apart.
    let readings: DiskHashMap<packed::Cell, Reading> = DiskHashMap::load_from(dir.path())?;
    ensure!(readings.get(&packed::Cell { row: 7, column: 4, layer: [1, 2, 3, 4] })? == reading);
    Ok(())
}
