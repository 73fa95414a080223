//! The loops that are counted: callgrind counts from where one of these is entered until it is left.
//!
//! Must not prepare or prove anything. Invariant: each is a function of its own that is never inlined, is entered once, and
//! does nothing an operation but the operation and the sum of what it gave.

use anyhow::Result;
use diskmap::DiskHashMap;
use diskmap_concurrent::DiskDashMap;

/// Looks keys up; how many there are and the sum of their values.
#[inline(never)]
pub(crate) fn get(map: &DiskHashMap<u64, u64>, keys: &[u64]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for key in keys {
        if let Some(value) = map.get(key)? {
            found += 1;
            sum = sum.wrapping_add(value);
        }
    }
    Ok((found, sum))
}

/// The same of text.
#[inline(never)]
pub(crate) fn get_text(map: &DiskHashMap<String, u64>, keys: &[&str]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for key in keys {
        if let Some(value) = map.get(*key)? {
            found += 1;
            sum = sum.wrapping_add(value);
        }
    }
    Ok((found, sum))
}

/// The same of text that is a value; the sum of its lengths.
#[inline(never)]
pub(crate) fn get_text_value(map: &DiskHashMap<u64, String>, keys: &[u64]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for key in keys {
        if let Some(value) = map.get(key)? {
            found += 1;
            sum = sum.wrapping_add(value.len() as u64);
        }
    }
    Ok((found, sum))
}

/// Looks keys up in one batch.
#[inline(never)]
pub(crate) fn get_many(map: &DiskHashMap<u64, u64>, keys: &[u64]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for value in map.get_many(keys) {
        if let Some(value) = value? {
            found += 1;
            sum = sum.wrapping_add(value);
        }
    }
    Ok((found, sum))
}

/// Inserts entries one by one; how many replaced another, and the sum of those.
#[inline(never)]
pub(crate) fn insert(map: &mut DiskHashMap<u64, u64>, entries: &[(u64, u64)]) -> Result<(usize, u64)> {
    let (mut replaced, mut sum) = (0, 0_u64);
    for (key, value) in entries {
        if let Some(old) = map.insert(key, value)? {
            replaced += 1;
            sum = sum.wrapping_add(old);
        }
    }
    Ok((replaced, sum))
}

/// The same with keys of text.
#[inline(never)]
pub(crate) fn insert_text(map: &mut DiskHashMap<String, u64>, entries: &[(&str, u64)]) -> Result<(usize, u64)> {
    let (mut replaced, mut sum) = (0, 0_u64);
    for (key, value) in entries {
        if let Some(old) = map.insert(*key, value)? {
            replaced += 1;
            sum = sum.wrapping_add(old);
        }
    }
    Ok((replaced, sum))
}

/// Removes keys; how many there were and the sum of their values.
#[inline(never)]
pub(crate) fn remove(map: &mut DiskHashMap<u64, u64>, keys: &[u64]) -> Result<(usize, u64)> {
    let (mut removed, mut sum) = (0, 0_u64);
    for key in keys {
        if let Some(value) = map.remove(key)? {
            removed += 1;
            sum = sum.wrapping_add(value);
        }
    }
    Ok((removed, sum))
}

/// Inserts entries in one batch.
#[inline(never)]
pub(crate) fn try_extend(map: &mut DiskHashMap<u64, u64>, entries: &[(u64, u64)]) -> Result<()> {
    Ok(map.try_extend(entries.iter().copied())?)
}

/// Reads all entries; how many, and the sum of their values.
#[inline(never)]
pub(crate) fn iterate(map: &DiskHashMap<u64, u64>) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for entry in map {
        found += 1;
        sum = sum.wrapping_add(entry?.1);
    }
    Ok((found, sum))
}

/// Looks keys up in the concurrent map, copying.
#[inline(never)]
pub(crate) fn get_copied(map: &DiskDashMap<u64, u64>, keys: &[u64]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for key in keys {
        if let Some(value) = map.get_copied(key)? {
            found += 1;
            sum = sum.wrapping_add(value);
        }
    }
    Ok((found, sum))
}

/// Looks texts up in the concurrent map, holding each value.
#[inline(never)]
pub(crate) fn get_guarded(map: &DiskDashMap<String, u64>, keys: &[&str]) -> Result<(usize, u64)> {
    let (mut found, mut sum) = (0, 0_u64);
    for &key in keys {
        if let Some(value) = map.get(key)? {
            found += 1;
            sum = sum.wrapping_add(value.value());
        }
    }
    Ok((found, sum))
}

/// Inserts entries into the concurrent map one by one; how many replaced another, and the sum of those.
#[inline(never)]
pub(crate) fn insert_shared(map: &DiskDashMap<u64, u64>, entries: &[(u64, u64)]) -> Result<(usize, u64)> {
    let (mut replaced, mut sum) = (0, 0_u64);
    for (key, value) in entries {
        if let Some(old) = map.insert(key, value)? {
            replaced += 1;
            sum = sum.wrapping_add(old.value());
        }
    }
    Ok((replaced, sum))
}
