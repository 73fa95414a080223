//! Snapshots as named moments: an auditor in another thread adds up all accounts of each evening while transfers go on,
//! and the sum is always the same.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example point_in_time
//! ```

use std::{sync::mpsc, thread};

use anyhow::{Context, Result, ensure};
use diskmap::{DiskHashMap, Snapshot};

/// Cents by account.
type Accounts = DiskHashMap<u32, u64>;

const ACCOUNTS: u32 = 50_000;
const CENTS: u64 = 1_000;
const TRANSFERS: u32 = 50_000;
const EVENINGS: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut accounts: Accounts = DiskHashMap::new_in(dir.path())?;
    accounts.try_extend((0..ACCOUNTS).map(|account| (account, CENTS)))?;

    let (evenings, arrived) = mpsc::channel();
    let auditor = thread::spawn(move || audit(arrived));
    let mut dice = 1;
    for evening in EVENINGS {
        // A transfer is two calls. This thread takes the snapshot, so it is never between them.
        (0..TRANSFERS).try_for_each(|_| transfer(&mut accounts, &mut dice))?;
        evenings.send((evening, accounts.snapshot())).context("the auditor has given up")?;
    }
    drop(evenings);
    let books = auditor.join().ok().context("the auditor has failed")??;

    for (evening, book) in &books {
        println!("{evening:>9}: account 7 had {:>5} cents", book.get(&7)?.context("account 7")?);
    }
    // Of each segment that has changed, every moment keeps its own; the rest they share with the map.
    let (kept, index) = (accounts.stats().snapshot_bytes, accounts.stats().index_bytes);
    println!("the map has {:.1} MB; beside them {:.1} MB are kept for {} moments", mb(index), mb(kept), books.len());
    drop(books);
    ensure!(kept > 0 && accounts.stats().snapshot_bytes == 0, "a snapshot that is gone keeps nothing");
    println!("and after that nothing");
    Ok(())
}

/// Adds up what there is at each moment, and keeps the moments.
fn audit(
    arrived: mpsc::Receiver<(&'static str, Snapshot<u32, u64>)>,
) -> Result<Vec<(&'static str, Snapshot<u32, u64>)>> {
    let mut books = Vec::new();
    for (evening, book) in arrived {
        let sum = book.values().sum::<diskmap::Result<u64>>()?;
        ensure!(sum == u64::from(ACCOUNTS) * CENTS, "{evening}: {sum} cents");
        println!("{evening:>9}: {sum} cents in {} accounts", book.len());
        books.push((evening, book));
    }
    Ok(books)
}

/// Moves some cents from one account to another.
fn transfer(accounts: &mut Accounts, dice: &mut u64) -> Result<()> {
    let mut roll = |faces: u64| {
        *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*dice >> 33) % faces
    };
    let [from, to] = [(); 2].map(|()| roll(ACCOUNTS.into()) as u32);
    let cents = accounts.get(&from)?.context("an account")?;
    let moved = roll(cents + 1);
    accounts.insert(&from, &(cents - moved))?;
    accounts.update(&to, |cents| cents + moved)?;
    Ok(())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
