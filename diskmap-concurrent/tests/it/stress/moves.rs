//! Values of several words move to another slot with each change: an entry is in two slots for a moment.

use super::*;

#[test]
fn an_entry_on_the_move_is_met_once() {
    const KEYS: u64 = 700;
    let seed = seed("moves");
    let single = diskmap::MemHashMap::new();
    let map: Mem<Wide> = Mem::<Wide>::with_shards(single, 1).expect("a map");
    for number in 0..KEYS {
        map.insert(&Wide::key(number), &Wide::value(number)).expect("inserted");
    }
    let done = AtomicBool::new(false);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (map, done) = (&map, &done);
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed.wrapping_add(thread));
                while !done.load(Ordering::Relaxed) {
                    let (key, value) = (Wide::key(rng.u64(..KEYS)), Wide::value(rng.u64(..)));
                    assert!(map.update(&key, |_| value).expect("updated"));
                }
            });
        }
        for _ in 0..2 {
            let (map, done) = (&map, &done);
            scope.spawn(move || {
                let failed = Ends(done);
                while !done.load(Ordering::Relaxed) {
                    let mut met = [false; KEYS as usize];
                    for key in map.keys() {
                        let number = Wide::number(key.expect("a key").value()) as usize;
                        assert!(!std::mem::replace(&mut met[number], true), "key {number} was met twice");
                    }
                    assert_eq!(met, [true; KEYS as usize]);
                }
                std::mem::forget(failed);
            });
        }
        while start.elapsed() < TIME / 2 * patience() && !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        done.store(true, Ordering::Relaxed);
    });
}
