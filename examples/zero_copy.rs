//! Any type that rkyv can archive, read where it lies: `get` returns a reference into the map's file.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example zero_copy
//! ```

use std::time::Instant;

use anyhow::{Context, Result};
use diskmap::{DiskHashMap, types::Arch};

/// A value with variable parts of its own. rkyv derives its archived form.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, Debug, PartialEq)]
struct Flight {
    from: String,
    to: String,
    /// Positions on the way: degrees north and east.
    track: Vec<(f64, f64)>,
}

type Flights = DiskHashMap<u64, Arch<Flight>>;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut flights = Flights::new_in(dir.path())?;
    for number in 0..1_000 {
        // The archive is written straight into its place in the map; there is no buffer in between.
        flights.insert(&number, &fly(number))?;
    }
    flights.close()?;

    let flights = Flights::load_from(dir.path())?;
    let flight = flights.get(&7)?.context("flight 7 was stored")?;
    // `flight` is an `&ArchivedFlight`: its text and numbers are still in the file. Numbers are stored little-endian and
    // turned into native ones where they are used.
    println!("{} → {}, {} positions", flight.from, flight.to, flight.track.len());
    println!("the value lies at {flight:p}, its track at {:p}", flight.track.as_ptr());

    // Reading one field of each costs no allocation and no copy. Every `get` checks the archive before it hands it out;
    // that, not reading, is what takes time for long values.
    let start = Instant::now();
    let mut north = f64::MIN;
    for flight in flights.values() {
        north = flight?.track.iter().fold(north, |north, position| north.max(position.0.to_native()));
    }
    println!("northernmost position {north:.1}°, found in {:.1?}", start.elapsed());

    // An owned value is made only where one is asked for.
    let owned: Flight = flights.get_owned(&7)?.context("flight 7 was stored")?;
    anyhow::ensure!(owned == fly(7), "what was stored is what is read");
    Ok(())
}

fn fly(number: u64) -> Flight {
    let track =
        (0..500).map(|i| (50.0 + (number * 7 % 30) as f64 + f64::from(i) / 100.0, f64::from(i) / 50.0)).collect();
    Flight { from: format!("airport {}", number % 40), to: format!("airport {}", (number + 1) % 40), track }
}
