//! A cache that all threads share and that is warm after a restart: what is missing is computed once, by whoever asks first,
//! and readers never wait.
//!
//! ```text
//! cargo run --release -p diskmap-examples --example shared_cache
//! ```

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Result, ensure};
use diskmap_concurrent::DiskDashMap;

/// The number of steps of the Collatz sequence, by its start: any function that takes longer than a lookup.
type Cache = DiskDashMap<u64, u64>;

const THREADS: u64 = 4;
const QUESTIONS: u64 = 200_000;

fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for run in ["cold", "warm"] {
        let cache: Cache = DiskDashMap::open(dir.path())?;
        let computed = AtomicU64::new(0);
        let start = Instant::now();
        thread::scope(|scope| {
            // A clone is another handle to the same map.
            let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| ask(cache.clone(), &computed))).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no panic"))
        })?;
        let computed = computed.into_inner();
        println!("{run}: {} questions, {computed} computed, {:.1?}", THREADS * QUESTIONS, start.elapsed());
        // All ask the same: no answer is computed twice, and none after the restart.
        ensure!(computed == if run == "cold" { QUESTIONS } else { 0 }, "{computed} answers were computed");

        // An answer that is held stays as it is, and holds nobody up, even if the cache is emptied.
        let held = cache.get(&27)?.expect("it was asked for");
        if run == "warm" {
            cache.clear()?;
            ensure!(cache.is_empty() && held.value() == 111);
        }
        drop(held);
        cache.close()?;
    }
    Ok(())
}

fn ask(cache: Cache, computed: &AtomicU64) -> Result<()> {
    for start in 1..=QUESTIONS {
        // The closure runs while the key's shard is locked: others who ask for the same get its result.
        let steps = cache.get_or_insert_with(&start, || {
            computed.fetch_add(1, Ordering::Relaxed);
            steps_from(start)
        })?;
        debug_assert_eq!(steps.value(), steps_from(start));
    }
    Ok(())
}

fn steps_from(start: u64) -> u64 {
    let next = |&n: &u64| (n != 1).then(|| if n % 2 == 0 { n / 2 } else { 3 * n + 1 });
    std::iter::successors(Some(start), next).count() as u64 - 1
}
