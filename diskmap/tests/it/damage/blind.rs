//! Damage that knows nothing of the format: flipped bytes, cut files, garbage, files in the wrong place.

use super::*;

/// Every used byte, and some of those that are 0.
pub(super) fn flips<T: Sample>(cases: &mut Cases, left: Left, step: usize) {
    let original = Original::<T>::new(left, 45);
    for (file, bytes) in &original.files {
        let small = matches!(*file, "MAP" | "checkpoint");
        for (at, &byte) in bytes.iter().enumerate() {
            let used = small || byte != 0 || *file != "heap" && bytes[at & !7..].iter().take(8).any(|&byte| byte != 0);
            if !(used && at % step == 0 || at % 487 == 0) {
                continue;
            }
            let flipped = if at % 2 == 0 { !byte } else { byte ^ 1 << (at / 2 % 8) };
            let damage = || original.write(file, at, &[flipped]);
            original.case(cases, || format!("byte {at} flipped"), file, at % 5 == 0, damage);
        }
    }
}

pub(super) fn truncations<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    for (file, bytes) in &original.files {
        for len in (0..bytes.len()).step_by(64) {
            // Where there is nothing but zeros, page by page.
            let near = &bytes[len.saturating_sub(64)..bytes.len().min(len + 64)];
            if near.iter().all(|&byte| byte == 0) && len % 4096 != 0 && len % 4096 != 64 {
                continue;
            }
            let path = original.dir.join(file);
            let damage = || File::options().write(true).open(path).expect("a file").set_len(len as u64).expect("cut");
            original.case(cases, || format!("cut to {len} bytes"), file, len % 256 == 0, damage);
        }
    }
}

pub(super) fn garbage<T: Sample>(cases: &mut Cases, left: Left, entries: u64, count: u64) {
    let original = Original::<T>::new(left, entries);
    let seed = crate::isolated::seed(T::NAME);
    let mut rng = Rng::with_seed(seed);
    for number in 0..count {
        let (file, bytes) = &original.files[rng.usize(..original.files.len())];
        let at = rng.usize(..bytes.len());
        let len = [1, 8, 64, 4096, bytes.len()][rng.usize(..5)].min(bytes.len() - at);
        let mut new = vec![0; len];
        match rng.u32(..3) {
            0 => new.fill(rng.u8(..)),
            1 => new.copy_from_slice(&bytes[rng.usize(..=bytes.len() - len)..][..len]),
            _ => rng.fill(&mut new),
        }
        let name = || format!("garbage {number} of seed {seed}: {len} bytes at {at}");
        original.case(cases, name, file, true, || original.write(file, at, &new));
    }
}

/// Files that are missing, empty, too long, of another map, or in each other's place.
pub(super) fn swaps<T: Sample>(cases: &mut Cases, left: Left) {
    let original = Original::<T>::new(left, 45);
    let other = Original::<T>::new(left, 200);
    for (file, bytes) in &original.files {
        let path = original.dir.join(file);
        original.case(cases, || "missing".into(), file, true, || fs::remove_file(&path).expect("removed"));
        original.case(cases, || "empty".into(), file, true, || drop(File::create(&path).expect("emptied")));
        // A file that comes back has another inode; the checkpoint counts from here on, which has no checksums for `heap`.
        let directory = || {
            fs::remove_file(&path).expect("removed");
            fs::create_dir(&path).expect("a directory");
        };
        original.case(cases, || "a directory".into(), file, true, directory);
        let longer = || original.write(file, bytes.len(), &[0xAA; 5000]);
        original.case(cases, || "longer".into(), file, true, longer);
        let foreign = || fs::write(&path, other.bytes(file)).expect("written");
        original.case(cases, || "of another map".into(), file, true, foreign);
        for (second, second_bytes) in &original.files {
            let swap = || {
                fs::write(&path, second_bytes).expect("written");
                fs::write(original.dir.join(second), bytes).expect("written");
            };
            // Two files are damaged: the heap may be one of them.
            let worse = if *second == "heap" { second } else { file };
            original.case(cases, || format!("swapped with {second}"), worse, true, swap);
        }
    }
}
