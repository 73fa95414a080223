//! How long single lookups take while two threads write and the map is checkpointed and compacted, beside a thread that
//! does no lookups.
//!
//! Must not know how the map works. Invariant: the thread beside the reader is timed in the same way at the same time; what
//! the scheduler did to either is not counted as a stall.

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use diskmap::OpenOptions;
use diskmap_benches::{
    keys::Keys,
    report::{Limit, Report},
};
use diskmap_concurrent::DiskDashMap;
use fastrand::Rng;
use rustix::mm::{MlockAllFlags, mlockall};

use crate::{
    Arguments,
    clocks::{STALL, Stall, Timed, Times},
    contest::{Disk, SharedKey},
    mixes::lost,
};

const WRITERS: usize = 2;
/// The timer makes a checkpoint so soon after a change.
const TIMER: Duration = Duration::from_secs(2);
/// A checkpoint that is asked for, so many times.
const CHECKPOINTS: u32 = 10;
/// Stalls that are shown one by one.
const SHOWN: usize = 12;
/// A value's upper half counts its updates; the lower one is its key's.
const ONE_MORE: u64 = 1 << 32;

/// Something that was done to the whole map.
struct Event {
    what: &'static str,
    began: Instant,
    ended: Instant,
}

/// Fills a map, lets the threads loose, and tells what was seen.
pub(crate) fn look<Q: SharedKey>(arguments: &Arguments, keys: &Keys<Q>, dir: &Path) -> Result<String> {
    // Else it depends on what the system takes for cold how often a page is not there, which is no writer's doing.
    let kept = !arguments.pageable
        && mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).is_ok();
    let options = OpenOptions::new().create_new(true).sync_on_drop(false).auto_checkpoint(Some(TIMER));
    let map: Disk<Q> = DiskDashMap::open_with(dir, options)?;
    for &key in &keys.stored {
        map.insert(key.borrowed(), &value(key))?;
    }
    map.checkpoint()?;
    let seconds = if arguments.quick { arguments.seconds.div_ceil(10) } else { arguments.seconds };
    let time = Duration::from_secs(seconds);

    let ended = AtomicBool::new(false);
    let begun = Instant::now();
    let (reader, spinner, written, events) = thread::scope(|scope| -> Result<_> {
        let half = keys.missing.len() / WRITERS;
        let (map, ended) = (&map, &ended);
        let writers: Vec<_> = keys
            .missing
            .chunks_exact(half)
            .zip(0..)
            .map(|(own, seed)| scope.spawn(move || stopping(ended, || write(map, keys, own, seed, ended))))
            .collect();
        let reader = scope.spawn(|| stopping(ended, || read(map, keys, ended)));
        let spinner = scope.spawn(|| stopping(ended, || spin(ended)));
        let events = care::<Q>(map, begun, time, ended);
        ended.store(true, Ordering::Relaxed);
        let mut written = 0;
        for writer in writers {
            written += writer.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        let reader = reader.join().map_err(|_| anyhow!("the reader panicked"))??;
        let spinner = spinner.join().map_err(|_| anyhow!("the spinner panicked"))??;
        Ok((reader, spinner, written, events?))
    })?;
    let entries = map.len();
    drop(map);
    fs::remove_dir_all(dir)?;

    let pages = if kept { "pages stay in memory" } else { "pages may be taken away by the system" };
    let mut text =
        format!("{seconds} s of lookups beside {WRITERS} writers, checkpoints and a compaction; {pages}\n\n");
    writeln!(text, "{}", table(&reader, &spinner, written, entries))?;
    for event in &events {
        let (at, took) = (event.began - begun, event.ended - event.began);
        writeln!(text, "{:>8.3} s  {}, {:.1} ms", at.as_secs_f64(), event.what, took.as_secs_f64() * 1e3)?;
    }
    tell(&mut text, "reader", &reader.stalls, begun, &events)?;
    tell(&mut text, "only spinning", &spinner.stalls, begun, &events)?;
    Ok(text)
}

fn value<Q: SharedKey>(key: Q) -> u64 {
    key.value() % ONE_MORE
}

/// Lets the others end too when one fails.
fn stopping<R>(ended: &AtomicBool, work: impl FnOnce() -> Result<R>) -> Result<R> {
    work().inspect_err(|_| ended.store(true, Ordering::Relaxed))
}

/// Random keys that stay.
fn read<Q: SharedKey>(map: &Disk<Q>, keys: &Keys<Q>, ended: &AtomicBool) -> Result<Timed> {
    let mut random = Rng::with_seed(5);
    Timed::repeat(|| {
        let key = keys.stored[random.usize(..keys.stored.len())];
        let Some(found) = map.get_copied(key.borrowed())? else { return Err(lost()) };
        ensure!(found % ONE_MORE == value(key), "another key's value");
        Ok(!ended.load(Ordering::Relaxed))
    })
}

fn spin(ended: &AtomicBool) -> Result<Timed> {
    Timed::repeat(|| {
        (0..100u64).for_each(|n| _ = black_box(n));
        Ok(!ended.load(Ordering::Relaxed))
    })
}

/// Updates of all keys that stay; inserts of keys of its own until all are there, removes until none is, and so on, with
/// some of either among the others. How many writes.
fn write<Q: SharedKey>(map: &Disk<Q>, keys: &Keys<Q>, own: &[Q], seed: u64, ended: &AtomicBool) -> Result<u64> {
    let mut random = Rng::with_seed(seed);
    let (mut there, mut growing, mut written) = (0, true, 0);
    while !ended.load(Ordering::Relaxed) {
        growing = if growing { there < own.len() } else { there == 0 };
        let insert = match random.u8(..10) {
            0..6 => growing,
            6..8 => !growing,
            _ => {
                let key = keys.stored[random.usize(..keys.stored.len())];
                ensure!(map.update(key.borrowed(), |value| value.wrapping_add(ONE_MORE))?, "a key to update is gone");
                written += 1;
                continue;
            }
        };
        if insert && there < own.len() {
            let key = own[there];
            ensure!(map.insert(key.borrowed(), &value(key))?.is_none(), "a key that was removed is there");
            there += 1;
        } else if !insert && there > 0 {
            there -= 1;
            ensure!(map.remove(own[there].borrowed())?.is_some(), "a key that was inserted is gone");
        }
        written += 1;
    }
    Ok(written)
}

/// Checkpoints in equal distances, a compaction after half of the time.
fn care<Q: SharedKey>(map: &Disk<Q>, begun: Instant, time: Duration, ended: &AtomicBool) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for turn in 1..=CHECKPOINTS {
        let until = begun + time * turn / (CHECKPOINTS + 1);
        thread::sleep(until.saturating_duration_since(Instant::now()));
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        map.checkpoint()?;
        events.push(Event { what: "checkpoint", began, ended: Instant::now() });
        if turn == CHECKPOINTS / 2 {
            let began = Instant::now();
            map.compact()?;
            events.push(Event { what: "compaction", began, ended: Instant::now() });
        }
    }
    thread::sleep((begun + time).saturating_duration_since(Instant::now()));
    Ok(events)
}

fn table(reader: &Timed, spinner: &Timed, written: u64, entries: u64) -> Report {
    let mut report = Report::against("only spins");
    let mut both = |what: &'static str, unit, figure: &dyn Fn(&Timed) -> f64| {
        report.pair(what, unit, (figure(reader), figure(spinner)), Limit::None);
    };
    let percentiles = |times: &Times, part: f64| times.percentile(part) / 1e3;
    both("half below", "us", &|timed| percentiles(&timed.wall, 0.5));
    both("99 % below", "us", &|timed| percentiles(&timed.wall, 0.99));
    both("99.9 % below", "us", &|timed| percentiles(&timed.wall, 0.999));
    both("longest", "us", &|timed| timed.wall.longest() / 1e3);
    both("no waits for a CPU: 99.9 % below", "us", &|timed| percentiles(&timed.own, 0.999));
    both("  99.99 % below", "us", &|timed| percentiles(&timed.own, 0.9999));
    both("  longest", "us", &|timed| timed.own.longest() / 1e3);
    both("  stalls over 1 ms", "", &|timed| timed.stalls.len() as f64);
    both("    of these, more than 1 ms blocked", "", &|timed| {
        timed.stalls.iter().filter(|stall| stall.blocked() > STALL).count() as f64
    });
    both("timed", "M", &|timed| timed.wall.count() as f64 / 1e6);
    report.ours("written", "M", written as f64 / 1e6, Limit::None);
    report.ours("entries at the end", "M", entries as f64 / 1e6, Limit::None);
    report
}

/// The longest stalls, and what was going on.
fn tell(text: &mut String, who: &str, stalls: &[Stall], begun: Instant, events: &[Event]) -> Result<()> {
    let mut longest: Vec<&Stall> = stalls.iter().collect();
    longest.sort_by_key(|stall| std::cmp::Reverse(stall.took));
    for stall in longest.into_iter().take(SHOWN) {
        let end = stall.began + stall.took;
        let beside = events.iter().find(|event| event.began < end && event.ended > stall.began);
        writeln!(
            text,
            "{:>8.3} s  {who}: stalled for {:.1} ms, {:.1} ms of them on the CPU, {:.1} ms blocked{}",
            (stall.began - begun).as_secs_f64(),
            stall.took.as_secs_f64() * 1e3,
            stall.on_cpu.as_secs_f64() * 1e3,
            stall.blocked().as_secs_f64() * 1e3,
            beside.map_or(String::new(), |event| format!(", beside a {}", event.what)),
        )?;
    }
    Ok(())
}
