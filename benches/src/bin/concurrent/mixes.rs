//! Two threads that read, or read and insert: diskmap, dashmap and papaya in turns.
//!
//! Must not know how the maps work. Invariant: in each turn every map is asked for the same keys and given the same new ones,
//! in the same order by the same thread; every result is checked.

use std::{fs, path::Path, sync::Barrier, time::Duration};

use anyhow::{Context, Result, ensure};
use diskmap_benches::{
    keys::Keys,
    machine::{pin, timed, warm_memory},
    report::{Limit, Report},
};

use crate::{
    Arguments,
    contest::{Contestant, Dash, Guarded, Papaya, SharedKey, create},
};

const THREADS: usize = 2;
/// Turns of each map in a mix.
const TURNS: usize = 8;
/// The order of reads and inserts repeats after so many.
const PERIOD: usize = 100;

/// A mix of reads of random keys that are there, and inserts of new ones. Before each turn in which maps grow the system is made
/// to have memory at hand.
struct Mix {
    name: &'static str,
    /// Of [`PERIOD`] operations.
    inserts: usize,
    /// Where in the keys that are not stored its new ones begin, in tenths.
    new: usize,
    /// Of dashmap's throughput, for numbers and for text.
    limits: [f64; 2],
}

const MIXES: [Mix; 3] = [
    Mix { name: "read-only", inserts: 0, new: 0, limits: [1.5, 1.2] },
    Mix { name: "90/10 read/insert", inserts: 10, new: 0, limits: [1.2, 1.1] },
    Mix { name: "50/50 read/insert", inserts: 50, new: 1, limits: [1.0, 1.0] },
];

/// What one thread does in one turn.
struct Work<'k, Q> {
    stored: &'k [Q],
    new: &'k [Q],
    pattern: &'k [bool],
}

/// What all threads do in one turn.
type Turn<'k, Q> = Vec<Work<'k, Q>>;

/// Fills the maps and measures all mixes.
pub(crate) fn measure<Q: SharedKey>(
    arguments: &Arguments,
    keys: &Keys<Q>,
    dir: &Path,
    report: &mut Report,
) -> Result<()> {
    let dash = filled(keys, || Ok(Dash::<Q>::default()))?;
    let papaya = filled(keys, || Ok(Papaya::<Q>::default()))?;
    let disk = filled(keys, || {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
        Ok(create::<Q>(arguments, dir)?)
    })?;
    report_pair(report, "insert from empty", "dashmap", (disk.1, dash.1), Limit::None);
    report_pair(report, "insert from empty", "papaya", (disk.1, papaya.1), Limit::None);
    let (dash, papaya, disk) = (dash.0, papaya.0, disk.0);

    for mix in MIXES {
        take_turns(&mix, keys, [&disk, &dash, &papaya], &Guarded(&disk), report)?;
    }
    drop(disk);
    fs::remove_dir_all(dir)?;
    Ok(())
}

/// A map that was filled by all threads, and the throughput of that. The first time does not count: a virtual machine takes
/// long to get memory that was free for a while from its host.
fn filled<Q: SharedKey, M: Contestant<Q>>(keys: &Keys<Q>, new: impl Fn() -> Result<M>) -> Result<(M, f64)> {
    let all = keys.stored.len();
    let pattern = [true; PERIOD];
    let share = |thread| &keys.stored[all * thread / THREADS..all * (thread + 1) / THREADS];
    let work: Turn<'_, Q> =
        (0..THREADS).map(|thread| Work { stored: share(thread), new: share(thread), pattern: &pattern }).collect();
    let fill = || -> Result<(M, Duration)> {
        let map = new()?;
        let took = work_off(&map, &work)?;
        Ok((map, took))
    };
    drop(fill()?);
    let (map, took) = fill()?;
    Ok((map, throughput(all, took)))
}

fn take_turns<Q: SharedKey>(
    mix: &Mix,
    keys: &Keys<Q>,
    maps: [&dyn Turns<Q>; 3],
    guarded: &dyn Turns<Q>,
    report: &mut Report,
) -> Result<()> {
    let pattern = pattern(mix.inserts);
    // `get` beside `get_copied` where nothing is inserted: else it would find the keys there.
    let maps: Vec<_> = maps.into_iter().chain((mix.inserts == 0).then_some(guarded)).collect();
    let mut total = vec![Duration::ZERO; maps.len()];
    let mut operations = 0;
    for turn in 0..TURNS {
        let work = works(mix, keys, &pattern, turn);
        operations += work.iter().map(|work| work.stored.len()).sum::<usize>();
        let mut took = vec![Duration::ZERO; maps.len()];
        for place in 0..maps.len() {
            let map = (turn + place) % maps.len();
            if mix.inserts > 0 {
                warm_memory(keys.stored.len())?;
            }
            took[map] = maps[map].work_off(&work)?;
            total[map] += took[map];
        }
        if mix.inserts > 0 {
            let each = |map: usize| throughput(operations / (turn + 1), took[map]);
            let name = format!("  {}, median of turns", mix.name);
            report_pair(report, &name, "dashmap", (each(0), each(1)), Limit::None);
        }
    }
    let all: Vec<f64> = total.iter().map(|&took| throughput(operations, took)).collect();
    let limit = Limit::AtLeast(mix.limits[usize::from(Q::OUTSIDE > 0)]);
    report_pair(report, mix.name, "dashmap", (all[0], all[1]), limit);
    report_pair(report, mix.name, "papaya", (all[0], all[2]), Limit::None);
    if let Some(&guarded) = all.get(3) {
        report_pair(report, &format!("{}, by get", mix.name), "dashmap", (guarded, all[1]), Limit::None);
    }
    Ok(())
}

fn report_pair(report: &mut Report, what: &str, rival: &str, figures: (f64, f64), limit: Limit) {
    report.pair(format!("{what} / {rival}"), "M/s", figures, limit);
}

/// Which of [`PERIOD`] operations insert, in an order of no order.
fn pattern(inserts: usize) -> Vec<bool> {
    let mut pattern: Vec<bool> = (0..PERIOD).map(|at| at < inserts).collect();
    fastrand::Rng::with_seed(3).shuffle(&mut pattern);
    pattern
}

/// What the threads do in a turn: each has its own part of the keys.
fn works<'k, Q: SharedKey>(mix: &Mix, keys: &'k Keys<Q>, pattern: &'k [bool], turn: usize) -> Turn<'k, Q> {
    let periods = keys.shuffled.len() / (TURNS * THREADS * PERIOD);
    let (reads, inserts) = (periods * PERIOD, periods * mix.inserts);
    let new = &keys.missing[keys.missing.len() / 10 * mix.new..];
    let work = |part: usize| Work {
        stored: &keys.shuffled[part * reads..(part + 1) * reads],
        new: &new[part * inserts..(part + 1) * inserts],
        pattern,
    };
    (turn * THREADS..(turn + 1) * THREADS).map(work).collect()
}

/// A map, its type hidden.
trait Turns<Q> {
    fn work_off(&self, work: &Turn<'_, Q>) -> Result<Duration>;
}

impl<Q: SharedKey, M: Contestant<Q>> Turns<Q> for M {
    fn work_off(&self, work: &Turn<'_, Q>) -> Result<Duration> {
        work_off(self, work)
    }
}

/// Lets each thread, on its own CPU, do its work; the time until the last has done it.
fn work_off<Q: SharedKey, M: Contestant<Q>>(map: &M, work: &Turn<'_, Q>) -> Result<Duration> {
    let start = Barrier::new(work.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = work
            .iter()
            .enumerate()
            .map(|(cpu, work)| {
                let start = &start;
                scope.spawn(move || {
                    let pinned = pin(cpu);
                    start.wait();
                    pinned?;
                    let (nanoseconds, ()) = timed(1, || operate(map, work))?;
                    Ok(Duration::from_nanos(nanoseconds as u64))
                })
            })
            .collect();
        let mut longest = Duration::ZERO;
        for thread in threads {
            let took: Result<Duration> = thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            longest = longest.max(took?);
        }
        Ok(longest)
    })
}

#[inline(never)]
fn operate<Q: SharedKey, M: Contestant<Q>>(map: &M, work: &Work<'_, Q>) -> Result<()> {
    let mut new = work.new.iter();
    let (mut wrong, mut all_new) = (0, true);
    for keys in work.stored.chunks(PERIOD) {
        for (&key, &insert) in keys.iter().zip(work.pattern) {
            if insert {
                let &key = new.next().context("no new key is left")?;
                all_new &= map.insert(key, key.value())?;
            } else {
                let Some(value) = map.get(key)? else { return Err(lost()) };
                wrong |= value ^ key.value();
            }
        }
    }
    ensure!(wrong == 0, "a map gave wrong values");
    ensure!(all_new, "a map had a key that was never stored");
    Ok(())
}

#[cold]
pub(crate) fn lost() -> anyhow::Error {
    anyhow::anyhow!("a stored key was not found")
}

/// Million operations a second.
fn throughput(operations: usize, took: Duration) -> f64 {
    operations as f64 / took.as_secs_f64() / 1e6
}
