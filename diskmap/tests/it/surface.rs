//! The surface as its users meet it: what infers, what the methods promise, and what happens when user code misbehaves.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    error::Error as StdError,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    rc::Rc,
    sync::Arc,
};

use diskmap::{
    ByteStore, Bytes, BytesMap, DiskHashMap, Drain, Encode, Error, ExtractIf, GetMany, Iter, MMapFile, MapEntry,
    MemHashMap, Native, OpenOptions, Result, SipBuildHasher, SliceStore, Str, StringU64Map, U64StringMap, U64U64Map,
    VecStore,
};
use rustc_hash::FxBuildHasher;

use crate::model::scratch;

type Fallible = std::result::Result<(), Box<dyn StdError>>;

/// Bytes that a directory takes on the medium.
fn bytes_on_disk(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().blocks() * 512).sum()
}

mod inference {
    use super::*;

    #[test]
    fn markers_and_underscores() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::new_in(dir.path())?;
        assert_eq!(map.insert(&1, "one")?, None);
        drop(map);
        let map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::load_from(dir.path())?;
        assert_eq!(map.get(&1)?, Some("one"));
        drop(map);
        // The same data under its plain names.
        let map: DiskHashMap<u64, String> = DiskHashMap::load_from(dir.path())?;
        assert_eq!(map.get(&1)?, Some("one"));
        drop(map);
        let map = U64StringMap::<_>::load_from(dir.path())?;
        assert_eq!(map.get(&1)?, Some("one"));
        Ok(())
    }

    #[test]
    fn every_constructor_with_underscores() -> Fallible {
        let dir = scratch();
        let at = |name: &str| dir.path().join(name);
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::with_capacity(at("a"), 10, 0, 100)?;
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::open(at("a"))?;
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::new();
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::new_in_slice(&mut vec![0; 16 << 10])?;
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::new_in_with_hasher(at("b"), SipBuildHasher::new())?;
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::load_from_with_hasher(at("b"), SipBuildHasher::new())?;
        let _: DiskHashMap<u64, str, _, _> = DiskHashMap::open_with_hasher(at("b"), SipBuildHasher::new())?;
        let _: DiskHashMap<u64, str, _, _> = OpenOptions::new().create(true).open(at("c"))?;
        let _: DiskHashMap<u64, str> = OpenOptions::default().open(at("c"))?;
        let _ = OpenOptions::new().hasher(SipBuildHasher::new()).open::<u64, str>(at("b"))?;
        let _ = MemHashMap::<u64, str>::new();
        let _ = U64U64Map::<VecStore>::new();
        let _ = BytesMap::new_in(at("d"))?;
        let _: StringU64Map<_> = StringU64Map::new_in(at("e"))?;
        assert_eq!(std::fs::read_dir(dir.path())?.count(), 5);
        Ok(())
    }

    #[test]
    fn numbers() -> Fallible {
        let mut map = MemHashMap::<u64, i8>::new();
        map.insert(&1, &-1)?;
        map.insert(&"2".parse()?, &"-2".parse()?)?;
        assert_eq!((map.get(&1)?, map.get(&"2".parse()?)?), (Some(-1), Some(-2)));
        assert!(map.update(&1, |n| n - 1)?);
        assert_eq!(map.entry(&3)?.or_insert(&5)?, 5);
        assert_eq!(map.entry(&3)?.and_modify(|n| n + 1)?.or_insert(&1)?, 6);
        assert_eq!(map.entry(&4)?.or_insert_with(|| 7)?, 7);
        assert_eq!(map.entry(&9)?.or_default()?, 0);
        let boxed = Box::new(1);
        assert_eq!(map.get(&boxed)?, Some(-2));
        map.try_extend([(10, 1), (11, 2)])?;
        let many: Vec<Option<i8>> = map.get_many(&[10, 11, 12]).collect::<Result<_>>()?;
        assert_eq!(many, [Some(1), Some(2), None]);
        Ok(())
    }

    #[test]
    fn closures_by_reference_and_by_value() -> Fallible {
        let mut map = MemHashMap::<Native<u64>, Native<u64>>::new();
        assert_eq!(map.entry(&1)?.or_insert_with(|| &250)?, 250);
        assert_eq!(map.entry(&2)?.or_insert_with(|| 251)?, 251);
        let mut map = MemHashMap::<Str, Str>::new();
        assert_eq!(map.entry("a")?.or_insert_with(|| "b")?, "b");
        assert_eq!(map.entry("c")?.or_insert_with(|| format!("{}", 1))?, "1");
        assert_eq!(map.entry("d")?.or_insert_with_key(|key| key.to_uppercase())?, "D");
        assert!(map.update("a", |old| format!("{old}{old}"))?);
        assert_eq!(map.get("a")?, Some("bb"));
        Ok(())
    }

    #[test]
    fn every_kind_of_text_is_a_query() -> Fallible {
        let mut map = MemHashMap::<String, String>::new();
        map.insert("key", "value")?;
        let owned = String::from("key");
        let reference: &str = &owned;
        assert_eq!(map.get(&owned)?, Some("value"));
        assert_eq!(map.get(reference)?, Some("value"));
        assert_eq!(map.get(&reference)?, Some("value"));
        assert_eq!(map.get::<Box<str>>(&"key".into())?, Some("value"));
        assert_eq!(map.get(&*Box::<str>::from("key"))?, Some("value"));
        assert_eq!(map.get(&Cow::Borrowed("key"))?, Some("value"));
        assert_eq!(map.get(&Cow::<str>::Owned("key".into()))?, Some("value"));
        assert_eq!(map.get(&Rc::<str>::from("key"))?, Some("value"));
        assert_eq!(map.get(&Arc::<str>::from("key"))?, Some("value"));
        assert_eq!(map.insert(&Arc::<str>::from("key"), &Cow::Borrowed("other"))?, Some("value"));
        assert_eq!(map.get_many(&["key", "none"]).collect::<Result<Vec<_>>>()?, [Some("other"), None]);
        assert_eq!(map.get_many(std::slice::from_ref(&owned)).collect::<Result<Vec<_>>>()?, [Some("other")]);
        map.try_extend([("a", "b"), ("c", "d")])?;
        map.try_extend(vec![(String::from("e"), Box::<str>::from("f"))])?;
        assert_eq!(map.len(), 4);
        Ok(())
    }

    #[test]
    fn every_kind_of_bytes_is_a_query() -> Fallible {
        let mut map = MemHashMap::<Bytes, Bytes>::new();
        map.insert(b"key", b"value")?;
        let value = Some(&b"value"[..]);
        assert_eq!(map.get(b"key")?, value);
        assert_eq!(map.get(&b"key"[..])?, value);
        assert_eq!(map.get("key".as_bytes())?, value);
        assert_eq!(map.get(&b"key".to_vec())?, value);
        assert_eq!(map.get(&Box::<[u8]>::from(&b"key"[..]))?, value);
        assert_eq!(map.get(&Cow::Borrowed(&b"key"[..]))?, value);
        assert_eq!(map.get(&Rc::<[u8]>::from(&b"key"[..]))?, value);
        assert_eq!(map.get(&Arc::<[u8]>::from(&b"key"[..]))?, value);
        Ok(())
    }

    #[test]
    fn tuples_of_references() -> Fallible {
        let name = String::from("bolt");
        let mut map = MemHashMap::<(u32, String), (u16, Vec<u8>)>::new();
        map.insert(&(1, &name), &(2, b"k"))?;
        map.insert(&(2, "nut"), &(3, name.as_bytes()))?;
        assert_eq!(map.get(&(1, "bolt"))?, Some((2, &b"k"[..])));
        assert_eq!(map.get(&(2, String::from("nut")))?, Some((3, &b"bolt"[..])));
        assert_eq!(map.get(&(3, &name))?, None);
        let mut nested = MemHashMap::<((u8, Str), Bytes), Option<u32>>::new();
        nested.insert(&((1, "a"), b"b"), &Some(1))?;
        assert_eq!(nested.get(&((1, "a"), b"b"))?, Some(Some(1)));
        Ok(())
    }
}

mod entries {
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
}

mod traits {
    use super::*;

    #[test]
    fn debug_shows_entries() -> Fallible {
        let mut map = MemHashMap::<u64, str>::default();
        assert_eq!(format!("{map:?}"), "{}");
        map.insert(&1, "one")?;
        assert_eq!(format!("{map:?}"), r#"{1: "one"}"#);
        map.insert(&2, "two")?;
        let shown = format!("{map:?}");
        assert!(shown == r#"{1: "one", 2: "two"}"# || shown == r#"{2: "two", 1: "one"}"#, "{shown}");
        let dir = scratch();
        let mut map: DiskHashMap<(u8, bool), Option<char>> = DiskHashMap::new_in(dir.path())?;
        map.insert(&(1, true), &Some('x'))?;
        assert_eq!(format!("{map:?}"), "{(1, true): Some('x')}");
        Ok(())
    }

    #[test]
    fn collect_extend_clone_compare() -> Fallible {
        let mut map: MemHashMap<str, u64> = ["a", "b"].into_iter().zip(1..).collect();
        let empty = MemHashMap::<str, u64>::default();
        assert!(empty.is_empty() && empty != map);
        map.extend([("c", 3), ("a", 9)]);
        assert_eq!(map.iter().collect::<Result<BTreeMap<_, _>>>()?, BTreeMap::from([("a", 9), ("b", 2), ("c", 3)]));
        let mut copy = map.clone();
        assert_eq!(copy, map);
        copy.insert("b", &7)?;
        assert_ne!(copy, map);
        assert_eq!((map.get("b")?, copy.get("b")?), (Some(2), Some(7)));
        copy.insert("b", &2)?;
        assert_eq!(copy, map);
        copy.remove("a")?;
        assert!(copy != map);
        assert!(map != copy);
        Ok(())
    }

    #[test]
    fn a_clone_keeps_the_hasher() -> Fallible {
        let mut map = MemHashMap::<u64, u64, _>::new_with_hasher(SipBuildHasher::with_key([7; 16]))?;
        (0..1_000).try_for_each(|n| map.insert(&n, &n).map(|_| ()))?;
        let copy = map.clone();
        assert_eq!(map.keys().collect::<Result<Vec<_>>>()?, copy.keys().collect::<Result<Vec<_>>>()?);
        Ok(())
    }

    #[test]
    fn copies_between_all_stores() -> Fallible {
        let dir = scratch();
        let mut memory: MemHashMap<u64, String> = (0..10_000u64).map(|n| (n, n.to_string())).collect();
        let mut disk: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
        disk.insert(&1, "overwritten")?;
        disk.insert(&10_000, "kept")?;
        disk.copy_from(&memory)?;
        assert_eq!((disk.len(), disk.get(&1)?, disk.get(&10_000)?), (10_001, Some("1"), Some("kept")));
        let bytes = DiskHashMap::<u64, String, SliceStore<'_>>::required_bytes(10_001, 0, 100_000);
        let mut slice = vec![0; bytes];
        let mut slice: DiskHashMap<u64, String, _> = DiskHashMap::new_in_slice(&mut slice)?;
        slice.copy_from(&disk)?;
        memory.insert(&10_000, "kept")?;
        let mut back = MemHashMap::<u64, String>::new();
        back.copy_from(&slice)?;
        assert_eq!(back, memory);
        let mut other = MemHashMap::<u64, String, _>::new_with_hasher(SipBuildHasher::new())?;
        other.copy_from(&slice)?;
        assert_eq!(other.len(), 10_001);
        assert!((0..10_000u64).all(|n| other.get(&n).unwrap() == Some(n.to_string().as_str())));
        Ok(())
    }

    #[test]
    fn what_is_send_and_sync() {
        fn both<T: Send + Sync>() {}
        both::<DiskHashMap<u64, String>>();
        both::<DiskHashMap<Str, Bytes, MMapFile, SipBuildHasher>>();
        both::<MemHashMap<str, [u8]>>();
        both::<DiskHashMap<u64, u64, SliceStore<'_>>>();
        both::<Iter<'_, u64, String, MMapFile, FxBuildHasher>>();
        both::<Drain<'_, u64, String, MMapFile, FxBuildHasher>>();
        both::<ExtractIf<'_, u64, String, fn(u64, &str) -> bool, MMapFile, FxBuildHasher>>();
        both::<MapEntry<'_, '_, u64, String, u64>>();
        both::<GetMany<'_, '_, u64, String, u64, MMapFile, FxBuildHasher>>();
        both::<OpenOptions>();
        both::<Error>();
    }

    #[test]
    fn many_threads_read_and_another_one_writes_on() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
        map.try_extend((0..10_000u64).map(|n| (n, n.to_string())))?;
        std::thread::scope(|scope| {
            for part in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for n in (part..10_000).step_by(4) {
                        assert_eq!(map.get(&n).unwrap(), Some(n.to_string().as_str()));
                    }
                });
            }
        });
        let map = std::thread::spawn(move || map.insert(&0, "zero").map(|_| ()).map(|()| map)).join().unwrap()?;
        assert_eq!(map.get(&0)?, Some("zero"));
        Ok(())
    }

    #[test]
    fn errors_become_io_errors() {
        let dir = scratch();
        let error = DiskHashMap::<u64, u64>::load_from(dir.path()).err().unwrap();
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
    }
}

mod batches {
    use super::*;

    #[test]
    fn get_many_knows_its_length() -> Fallible {
        let mut map = MemHashMap::<u64, u64>::new();
        map.try_extend((0..100).map(|n| (n, n * n)))?;
        for count in [0, 1, 23, 24, 25, 31, 32, 33, 100, 200] {
            let keys: Vec<u64> = (0..count).collect();
            let mut values = map.get_many(&keys);
            for left in (0..count).rev() {
                assert_eq!(values.len() as u64, left + 1);
                let n = count - left - 1;
                assert_eq!(values.next().unwrap()?, (n < 100).then_some(n * n));
            }
            assert_eq!(values.size_hint(), (0, Some(0)));
            assert!(values.next().is_none() && values.next().is_none());
        }
        // Views outlive the iterator and the keys.
        let mut map = MemHashMap::<str, str>::new();
        map.insert("a", "b")?;
        let view = {
            let keys = [String::from("a")];
            map.get_many(&keys).next().unwrap()?
        };
        assert_eq!(view, Some("b"));
        Ok(())
    }

    #[test]
    fn a_key_that_cannot_be_encoded_fails_alone() -> Fallible {
        let mut map = MemHashMap::<(i32, i32), u64>::new();
        map.insert(&(1, 0), &10)?;
        let keys = [Odd::good(1), Odd { claims: 7, ..Odd::good(1) }, Odd { fails: true, ..Odd::good(1) }, Odd::good(1)];
        let values: Vec<_> = map.get_many(&keys).collect();
        assert!(matches!(
            values[..],
            [Ok(Some(10)), Err(Error::Encode { .. }), Err(Error::Encode { .. }), Ok(Some(10))]
        ));
        Ok(())
    }

    #[test]
    fn later_entries_win() -> Fallible {
        let mut map = MemHashMap::<u64, u64>::new();
        map.try_extend((0..1_000).map(|n| (n % 7, n)))?;
        assert_eq!(map.len(), 7);
        assert!((0..7).all(|n| map.get(&n).unwrap() == Some((0..1_000).rfind(|i| i % 7 == n).unwrap())));
        map.try_extend(std::iter::empty::<(u64, u64)>())?;
        assert_eq!(map.len(), 7);
        Ok(())
    }
}

mod size {
    use super::*;

    fn random(n: u64) -> u64 {
        fastrand::Rng::with_seed(n).u64(..)
    }

    #[test]
    fn a_capacity_is_enough() -> Fallible {
        for count in [1, 10, 64, 100, 1_000, 4_000, 30_000, 200_000] {
            let dir = scratch();
            let mut map: DiskHashMap<u64, u64> = DiskHashMap::with_capacity(dir.path(), count, 0, 0)?;
            assert!(map.capacity() >= count);
            let (segments, slots, bytes) = (map.stats().segments, map.stats().slots, map.file_size());
            for n in 0..count {
                map.insert(&random(n), &n)?;
            }
            let stats = map.stats();
            assert_eq!((stats.segments, stats.slots, map.file_size()), (segments, slots, bytes), "{count} entries");
            // And not much more than enough.
            assert!(count < 64 || map.load_factor() > 0.3, "{count}: {}", map.load_factor());
        }
        Ok(())
    }

    #[test]
    fn a_capacity_for_text_is_enough() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<str, str> = DiskHashMap::with_capacity(dir.path(), 50_000, 50_000 * 8, 50_000 * 20)?;
        let (segments, bytes) = (map.stats().segments, map.file_size());
        for n in 0..50_000 {
            map.insert(&format!("{n:08}"), &format!("{n:020}"))?;
        }
        assert_eq!((map.stats().segments, map.file_size()), (segments, bytes));
        Ok(())
    }

    #[test]
    fn reserve_makes_room_for_more() -> Fallible {
        let mut map = MemHashMap::<u64, [u8; 20]>::new();
        map.try_extend((0..1_000).map(|n| (random(n), [1; 20])))?;
        map.reserve(20_000)?;
        assert!(map.capacity() >= 21_000);
        let before = map.stats();
        map.reserve(0)?;
        map.reserve(20_000)?;
        map.try_extend((1_000..21_000).map(|n| (random(n), [1; 20])))?;
        assert_eq!((map.stats().segments, map.stats().slots), (before.segments, before.slots));
        assert!((0..21_000).all(|n| map.get(&random(n)).unwrap() == Some([1; 20])));
        Ok(())
    }

    #[test]
    fn the_load_factor_is_entries_per_slot() -> Fallible {
        let mut map = MemHashMap::<u64, u64>::new();
        assert_eq!(map.load_factor(), 0.0);
        for n in 0..100_000 {
            map.insert(&n, &n)?;
            if n % 5_000 == 0 {
                assert!(map.capacity() >= map.len());
                let stats = map.stats();
                assert_eq!(map.load_factor(), stats.entries as f64 / stats.slots as f64);
            }
        }
        assert!((0.4..0.95).contains(&map.load_factor()), "{}", map.load_factor());
        Ok(())
    }

    #[test]
    fn an_empty_map_is_small() -> Fallible {
        let dir = scratch();
        let map: DiskHashMap<str, str> = DiskHashMap::new_in(dir.path())?;
        assert!(map.capacity() > 0 && map.load_factor() == 0.0);
        map.close()?;
        assert!(bytes_on_disk(dir.path()) < 256 << 10, "{}", bytes_on_disk(dir.path()));
        Ok(())
    }

    /// Fills, empties and refills a map in one session.
    fn refill<K, V, QK, QV>(count: u64, key: impl Fn(u64) -> QK, value: impl Fn(u64) -> QV)
    where
        K: ?Sized + diskmap::DiskKey + Encode<QK>,
        V: ?Sized + Encode<QV>,
    {
        let dir = scratch();
        let mut map: DiskHashMap<K, V> = DiskHashMap::new_in(dir.path()).unwrap();
        let fill = |map: &mut DiskHashMap<K, V>| {
            for n in 0..count {
                assert!(map.insert(&key(n), &value(n)).unwrap().is_none());
            }
        };
        fill(&mut map);
        let full = map.file_size();
        for _ in 0..3 {
            for n in 0..count {
                assert!(map.remove(&key(n)).unwrap().is_some());
            }
            assert!(map.is_empty());
            fill(&mut map);
            let now = map.file_size();
            assert!(now as f64 <= full as f64 * 1.05, "{count}: grew from {full} to {now} bytes");
        }
        map.retain(|_, _| false).unwrap();
        fill(&mut map);
        map.clear().unwrap();
        fill(&mut map);
        // Clearing puts one new segment beside those that are there.
        let now = map.file_size();
        assert!(now as f64 <= full as f64 * 1.05 + 160_000.0, "{count}: grew from {full} to {now} bytes");

        map.retain(|_, _| false).unwrap();
        map.shrink_to_fit().unwrap();
        assert!(map.file_size() < 1 << 20);
        map.close().unwrap();
        assert!(bytes_on_disk(dir.path()) < 1 << 20, "{} bytes of nothing", bytes_on_disk(dir.path()));
        let map = DiskHashMap::<K, V>::load_from(dir.path()).unwrap();
        assert!(map.is_empty() && map.file_size() < 1 << 20);
    }

    #[test]
    fn emptied_and_filled_again_it_does_not_grow() {
        for count in [10, 1_000, 20_000, 100_000] {
            refill::<u64, u64, _, _>(count, |n| n, |n| n);
            refill::<str, u64, _, _>(count, |n| format!("key {n}"), |n| n);
            refill::<u64, str, _, _>(count, |n| n, |n| "v".repeat(n as usize * 31 % 257));
        }
        refill::<u64, [u64; 4], _, _>(50_000, |n| n, |n| [n; 4]);
    }

    /// Records of all lengths come and go: what is freed is used again.
    #[test]
    fn overwriting_does_not_grow() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<u64, Bytes> = DiskHashMap::new_in(dir.path())?;
        let mut rng = fastrand::Rng::with_seed(1);
        let value = [7; 600];
        let mut settled = 0;
        for round in 0..300_000 {
            map.insert(&rng.u64(..1_000), &value[..rng.usize(1..600)])?;
            if round == 100_000 {
                settled = map.file_size();
            }
        }
        assert!(map.file_size() <= settled * 11 / 10, "{settled} to {}", map.file_size());
        assert!(map.file_size() < 16 << 20, "{}", map.file_size());
        Ok(())
    }

    #[test]
    fn overwriting_under_checkpoints_stays_bounded() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<u64, Bytes> =
            OpenOptions::new().create(true).auto_checkpoint(None).open(dir.path())?;
        let mut rng = fastrand::Rng::with_seed(2);
        let value = [7; 600];
        for _ in 0..60 {
            for _ in 0..1_000 {
                map.insert(&rng.u64(..1_000), &value[..rng.usize(1..600)])?;
            }
            map.checkpoint()?;
        }
        // The map, and what the last checkpoint kept of it.
        assert!(map.file_size() < 8 << 20, "{}", map.file_size());
        let stats = map.stats();
        assert!(stats.heap_bytes < 4 << 20, "{stats:?}");
        Ok(())
    }

    /// Shrinking keeps what is there, wherever it lies.
    #[test]
    fn shrinking_keeps_the_rest() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<u64, String> = DiskHashMap::new_in(dir.path())?;
        map.try_extend((0..200_000u64).map(|n| (n, n.to_string())))?;
        let full = map.file_size();
        map.retain(|key, _| key.is_multiple_of(1_000))?;
        map.shrink_to_fit()?;
        assert!(map.stats().segments == 1 && map.file_size() < full, "{:?}", map.stats());
        let check = |map: &DiskHashMap<u64, String>| {
            assert_eq!(map.len(), 200);
            assert!((0..200_000u64).step_by(500).all(|n| {
                let there = n.is_multiple_of(1_000).then(|| n.to_string());
                map.get(&n).unwrap() == there.as_deref()
            }));
        };
        check(&map);
        map.close()?;
        check(&DiskHashMap::load_from(dir.path())?);
        Ok(())
    }
}

/// A query that misbehaves as it is told.
#[derive(Clone, Copy)]
struct Odd {
    number: u64,
    announces: usize,
    writes: usize,
    claims: usize,
    fails: bool,
    panics: bool,
}

impl Odd {
    /// What a good `Encode` would do for 8 bytes.
    fn good(number: u64) -> Odd {
        Odd { number, announces: 8, writes: 8, claims: 8, fails: false, panics: false }
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let bytes = self.number.to_le_bytes();
        for (i, byte) in out.iter_mut().take(self.writes).enumerate() {
            *byte = bytes[i % 8];
        }
        if self.panics {
            panic!("told to");
        }
        if self.fails {
            return Err(Error::Encode { what: "told to".into() });
        }
        Ok(self.claims)
    }
}

impl Encode<Odd> for Bytes {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

// Not for a number: those infer because each takes one type only.
impl Encode<Odd> for (i32, i32) {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

impl Encode<Odd> for Str {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

impl Encode<Odd> for [i32; 8] {
    fn encoded_len(q: &Odd) -> Result<usize> {
        Ok(q.announces)
    }

    fn encode_into(q: &Odd, out: &mut [u8]) -> Result<usize> {
        q.write(out)
    }
}

mod misbehaving {
    use super::*;

    fn is_encode<T>(result: &Result<T>) -> bool {
        matches!(result, Err(Error::Encode { .. }))
    }

    fn panics<T>(work: impl FnOnce() -> T) -> bool {
        catch_unwind(AssertUnwindSafe(work)).is_err()
    }

    /// Claims that cannot be true of a side of eight bytes.
    fn wrong() -> Vec<Odd> {
        let good = Odd::good(1);
        [0, 1, 7, 9, 16, 127, 128, 129, 1 << 20, u32::MAX as usize, usize::MAX]
            .into_iter()
            .map(|claims| Odd { claims, ..good })
            .chain([Odd { fails: true, ..good }, Odd { announces: 16, claims: 16, ..good }])
            .collect()
    }

    #[test]
    fn wrong_lengths_of_fixed_values() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<u64, (i32, i32)> = DiskHashMap::new_in(dir.path())?;
        map.insert(&1, &(10, 10))?;
        for odd in wrong() {
            assert!(is_encode(&map.insert(&1, &odd)), "{}", odd.claims);
            assert!(is_encode(&map.insert(&2, &odd)));
            assert!(is_encode(&map.try_insert(&2, &odd)));
            assert!(is_encode(&map.update(&1, |_| odd)));
            assert!(is_encode(&map.entry(&2)?.or_insert(&odd)));
            assert!(is_encode(&map.entry(&2)?.or_insert_with(|| odd)));
            assert!(is_encode(&map.entry(&1)?.and_modify(|_| odd).map(|_| ())));
            assert!(is_encode(&map.try_extend([(1, odd)])));
        }
        assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(1, (10, 10))]);
        let mut map = MemHashMap::<u64, [i32; 8]>::new();
        map.insert(&1, &[10; 8])?;
        for odd in wrong() {
            assert!(is_encode(&map.insert(&1, &odd)), "{}", odd.claims);
            assert!(is_encode(&map.insert(&2, &odd)));
        }
        assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(1, [10; 8])]);
        Ok(())
    }

    #[test]
    fn wrong_lengths_of_fixed_keys() -> Fallible {
        let mut map = MemHashMap::<(i32, i32), u64>::new();
        map.insert(&(1, 0), &10)?;
        for odd in wrong() {
            assert!(is_encode(&map.insert(&odd, &1)), "{}", odd.claims);
            assert!(is_encode(&map.get(&odd)));
            assert!(is_encode(&map.contains_key(&odd)));
            assert!(is_encode(&map.remove(&odd)));
            assert!(is_encode(&map.entry(&odd).map(|_| ())));
            assert!(is_encode(&map.try_extend([(odd, 1)])));
        }
        assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [((1, 0), 10)]);
        Ok(())
    }

    #[test]
    fn wrong_lengths_of_records() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<Bytes, Bytes> = DiskHashMap::new_in(dir.path())?;
        map.insert(b"a", b"1")?;
        let good = Odd::good(1);
        for claims in [9, 16, 1 << 20, usize::MAX] {
            let odd = Odd { claims, ..good };
            assert!(is_encode(&map.insert(b"a", &odd)), "{claims}");
            assert!(is_encode(&map.insert(b"b", &odd)));
            assert!(is_encode(&map.insert(&odd, b"1")));
            assert!(is_encode(&map.get(&odd)));
            assert!(is_encode(&map.entry(b"a")?.and_modify(|_| odd).map(|_| ())));
        }
        assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(&b"a"[..], &b"1"[..])]);
        // Less than announced is allowed.
        map.insert(b"b", &Odd { announces: 1_000, ..good })?;
        map.insert(&Odd { announces: 1_000, claims: 3, ..good }, b"2")?;
        assert_eq!(map.get(b"b")?, Some(&1u64.to_le_bytes()[..]));
        assert_eq!(map.get(b"\x01\0\0")?, Some(&b"2"[..]));
        map.close()?;
        let map: DiskHashMap<Bytes, Bytes> = DiskHashMap::load_from(dir.path())?;
        assert_eq!((map.len(), map.get(b"\x01\0\0")?), (3, Some(&b"2"[..])));
        Ok(())
    }

    /// Text that is none can be stored by a wrong `Encode`, but never comes back as a `&str`.
    #[test]
    fn what_is_not_text_is_never_read_as_text() -> Fallible {
        let mut map = MemHashMap::<u64, Str>::new();
        map.insert(&1, "one")?;
        let _ = map.insert(&2, &Odd::good(u64::MAX));
        assert!(matches!(map.get(&2), Err(Error::Corrupt { .. }) | Ok(None)));
        let readable: Vec<_> = map.iter().flatten().collect();
        assert_eq!(readable, [(1, "one")]);
        assert_eq!(map.get(&1)?, Some("one"));
        // It can be got rid of.
        map.clear()?;
        assert!(map.is_empty());
        Ok(())
    }

    /// Nothing a failed call allocated stays allocated.
    #[test]
    fn failing_again_and_again_leaks_nothing() -> Fallible {
        let dir = scratch();
        let mut map: DiskHashMap<Bytes, Bytes> = DiskHashMap::new_in(dir.path())?;
        map.insert(b"a", &[1; 1000])?;
        let (size, heap) = (map.file_size(), map.stats().heap_bytes);
        let odd = Odd { announces: 30_000, fails: true, ..Odd::good(1) };
        for _ in 0..2_000 {
            assert!(is_encode(&map.insert(b"a", &odd)));
            assert!(is_encode(&map.insert(b"b", &odd)));
        }
        for _ in 0..100 {
            assert!(panics(|| map.insert(b"a", &Odd { panics: true, ..odd }).map(|_| ())));
        }
        assert!(map.file_size() <= size + (1 << 20), "{size} to {}", map.file_size());
        assert!(map.stats().heap_bytes <= heap + (128 << 10));
        assert_eq!(map.get(b"a")?, Some(&[1; 1000][..]));
        Ok(())
    }

    fn panic_everywhere<BS: ByteStore>(map: &mut DiskHashMap<Bytes, Bytes, BS>) -> Result<()> {
        for n in 0..1_000u64 {
            map.insert(&n.to_le_bytes(), &n.to_be_bytes())?;
        }
        let odd = Odd { panics: true, ..Odd::good(5) };
        let key = &5u64.to_le_bytes();
        assert!(panics(|| map.insert(key, &odd).map(|_| ())));
        assert!(panics(|| map.insert(b"new", &odd).map(|_| ())));
        assert!(panics(|| map.insert(&odd, b"value").map(|_| ())));
        assert!(panics(|| map.try_insert(b"new", &odd)));
        assert!(panics(|| map.get(&odd).map(|_| ())));
        assert!(panics(|| map.remove(&odd).map(|_| ())));
        assert!(panics(|| map.update(key, |_| -> Vec<u8> { panic!("told to") })));
        assert!(panics(|| map.update(key, |_| odd)));
        assert!(panics(|| map.get_or_insert_with(b"new", || -> Vec<u8> { panic!("told to") }).map(|_| ())));
        assert!(panics(|| map.entry(b"new").unwrap().or_insert_with(|| odd).map(|_| ())));
        assert!(panics(|| map.entry(key).unwrap().and_modify(|_| -> Vec<u8> { panic!("told to") }).map(|_| ())));
        assert!(panics(|| map.entry(key).unwrap().insert_entry(&odd).map(|_| ())));
        assert!(panics(|| map.get_many(&[odd]).count()));
        assert_eq!(map.len(), 1_000);
        for n in 0..1_000u64 {
            assert_eq!(map.get(&n.to_le_bytes())?, Some(&n.to_be_bytes()[..]));
        }

        // These remove or insert what came before the panic.
        let mut left = 10;
        let mut stop = || {
            left -= 1;
            assert!(left > 0, "told to");
        };
        assert!(panics(|| map.retain(|_, _| {
            stop();
            false
        })));
        assert_eq!(map.len(), 991);
        left = 10;
        let mut stop = || {
            left -= 1;
            assert!(left > 0, "told to");
        };
        assert!(panics(|| map
            .extract_if(|_, _| {
                stop();
                true
            })
            .for_each(|entry| drop(entry.unwrap()))));
        assert_eq!(map.len(), 982);
        let entries = (0..100u32).map(|n| {
            assert!(n < 50, "told to");
            (n.to_le_bytes(), n.to_le_bytes())
        });
        assert!(panics(|| map.try_extend(entries)));
        let added = map.len() - 982;
        assert!(added <= 50);
        let unique = map.keys().map(Result::unwrap).collect::<std::collections::HashSet<_>>().len();
        assert_eq!(unique as u64, map.len());
        map.checkpoint()?;
        assert!(panics(|| {
            let mut drain = map.drain();
            drain.next();
            panic!("told to");
        }));
        assert!(map.is_empty());
        map.insert(b"usable", b"yes")?;
        assert_eq!(map.iter().collect::<Result<Vec<_>>>()?, [(&b"usable"[..], &b"yes"[..])]);
        Ok(())
    }

    #[test]
    fn panics_leave_the_map_usable() -> Fallible {
        panic_everywhere(&mut MemHashMap::new())?;
        panic_everywhere(&mut DiskHashMap::new_in_slice(&mut vec![0; 1 << 20])?)?;
        let dir = scratch();
        let mut map = BytesMap::new_in(dir.path())?;
        panic_everywhere(&mut map)?;
        map.close()?;
        let map: BytesMap = BytesMap::load_from(dir.path())?;
        assert_eq!((map.len(), map.get(b"usable")?), (1, Some(&b"yes"[..])));
        Ok(())
    }
}

mod scans {
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
}
