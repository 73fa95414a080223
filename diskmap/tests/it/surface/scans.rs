//! Walking a map that changes.

use super::*;

/// The longest scan there can be: the map doubles, and shrinks again, after every part.
#[test]
fn an_entry_that_stays_is_met_once_whatever_comes_and_goes() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, u64> = DiskHashMap::new_in(dir.path())?;
    map.try_extend((0..20_000).map(|n| (n, n)))?;
    let mut met = vec![0; 20_000];
    let (mut cursor, mut parts) = (Some(0), 0);
    while let Some(at) = cursor {
        let (part, next) = map.scan(at)?;
        for entry in part {
            let (key, value) = entry?;
            if let Some(count) = met.get_mut(usize::try_from(key)?) {
                *count += 1;
                assert_eq!(value, key);
            }
        }
        assert!(next.is_none_or(|next| next > at));
        cursor = next;
        parts += 1;
        match parts % 4 {
            1 => map.try_extend((20_000..60_000).map(|n| (n, n)))?,
            2 => map.checkpoint()?,
            3 => map.retain(|key, _| key < 20_000)?,
            _ => map.shrink_to_fit()?,
        }
    }
    assert!(parts > 4);
    assert!(met.iter().all(|count| *count == 1));
    Ok(())
}

#[test]
fn a_cursor_outlives_the_handle() -> Fallible {
    let dir = scratch();
    let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
    map.try_extend((0..20_000u64).map(|n| (n, n.to_string())))?;
    let (mut cursor, mut met) = (Some(0), Vec::new());
    while let Some(at) = cursor {
        let (part, next) = map.scan(at)?;
        for entry in part {
            met.push(entry?.0);
        }
        cursor = next;
        map.close()?;
        map = DiskHashMap::load_from(dir.path())?;
    }
    met.sort_unstable();
    assert!(met.into_iter().eq(0..20_000));
    Ok(())
}
