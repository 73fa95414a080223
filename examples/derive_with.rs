//! Fields that are no built-in type: `with` names what stores them. And a newtype that is stored as its text.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example derive_with
//! ```

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use diskmap::{Bytes, CanonF64, DiskHashMap, DiskKey, DiskValue, Str, types::Arch};

/// Floats have several zeros and many NaNs, so a key takes them in a form of which there is one.
#[derive(DiskKey, DiskValue, Debug)]
struct Place {
    #[diskmap(with = CanonF64)]
    north: f64,
    #[diskmap(with = CanonF64)]
    east: f64,
}

/// Text that is more than text. It has a name in the schema, and looking it up takes a plain `&str`.
#[derive(DiskKey, DiskValue, Debug, PartialEq)]
#[diskmap(codec = str)]
struct Email(Box<str>);

#[derive(DiskValue, Debug, PartialEq)]
struct Delivery {
    #[diskmap(with = Str)]
    address: Box<str>,
    #[diskmap(with = Bytes)]
    signature: Arc<[u8]>,
    /// Any type of rkyv's: read in place, whatever it is made of.
    #[diskmap(with = Arch<Vec<Line>>)]
    lines: Vec<Line>,
}

#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, Debug, PartialEq)]
struct Line {
    item: String,
    pieces: Option<u32>,
}

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut names: DiskHashMap<Place, String> = DiskHashMap::new_in(dir.path().join("names"))?;
    names.insert(&Place { north: 0.0, east: 0.0 }, "Null Island")?;
    ensure!(names.get(&Place { north: -0.0, east: 0.0 })? == Some("Null Island"), "-0.0 and 0.0 are one key");

    let mut deliveries: DiskHashMap<Email, Delivery> = DiskHashMap::new_in(dir.path().join("deliveries"))?;
    deliveries.insert(&Email("ada@example.org".into()), &delivery())?;
    deliveries.close()?;

    let deliveries: DiskHashMap<Email, Delivery> = DiskHashMap::load_from(dir.path().join("deliveries"))?;
    // All of these point into the map's file: `&str`, `&[u8]`, `&ArchivedVec<ArchivedLine>`.
    let DeliveryView { address, signature, lines } = deliveries.get("ada@example.org")?.context("stored above")?;
    println!("{address}: {} of {}, signed with {} bytes", lines.len(), lines[0].item, signature.len());
    ensure!((address, signature, lines[0].item.as_str()) == ("1 Main Street", &[1, 2, 3][..], "tea"));

    // Each field is made again from what its codec gives: `Box<str>` from `String`, `Arc<[u8]>` from `Vec<u8>`.
    ensure!(deliveries.get_owned("ada@example.org")? == Some(delivery()));
    println!("{} -> {}", Email::SCHEMA, Delivery::SCHEMA);
    Ok(())
}

fn delivery() -> Delivery {
    let lines = vec![Line { item: "tea".into(), pieces: Some(2) }, Line { item: "cups".into(), pieces: None }];
    Delivery { address: "1 Main Street".into(), signature: [1, 2, 3].into(), lines }
}
