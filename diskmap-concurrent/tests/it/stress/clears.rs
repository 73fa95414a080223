//! One thread clears the map again and again while others read, write, and iterate.

use super::*;

/// What the thread that clears publishes.
#[derive(Default)]
struct Clears {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Clears {
    /// The number of the clear before this moment, if none is under way.
    fn quiet(&self) -> Option<u64> {
        let begun = self.begun.load(Ordering::SeqCst);
        (self.ended.load(Ordering::SeqCst) == begun).then_some(begun)
    }

    fn none_since(&self, before: Option<u64>) -> bool {
        before == Some(self.begun.load(Ordering::SeqCst))
    }
}

fn write<T: Kind, BS: ByteStore>(map: &Map<T, BS>, writer: u64, clears: &Clears, done: &AtomicBool, rng: &mut Rng) {
    let (mut stored, mut checked) = (0u64, 0u64);
    while !done.load(Ordering::Relaxed) {
        let number = writer * SPACE + rng.u64(..5_000);
        let (before, version) = (clears.quiet(), rng.u64(..1 << 30));
        drop(map.insert(&T::key(number), &T::value(pack(number, version))).expect("inserted"));
        let found = map.get(&T::key(number)).expect("read").map(|value| T::seed(value.value()));
        stored += 1;
        if clears.none_since(before) {
            assert_eq!(found, Some(pack(number, version)), "key {number} disappeared, and nobody cleared");
            checked += 1;
        } else {
            assert!(found.is_none() || found == Some(pack(number, version)));
        }
    }
    assert!(checked > 0, "{stored} writes, and always somebody cleared");
}

fn read<T: Kind, BS: ByteStore>(map: &Map<T, BS>, done: &AtomicBool, rng: &mut Rng) {
    let mut held = std::collections::VecDeque::new();
    while !done.load(Ordering::Relaxed) {
        let number = rng.u64(..WRITERS) * SPACE + rng.u64(..5_000);
        if let Some(value) = map.get(&T::key(number)).expect("read") {
            let seed = T::seed(value.value());
            assert_eq!(seed >> 32, number, "a value of another key");
            held.push_back((value, seed));
        }
        if held.len() > 200 {
            let (value, seed) = held.pop_front().expect("many");
            assert_eq!(T::seed(value.value()), seed, "a value changed while it was held");
        }
        if rng.u32(..500) == 0 {
            for entry in map.iter() {
                let entry = entry.expect("an entry");
                assert_eq!(T::seed(entry.value()) >> 32, T::number(entry.key()));
            }
        }
    }
}

fn cleared_again_and_again<T: Kind, BS: ByteStore>(map: &Map<T, BS>) {
    let seed = seed(&format!("clears, {}", T::NAME));
    let (clears, done) = (Clears::default(), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..WRITERS * 2 {
            let (clears, done) = (&clears, &done);
            let mut rng = Rng::with_seed(seed.wrapping_add(thread));
            scope.spawn(move || {
                let failed = Ends(done);
                match thread < WRITERS {
                    true => write::<T, BS>(map, thread, clears, done, &mut rng),
                    false => read::<T, BS>(map, done, &mut rng),
                }
                std::mem::forget(failed);
            });
        }
        let mut rng = Rng::with_seed(seed);
        while start.elapsed() < TIME / 2 * patience() && !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_micros(rng.u64(..20_000)));
            let snapshot = (rng.u32(..3) == 0).then(|| map.snapshot());
            let before = snapshot.as_ref().map(|snapshot| snapshot.len());
            clears.begun.fetch_add(1, Ordering::SeqCst);
            map.clear().expect("cleared");
            clears.ended.fetch_add(1, Ordering::SeqCst);
            if let Some(snapshot) = snapshot {
                assert_eq!(Some(snapshot.iter().filter(|entry| entry.is_ok()).count() as u64), before);
            }
            if rng.u32(..20) == 0 {
                map.checkpoint().expect("a checkpoint");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
    map.clear().expect("cleared");
    assert_eq!((map.len(), map.iter().count()), (0, 0));
}

#[test]
fn numbers_are_cleared_while_others_read_and_write() {
    cleared_again_and_again::<Numbers, _>(&Mem::<Numbers>::new().expect("a map"));
}

#[test]
fn texts_are_cleared_while_others_read_and_write() {
    cleared_again_and_again::<Texts, _>(&Mem::<Texts>::new().expect("a map"));
}

#[test]
fn texts_on_disk_are_cleared_while_others_read_and_write() {
    let dir = tempfile::tempdir().expect("a directory");
    cleared_again_and_again::<Texts, _>(&Disk::<Texts>::new_in(dir.path()).expect("a map"));
}
