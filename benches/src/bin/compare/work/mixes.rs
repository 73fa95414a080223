//! Two threads, each on its own CPU, that read random keys and insert new ones.
//!
//! Must not know engines. Invariant: every engine gets the same keys by the same thread in the same order; every value that is
//! read is compared.

use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use diskmap_benches::{
    keys::{Key, Keys},
    machine::pin,
};

use super::{Task, lost, remove_dir};
use crate::{
    engine::{self, About, Shared, WithShared},
    figure::tell,
    pair::{Numbers, Pair, seed},
};

const THREADS: usize = 2;
/// The order of reads and inserts repeats after so many.
const PERIOD: usize = 100;

/// Names, how many of [`PERIOD`] operations insert, and where among the spare keys the new ones begin, in quarters.
const MIXES: [(&str, usize, usize); 3] = [("mix-100/0", 0, 0), ("mix-90/10", 10, 0), ("mix-50/50", 50, 1)];

pub(super) fn run(task: &Task) -> Result<()> {
    ensure!(task.pair == Numbers::NAME, "mixes are of {}", Numbers::NAME);
    engine::with_shared::<Numbers, _>(&task.engine, Mixes(task))
}

struct Mixes<'t>(&'t Task);

impl WithShared<Numbers> for Mixes<'_> {
    fn run<E: Shared<Numbers>>(self, _: &'static About) -> Result<()> {
        let task = self.0;
        let keys = Numbers::keys(task.entries)?;
        let dir = task.dir.join("mixes");
        for run in 0..=task.runs {
            let map = E::create(&dir)?;
            let filled = in_threads(|thread| {
                let share = share(&keys.stored, thread);
                operate(&map, &[], share, &[true; PERIOD], task.load_cap())
            })?;
            let (stored, mut counted) = (filled.map(|(done, _)| done), filled);
            // The first time the system may have to find memory.
            if run > 0 {
                report("mix-load", counted, keys.stored.len());
                for (name, inserts, quarter) in MIXES {
                    let pattern = pattern(inserts);
                    counted = in_threads(|thread| {
                        let new = &keys.missing[keys.missing.len() / 4 * quarter..];
                        let (known, new) = (known(&keys, thread, stored[thread]), share(new, thread));
                        operate(&map, &known, new, &pattern, task.cap())
                    })?;
                    report(name, counted, stored.iter().sum());
                }
            }
            drop(map);
            remove_dir(&dir)?;
        }
        Ok(())
    }
}

/// The keys that a thread has stored, in another order.
fn known<Q: Key>(keys: &Keys<Q>, thread: usize, stored: usize) -> Vec<Q> {
    let mut known = share(&keys.stored, thread)[..stored].to_vec();
    fastrand::Rng::with_seed(thread as u64).shuffle(&mut known);
    known
}

fn share<Q>(keys: &[Q], thread: usize) -> &[Q] {
    let each = keys.len() / THREADS;
    &keys[thread * each..(thread + 1) * each]
}

/// Which of [`PERIOD`] operations insert, in an order of no order.
fn pattern(inserts: usize) -> [bool; PERIOD] {
    let mut pattern: [bool; PERIOD] = std::array::from_fn(|at| at < inserts);
    fastrand::Rng::with_seed(3).shuffle(&mut pattern);
    pattern
}

/// Operations that each thread has done, and how long it took.
type Done = [(usize, Duration); THREADS];

fn report(operation: &str, done: Done, wanted: usize) {
    let rate: f64 = done.iter().map(|(done, took)| *done as f64 / took.as_secs_f64() / 1e6).sum();
    let all: usize = done.iter().map(|(done, _)| done).sum();
    tell(operation, "M/s", rate, all, all + THREADS * PERIOD < wanted);
}

fn in_threads(work: impl Fn(usize) -> Result<(usize, Duration)> + Sync) -> Result<Done> {
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let threads: [_; THREADS] = std::array::from_fn(|thread| {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                let pinned = pin(thread);
                start.wait();
                pinned?;
                work(thread)
            })
        });
        let mut done = [(0, Duration::ZERO); THREADS];
        for (thread, done) in threads.into_iter().zip(&mut done) {
            *done = thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(done)
    })
}

/// One operation for each key that is known, or for each new one where none is, until time is over.
#[inline(never)]
fn operate<E: Shared<Numbers>>(
    map: &E,
    known: &[u64],
    new: &[u64],
    pattern: &[bool; PERIOD],
    limit: Duration,
) -> Result<(usize, Duration)> {
    let (mut fresh, mut wrong, mut done) = (new.iter(), 0, 0);
    let begun = Instant::now();
    let count = if known.is_empty() { new.len() } else { known.len() };
    let mut maker = 0;
    while done + PERIOD <= count && begun.elapsed() < limit {
        for (at, &insert) in pattern.iter().enumerate() {
            if insert {
                let &key = fresh.next().context("no new key is left")?;
                map.insert(key, Numbers::make(&mut maker, seed(key, 0)))?;
            } else {
                let key = known[done + at];
                wrong |= map.get(key)?.ok_or_else(lost)? ^ seed(key, 0);
            }
        }
        done += PERIOD;
    }
    let took = begun.elapsed();
    ensure!(wrong == 0, "wrong values were read");
    Ok((done, took))
}
