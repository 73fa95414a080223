//! The entry API.

use super::*;

#[test]
fn vacant() -> Fallible {
    let mut map = MemHashMap::<str, u64>::new();
    let MapEntry::Vacant(entry) = map.entry("a")? else { panic!("nothing is there") };
    assert_eq!(entry.key(), "a");
    assert_eq!(entry.insert(&1)?, 1);
    // Looking changes nothing.
    assert!(map.entry("b")?.is_vacant());
    assert_eq!(map.len(), 1);
    Ok(())
}

#[test]
fn occupied() -> Fallible {
    let mut map = MemHashMap::<str, String>::new();
    map.insert("a", "1")?;
    let MapEntry::Occupied(entry) = map.entry("a")? else { panic!("a is there") };
    assert_eq!((entry.key(), entry.get()?), ("a", "1"));
    assert_eq!(entry.insert("2")?, "1");
    let MapEntry::Occupied(entry) = map.entry("a")? else { panic!("a is there") };
    assert_eq!(entry.remove_entry()?, ("a", "2"));
    assert!(map.is_empty());
    let entry = map.entry("b")?.insert_entry("3")?;
    assert_eq!(entry.get()?, "3");
    assert_eq!(entry.remove()?, "3");
    assert!(map.is_empty());
    Ok(())
}

/// The view outlives the entry, as long as the map is borrowed.
#[test]
fn views_live_as_long_as_the_borrow_of_the_map() -> Fallible {
    fn longest<'m>(map: &'m mut MemHashMap<str, String>, key: &str) -> Result<&'m str> {
        map.entry(key)?.or_insert_with(|| key.repeat(2))
    }
    let mut map = MemHashMap::new();
    let view = longest(&mut map, "ab")?;
    assert_eq!(view, "abab");
    Ok(())
}

#[test]
fn counting_words() -> Fallible {
    let text = "the cat and the dog and the bird";
    let mut map = MemHashMap::<str, u64>::new();
    let mut model = HashMap::new();
    for word in text.split(' ') {
        map.entry(word)?.and_modify(|n| n + 1)?.or_insert(&1)?;
        *model.entry(word).or_insert(0) += 1;
    }
    let counted: HashMap<&str, u64> = map.iter().collect::<Result<_>>()?;
    assert_eq!(counted, model);
    Ok(())
}

/// The entry was looked up before the checkpoint; on disk, a checkpoint may begin between lookup and change.
#[test]
fn with_a_timer_between_lookup_and_change() -> Fallible {
    let dir = scratch();
    let every = Some(std::time::Duration::from_micros(50));
    let mut map: DiskHashMap<u64, [u64; 4]> =
        OpenOptions::new().create(true).auto_checkpoint(every).open(dir.path())?;
    for round in 0..20u64 {
        for n in 0..5_000u64 {
            let entry = map.entry(&n)?;
            if n % 500 == 0 {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
            match entry {
                MapEntry::Vacant(entry) => assert_eq!((entry.insert(&[n; 4])?, round), ([n; 4], 0)),
                MapEntry::Occupied(entry) => assert_eq!(entry.insert(&[n + round; 4])?, [n + round - 1; 4]),
            }
        }
    }
    assert_eq!(map.len(), 5_000);
    for n in 0..5_000 {
        assert_eq!(map.get(&n)?, Some([n + 19; 4]));
    }
    Ok(())
}
