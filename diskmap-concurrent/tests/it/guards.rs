//! Values that are held while the map changes under them: they stay, nobody waits, and their space comes back.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use diskmap::{ByteStore, OpenOptions};
use diskmap_concurrent::Ref;

use crate::kinds::{Disk, Kind, Map, Mem, Notes, Texts};

/// A value of so many bytes that belongs to a key and a version.
fn long(key: u64, version: u64, len: usize) -> String {
    let mut text = format!("{key}/{version}/");
    let letters: String = (0..26).map(|i| char::from(b'a' + ((i + key + version * 3) % 26) as u8)).collect();
    text.push_str(&letters.repeat(len / 26 + 1));
    text.truncate(len);
    text
}

/// Everything that may be done while values are held.
fn disturb<BS: ByteStore>(map: &Map<Notes, BS>, keys: u64) {
    for key in 0..keys {
        map.insert(&key, &Notes::value(key + keys)).expect("inserted");
    }
    for key in (0..keys).step_by(3) {
        map.remove(&key).expect("removed").expect("it was there");
    }
    assert_eq!(map.iter().filter(|entry| entry.is_ok()).count() as u64, map.len());
    map.compact().expect("compacted");
    map.retain(|key, _| key % 5 != 0).expect("retained");
    map.checkpoint().expect("a checkpoint");
    map.alter_all(|key, _| Notes::value(key)).expect("altered");
    map.clear().expect("cleared");
    for key in 0..keys {
        map.insert(&key, &Notes::value(key + 7)).expect("inserted");
    }
    map.compact().expect("compacted");
}

fn ten_thousand_held<BS: ByteStore>(map: &Map<Notes, BS>) {
    const HELD: u64 = 10_000;
    for key in 0..HELD {
        map.insert(&key, &Notes::value(key)).expect("inserted");
    }
    let held: Vec<Ref<'_, str>> = (0..HELD).map(|key| map.get(&key).expect("read").expect("there")).collect();
    let entries: Vec<_> = map.iter().map(|entry| entry.expect("an entry")).collect();
    disturb(map, HELD);
    let own = std::thread::scope(|scope| {
        scope.spawn(|| disturb(map, HELD)).join().expect("no panic in another thread");
        // What other threads hold, and let go of in an order of their own.
        let reader = scope.spawn(|| {
            let mut held: Vec<_> = (0..HELD).map(|key| (key, map.get(&key).expect("read").expect("there"))).collect();
            disturb(map, HELD);
            fastrand::shuffle(&mut held);
            held.into_iter().for_each(|(key, value)| assert_eq!(&*value, Notes::value(key + 7)));
        });
        reader.join().expect("no panic in a reader");
        let sent = scope.spawn(move || {
            for entry in entries {
                assert_eq!(entry.value(), Notes::value(entry.key()), "an entry that was sent to another thread");
            }
        });
        sent.join().expect("no panic where entries were sent to");
        held
    });
    for (key, value) in (0..).zip(&own) {
        assert_eq!(&**value, Notes::value(key), "a value changed while it was held");
    }
    let mut own = own;
    fastrand::shuffle(&mut own);
    drop(own);
    disturb(map, HELD);
    let report = map.verify().expect("verified");
    assert!(report.is_sound() && report.leaked_cells == 0, "{report}");
}

#[test]
fn ten_thousand_values_in_memory_stay_while_they_are_held() {
    ten_thousand_held(&Mem::<Notes>::new().expect("a map"));
}

#[test]
fn ten_thousand_values_on_disk_stay_while_they_are_held() {
    let dir = tempfile::tempdir().expect("a directory");
    ten_thousand_held(&Disk::<Notes>::open(dir.path()).expect("a map"));
}

/// As many keys as make a round longer than what writers collect before they give it up.
fn keys(len: usize) -> u64 {
    (6 << 20) / len as u64
}

/// Replaces all values again and again; the size of the map after each round.
fn rounds<BS: ByteStore>(map: &Map<Notes, BS>, rounds: u64, len: usize) -> Vec<u64> {
    let round = |round| {
        for key in 0..keys(len) {
            map.insert(&key, &long(key, round, len)).expect("inserted");
        }
        map.file_size()
    };
    (0..rounds).map(round).collect()
}

fn space_comes_back<BS: ByteStore>(map: &Map<Notes, BS>, len: usize) {
    let most = |sizes: Vec<u64>| sizes.into_iter().max().unwrap_or(0);
    let usual = most(rounds(map, 40, len));
    let live = keys(len) * len as u64;
    assert!(usual < 6 * live + (48 << 20), "{usual} bytes for {live}");
    assert!(most(rounds(map, 40, len)) <= usual + live / 4 + (1 << 20), "it grows though nobody holds anything");
    // Short-lived ones, many of them.
    for _ in 0..20 {
        let held: Vec<_> = (0..keys(len)).map(|key| map.get(&key).expect("read").expect("there")).collect();
        rounds(map, 1, len);
        drop(held);
    }
    let usual = most(rounds(map, 40, len)).max(usual);
    let held = map.get(&7).expect("read").expect("there");
    let then = held.to_string();
    let sizes = rounds(map, 100, len);
    assert!(most(sizes) > usual + 30 * live, "what a reader may look at was used again");
    assert_eq!(*held, then);
    drop(held);
    let grown = map.file_size();
    assert!(most(rounds(map, 100, len)) <= grown, "space is not used again once nobody holds it");
    map.compact().expect("compacted");
    assert!(map.verify().expect("verified").is_sound());
    for key in 0..keys(len) {
        assert_eq!(&*map.get(&key).expect("read").expect("there"), long(key, 99, len));
    }
}

#[test]
fn space_of_small_values_comes_back() {
    space_comes_back(&Mem::<Notes>::new().expect("a map"), 1_000);
}

#[test]
fn space_of_values_of_100_kib_comes_back() {
    space_comes_back(&Mem::<Notes>::new().expect("a map"), 100 << 10);
}

#[test]
fn space_on_disk_comes_back() {
    let dir = crate::isolated::memory_dir();
    let options = OpenOptions::new().create(true).auto_checkpoint(None);
    space_comes_back(&Disk::<Notes>::open_with(dir.path(), options).expect("a map"), 5_000);
}

#[test]
fn values_of_several_mebibytes_stay_while_they_are_held() {
    let map = Mem::<Notes>::new().expect("a map");
    const LEN: usize = 3 << 20;
    for key in 0..4 {
        map.insert(&key, &long(key, 0, LEN + key as usize)).expect("inserted");
    }
    let mut held: Vec<_> = (0..4).map(|key| (key, 0, map.get(&key).expect("read").expect("there"))).collect();
    for version in 1..6 {
        for key in 0..4 {
            let old = map.insert(&key, &long(key, version, LEN + key as usize)).expect("inserted").expect("there");
            held.push((key, version - 1, old));
        }
        map.compact().expect("compacted");
        // Some go early, from the middle.
        held.remove(held.len() / 2);
        for (key, version, value) in &held {
            assert_eq!(&**value, long(*key, *version, LEN + *key as usize), "{key} of version {version}");
        }
    }
    map.clear().expect("cleared");
    held.iter().for_each(|(key, version, value)| assert_eq!(**value, *long(*key, *version, LEN + *key as usize)));
    drop(held);
    rounds(&map, 30, 1 << 20);
    assert!(map.file_size() < 8 * (6 << 20) + (64 << 20), "{} bytes", map.file_size());
    assert!(map.verify().expect("verified").is_sound());
}

#[test]
fn a_value_outlives_clones_of_the_handle() {
    let map = Mem::<Texts>::new().expect("a map");
    map.insert("a", "one").expect("inserted");
    let held = {
        let other = map.clone();
        let held = map.get("a").expect("read").expect("there");
        other.insert("a", "two").expect("inserted");
        held
    };
    let own = {
        let other = map.clone();
        let held = other.get("a").expect("read").expect("there");
        map.remove("a").expect("removed").expect("there");
        map.clear().expect("cleared");
        held.into_owned().expect("owned")
    };
    assert_eq!((&*held, own.as_str()), ("one", "two"));
}

#[test]
fn a_held_value_costs_space_and_nobodys_time() {
    let map = &Mem::<Notes>::new().expect("a map");
    for key in 0..1_000 {
        map.insert(&key, &Notes::value(key)).expect("inserted");
    }
    let held = map.get(&1).expect("read").expect("there");
    let start = Instant::now();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let done = &done;
            scope.spawn(move || {
                let mut writes = 0;
                while !done.load(Ordering::Relaxed) || writes < 2_000 {
                    let key = (writes * 4 + thread) % 1_000;
                    map.insert(&key, &Notes::value(key)).expect("inserted").expect("there");
                    assert!(map.get(&key).expect("read").is_some());
                    writes += 1;
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
    });
    assert!(start.elapsed() < Duration::from_secs(30), "writers waited for a reader");
    assert_eq!(&*held, Notes::value(1));
}
