//! The core workloads of YCSB, A to F: mixes of reads, updates, inserts, scans and read-modify-writes of keys drawn by
//! Zipf's law.
//!
//! Must not know engines. Invariant: all operations, and what each read has to find, are drawn before the clock starts.

use anyhow::{Result, ensure};
use diskmap_benches::keys::Keys;
use fastrand::Rng;

use super::{BATCH, Task, check, fill, lost, remove_dir};
use crate::{
    engine::{About, Engine, Read, Write},
    figure::{tell_lack, tell_pace},
    pace::{Pace, paced},
    pair::{Pair, seed},
    zipf::{THETA, Zipf},
};

/// Scans are of 1 to this many entries.
const LONGEST_SCAN: u64 = 100;

/// A mix, in parts of 100.
struct Mix {
    name: &'static str,
    read: u8,
    update: u8,
    insert: u8,
    scan: u8,
    modify: u8,
    /// Whether what was inserted last is read most.
    latest: bool,
}

const NOTHING: Mix = Mix { name: "", read: 0, update: 0, insert: 0, scan: 0, modify: 0, latest: false };

const MIXES: [Mix; 6] = [
    Mix { name: "ycsb-A", read: 50, update: 50, ..NOTHING },
    Mix { name: "ycsb-B", read: 95, update: 5, ..NOTHING },
    Mix { name: "ycsb-C", read: 100, ..NOTHING },
    Mix { name: "ycsb-D", read: 95, insert: 5, latest: true, ..NOTHING },
    Mix { name: "ycsb-E", scan: 95, insert: 5, ..NOTHING },
    Mix { name: "ycsb-F", read: 50, modify: 50, ..NOTHING },
];

#[derive(Clone, Copy)]
enum Step {
    /// Key, and the version of its value.
    Read(u32, u16),
    Update(u32, u16),
    /// A key that is not there yet.
    Insert(u32),
    Scan(u32, u16),
    /// Reads a version and stores the next.
    Modify(u32, u16),
}

pub(super) fn run<P: Pair, E: Engine<P>>(task: &Task, about: &About) -> Result<()> {
    let keys = P::keys(task.entries)?;
    let dir = task.dir.join("ycsb");
    let mut first = E::open(&dir)?;
    fill::<P, E>(&mut first, &keys.stored, task.load_cap())?;
    drop(first);
    remove_dir(&dir)?;
    for _ in 0..task.runs {
        for mix in &MIXES {
            if let Some(reason) = about.lack(mix.name) {
                tell_lack(mix.name, reason);
                continue;
            }
            let mut engine = E::open(&dir)?;
            let stored = fill::<P, E>(&mut engine, &keys.stored, task.load_cap())?.done;
            let steps = draw(mix, stored, keys.missing.len());
            tell_pace(mix.name, mixed::<P, E>(task, &mut engine, &keys, stored, &steps)?);
            drop(engine);
            remove_dir(&dir)?;
        }
    }
    Ok(())
}

/// As many operations as entries.
fn draw(mix: &Mix, stored: usize, spare: usize) -> Vec<Step> {
    let (zipf, mut random) = (Zipf::new(stored as u64, THETA), Rng::with_seed(4));
    let mut versions = vec![0u16; stored + spare];
    let mut there = stored;
    let mut steps = Vec::with_capacity(stored);
    while steps.len() < stored {
        let key =
            if mix.latest { there as u64 - 1 - zipf.rank(&mut random) } else { zipf.scrambled(&mut random) } as usize;
        let (at, version) = (key as u32, versions[key]);
        let mut die = random.u8(..100);
        let mut falls = |share: u8| {
            let hit = die < share;
            die = die.wrapping_sub(share);
            hit
        };
        let step = if falls(mix.read) {
            Step::Read(at, version)
        } else if falls(mix.update) {
            versions[key] = version.wrapping_add(1);
            Step::Update(at, versions[key])
        } else if falls(mix.modify) {
            versions[key] = version.wrapping_add(1);
            Step::Modify(at, version)
        } else if falls(mix.scan) {
            Step::Scan(at, random.u64(1..=LONGEST_SCAN) as u16)
        } else if falls(mix.insert) && there < versions.len() {
            there += 1;
            Step::Insert(there as u32 - 1)
        } else {
            continue;
        };
        steps.push(step);
    }
    steps
}

#[inline(never)]
fn mixed<P: Pair, E: Engine<P>>(
    task: &Task,
    engine: &mut E,
    keys: &Keys<P::Key>,
    stored: usize,
    steps: &[Step],
) -> Result<Pace> {
    let key = |at: u32| {
        let at = at as usize;
        if at < stored { keys.stored[at] } else { keys.missing[at - stored] }
    };
    let mut maker = P::Maker::default();
    let (mut sum, mut met, mut asked) = (0u64, 0usize, 0usize);
    let pace = paced(steps.len(), BATCH, task.cap(), |part| {
        engine.write(|writer| {
            for &step in &steps[part] {
                match step {
                    Step::Read(at, _) => sum = sum.wrapping_add(writer.get(key(at))?.ok_or_else(lost)?),
                    Step::Update(at, version) => {
                        writer.insert(key(at), P::make(&mut maker, seed(key(at), version.into())))?;
                    }
                    Step::Insert(at) => writer.insert(key(at), P::make(&mut maker, seed(key(at), 0)))?,
                    Step::Scan(at, count) => {
                        asked += usize::from(count);
                        met += writer.scan(key(at), count.into())?.0;
                    }
                    Step::Modify(at, version) => {
                        sum = sum.wrapping_add(writer.get(key(at))?.ok_or_else(lost)?);
                        let next = u64::from(version.wrapping_add(1));
                        writer.insert(key(at), P::make(&mut maker, seed(key(at), next)))?;
                    }
                }
            }
            Ok(())
        })
    })?;
    let expected = steps[..pace.done].iter().fold(0u64, |sum, &step| match step {
        Step::Read(at, version) | Step::Modify(at, version) => {
            sum.wrapping_add(P::digest(seed(key(at), version.into())))
        }
        _ => sum,
    });
    check(sum, expected)?;
    // A scan that begins near the last key ends there.
    ensure!(met <= asked && met * 100 >= asked * 95, "scans met {met} entries of {asked}");
    Ok(pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixes_have_all_their_parts() {
        for mix in &MIXES {
            let all: u32 = [mix.read, mix.update, mix.insert, mix.scan, mix.modify].into_iter().map(u32::from).sum();
            assert_eq!(all, 100, "{}", mix.name);
            let steps = draw(mix, 20_000, 20_000);
            let share = |fits: fn(&Step) -> bool| steps.iter().filter(|step| fits(step)).count() as f64 / 200.0;
            let found = [
                (mix.read, share(|step| matches!(step, Step::Read(..)))),
                (mix.update, share(|step| matches!(step, Step::Update(..)))),
                (mix.insert, share(|step| matches!(step, Step::Insert(..)))),
                (mix.scan, share(|step| matches!(step, Step::Scan(..)))),
                (mix.modify, share(|step| matches!(step, Step::Modify(..)))),
            ];
            for (wanted, found) in found {
                assert!((f64::from(wanted) - found).abs() < 1.5, "{}: {found} for {wanted}", mix.name);
            }
        }
    }
}
