//! A map that outgrows the memory of its process: inserts by the amount of data stored, and look-ups at the end.
//!
//! Must not know engines. Invariant: keys are made, not kept, so that the memory is the engine's.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use super::{BATCH, Task, lost, spread};
use crate::{
    engine::{self, About, Engine, Read, WithEngine, Write},
    figure::{tell, tell_pace},
    pace::paced,
    pair::{Bytes100, Pair},
};

/// Data is stored up to so many times the memory, a fourth of it a step.
const TIMES: usize = 3;
const STEPS: usize = 4;

pub(super) fn run(task: &Task) -> Result<()> {
    ensure!(task.pair == Bytes100::NAME, "this group is of {}", Bytes100::NAME);
    engine::with::<Bytes100, _>(&task.engine, Beyond(task))
}

struct Beyond<'t>(&'t Task);

impl WithEngine<Bytes100> for Beyond<'_> {
    fn run<E: Engine<Bytes100>>(self, _: &'static About) -> Result<()> {
        outgrow::<E>(self.0)
    }
}

fn outgrow<E: Engine<Bytes100>>(task: &Task) -> Result<()> {
    let memory = task.memory.context("how much memory?")?;
    let mut engine = E::open(&task.dir.join("beyond"))?;
    let (mut stored, each) = (0, size_of::<u64>() + Bytes100::array(0).len());
    for step in 1..=TIMES * STEPS {
        let until = memory as usize / each * step / STEPS;
        let pace = paced(until - stored, BATCH, task.load_cap(), |part| {
            engine.write(|writer| {
                for at in part {
                    let key = spread(stored + at);
                    writer.insert(key, &Bytes100::array(key))?;
                }
                Ok(())
            })
        })?;
        stored += pace.done;
        tell_pace(&format!("beyond-insert-{}%", step * 100 / STEPS), pace);
        if pace.capped {
            break;
        }
    }
    let mut random = Rng::with_seed(8);
    let mut wrong = 0;
    let pace = engine.read(|reader| {
        paced(1_000_000, 100, task.cap(), |part| {
            for _ in part {
                let key = spread(random.usize(..stored));
                wrong |= reader.get(key)?.ok_or_else(lost)? ^ Bytes100::digest(key);
            }
            Ok(())
        })
    })?;
    ensure!(wrong == 0, "wrong values were read");
    // Less data than the others have is easier to read.
    let all = memory as usize / each * TIMES;
    tell("beyond-get", "ns", pace.ns(), pace.done, pace.capped || stored < all);
    tell("beyond-stored", "x memory", (stored * each) as f64 / memory as f64, stored, false);
    Ok(())
}
