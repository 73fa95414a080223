//! What users of the predecessor (`opendiskmap` 0.1.0) wrote: its README's examples with only the crate name changed, and
//! what broke there.

use std::error::Error as StdError;

use tempfile::tempdir;

use crate::model::scratch;

mod readme {
    use super::*;

    #[test]
    fn native_types() -> Result<(), Box<dyn StdError>> {
        use diskmap::{DiskHashMap, Native, Str};

        let dir = tempdir()?;
        let mut map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::new_in(dir.path())?;
        map.insert(&42, "Hello, World!")?;
        map.insert(&100, "Rust is awesome!")?;
        if let Some(value) = map.get(&42)? {
            assert_eq!(format!("Found: {}", value), "Found: Hello, World!");
        } else {
            panic!("42 is there");
        }
        assert_eq!(format!("Map size: {}", map.len()), "Map size: 2");
        drop(map);

        let map: DiskHashMap<Native<u64>, Str, _, _> = DiskHashMap::load_from(dir.path())?;
        assert_eq!(map.get(&42)?, Some("Hello, World!"));
        Ok(())
    }

    #[test]
    fn raw_bytes() -> Result<(), Box<dyn StdError>> {
        use diskmap::{Bytes, DiskHashMap};

        let dir = tempdir()?;
        let mut map: DiskHashMap<Bytes, Bytes, _, _> = DiskHashMap::new_in(dir.path())?;
        map.insert(b"key1", b"value1")?;
        map.insert(b"key2", b"value2")?;
        if let Some(value) = map.get(b"key1")? {
            assert_eq!(format!("Raw value: {:?}", value), "Raw value: [118, 97, 108, 117, 101, 49]");
            assert_eq!(format!("As string: {}", String::from_utf8_lossy(value)), "As string: value1");
        } else {
            panic!("key1 is there");
        }
        Ok(())
    }

    #[test]
    fn zero_copy() -> Result<(), Box<dyn StdError>> {
        use diskmap::{DiskHashMap, Native, types::Arch};
        use rkyv::{Archive, Deserialize, Serialize};

        #[derive(Archive, Deserialize, Serialize, Debug, PartialEq)]
        struct UserProfile {
            id: u32,
            name: String,
            email: String,
            scores: Vec<f64>,
        }

        let dir = tempdir()?;
        let mut map: DiskHashMap<Native<u64>, Arch<UserProfile>, _, _> = DiskHashMap::new_in(dir.path())?;
        let profile = UserProfile {
            id: 1,
            name: "Alice".to_string(),
            email: "alice@example.com".to_string(),
            scores: vec![95.5, 87.2, 92.8],
        };
        map.insert(&1001, &profile)?;
        if let Some(archived_profile) = map.get(&1001)? {
            assert_eq!(format!("User ID: {}", archived_profile.id), "User ID: 1");
            assert_eq!(format!("User name: {}", archived_profile.name), "User name: Alice");
            assert_eq!(format!("User email: {}", archived_profile.email), "User email: alice@example.com");
            assert_eq!(format!("First score: {}", archived_profile.scores[0]), "First score: 95.5");
        } else {
            panic!("1001 is there");
        }
        assert_eq!(map.get_owned(&1001)?, Some(profile));
        Ok(())
    }

    #[test]
    fn custom_capacity() -> Result<(), Box<dyn StdError>> {
        use diskmap::{Bytes, DiskHashMap};

        let dir = tempdir()?;
        let mut map: DiskHashMap<Bytes, Bytes, _, _> = DiskHashMap::with_capacity(
            dir.path(),
            1000,    // entries (-> 1024)
            64_000,  // key storage bytes (-> 65536)
            128_000, // value storage bytes (-> 131072)
        )?;
        assert!(map.capacity() >= 1000, "Capacity: {}", map.capacity());
        for i in 0..500 {
            map.insert(format!("key_{}", i).as_bytes(), format!("value_{}", i).as_bytes())?;
        }
        assert_eq!(map.len(), 500);
        assert_eq!(map.get(b"key_499")?, Some(&b"value_499"[..]));
        Ok(())
    }

    #[test]
    fn type_aliases() -> Result<(), Box<dyn StdError>> {
        use diskmap::{StringStringMap, StringU64Map, U64StringMap};

        let dir = tempdir()?;
        let mut id_to_name: U64StringMap<_> = U64StringMap::new_in(dir.path().join("names"))?;
        id_to_name.insert(&1, "Alice")?;
        id_to_name.insert(&2, "Bob")?;
        let mut name_to_id: StringU64Map<_> = StringU64Map::new_in(dir.path().join("ids"))?;
        name_to_id.insert("Alice", &1)?;
        name_to_id.insert("Bob", &2)?;
        let mut config: StringStringMap<_> = StringStringMap::new_in(dir.path().join("config"))?;
        config.insert("database_url", "postgresql://localhost/mydb")?;
        config.insert("log_level", "info")?;
        assert_eq!(id_to_name.get(&1)?, Some("Alice"));
        assert_eq!(name_to_id.get("Bob")?, Some(2));
        assert_eq!(config.get("log_level")?, Some("info"));
        Ok(())
    }

    #[test]
    fn entries() -> Result<(), Box<dyn StdError>> {
        use diskmap::{DiskHashMap, MapEntry, Native};

        let dir = tempdir()?;
        let mut map: DiskHashMap<Native<u64>, Native<u64>, _, _> = DiskHashMap::new_in(dir.path())?;
        for round in 0..2 {
            match map.entry(&42)? {
                MapEntry::Vacant(entry) => {
                    entry.insert(&100)?;
                    assert_eq!(round, 0);
                }
                MapEntry::Occupied(entry) => {
                    let old_value = entry.insert(&200)?;
                    assert_eq!(format!("Updated value from {} to 200", old_value), "Updated value from 100 to 200");
                }
            }
            match map.entry(&43)? {
                MapEntry::Vacant(entry) => {
                    entry.or_insert(&150)?;
                    assert_eq!(round, 0);
                }
                MapEntry::Occupied(entry) => {
                    entry.or_insert_with(|| &250)?;
                }
            }
        }
        assert_eq!((map.get(&42)?, map.get(&43)?), (Some(200), Some(150)));
        Ok(())
    }
}

mod defects {
    use diskmap::{DiskHashMap, Error, Native, Str, U64StringMap};

    use super::*;

    /// It had 7 keys left.
    #[test]
    fn all_keys_are_there_after_growing_and_reopening() {
        let dir = scratch();
        let mut map: U64StringMap = U64StringMap::new_in(dir.path()).unwrap();
        for n in 0..300_000 {
            map.insert(&n, "value").unwrap();
        }
        drop(map);
        let map: U64StringMap = U64StringMap::load_from(dir.path()).unwrap();
        assert_eq!(map.len(), 300_000);
        assert!((0..300_000).all(|n| map.get(&n).unwrap() == Some("value")));
    }

    /// It panicked.
    #[test]
    fn values_longer_than_24_568_bytes() {
        let dir = scratch();
        let mut map: U64StringMap = U64StringMap::new_in(dir.path()).unwrap();
        for (n, len) in (0..).zip(24_560..24_580) {
            map.insert(&n, &"v".repeat(len)).unwrap();
            assert_eq!(map.get(&n).unwrap().map(str::len), Some(len));
        }
        drop(map);
        let map: U64StringMap = U64StringMap::load_from(dir.path()).unwrap();
        assert!((0..).zip(24_560..24_580).all(|(n, len)| map.get(&n).unwrap() == Some("v".repeat(len).as_str())));
    }

    /// They panicked.
    #[test]
    fn keys_of_16_bytes() {
        let dir = scratch();
        let mut map: DiskHashMap<Native<u128>, Native<u64>, _, _> = DiskHashMap::new_in(dir.path()).unwrap();
        for n in 0..10_000 {
            map.insert(&(u128::MAX - u128::from(n)), &n).unwrap();
        }
        drop(map);
        let map: DiskHashMap<Native<u128>, Native<u64>, _, _> = DiskHashMap::load_from(dir.path()).unwrap();
        assert!((0..10_000).all(|n| map.get(&(u128::MAX - u128::from(n))).unwrap() == Some(n)));
    }

    /// It read numbers as text without a word.
    #[test]
    fn other_types_are_refused() {
        let dir = scratch();
        let mut map: DiskHashMap<Native<u64>, Native<u64>, _, _> = DiskHashMap::new_in(dir.path()).unwrap();
        map.insert(&1, &u64::MAX).unwrap();
        drop(map);
        let Err(error) = U64StringMap::<_>::load_from(dir.path()) else { panic!("numbers are not text") };
        let Error::SchemaMismatch { side: "value", stored, expected, .. } = &error else { panic!("{error}") };
        assert_eq!((stored.as_str(), expected.as_str()), ("u64", "str"));
        assert!(error.to_string().contains("u64") && error.to_string().contains("str"));
        let keys = DiskHashMap::<Str, Native<u64>, _, _>::load_from(dir.path());
        assert!(matches!(keys, Err(Error::SchemaMismatch { side: "key", .. })));
        let map: DiskHashMap<Native<u64>, Native<u64>, _, _> = DiskHashMap::load_from(dir.path()).unwrap();
        assert_eq!(map.get(&1).unwrap(), Some(u64::MAX));
    }

    /// It let both in.
    #[test]
    fn a_second_writer_is_refused() {
        let dir = scratch();
        let mut map: U64StringMap = U64StringMap::new_in(dir.path()).unwrap();
        map.insert(&1, "one").unwrap();
        assert!(matches!(U64StringMap::<_>::load_from(dir.path()), Err(Error::Locked { .. })));
        assert!(matches!(U64StringMap::<_>::open(dir.path()), Err(Error::Locked { .. })));
        assert_eq!(map.insert(&1, "uno").unwrap(), Some("one"));
        drop(map);
        assert_eq!(U64StringMap::<_>::load_from(dir.path()).unwrap().get(&1).unwrap(), Some("uno"));
    }

    /// It truncated its files.
    #[test]
    fn a_new_map_does_not_replace_an_old_one() {
        let dir = scratch();
        let mut map: U64StringMap = U64StringMap::new_in(dir.path()).unwrap();
        map.insert(&1, "one").unwrap();
        drop(map);
        assert!(matches!(U64StringMap::<_>::new_in(dir.path()), Err(Error::AlreadyExists { .. })));
        assert!(matches!(U64StringMap::<_>::with_capacity(dir.path(), 9, 9, 9), Err(Error::AlreadyExists { .. })));
        assert_eq!(U64StringMap::<_>::load_from(dir.path()).unwrap().get(&1).unwrap(), Some("one"));
    }

    /// It had no way to.
    #[test]
    fn entries_can_be_removed() {
        let dir = scratch();
        let mut map: U64StringMap = U64StringMap::new_in(dir.path()).unwrap();
        for n in 0..1_000 {
            map.insert(&n, "value").unwrap();
        }
        assert!((0..1_000).all(|n| map.remove(&n).unwrap() == Some("value")));
        drop(map);
        let map: U64StringMap = U64StringMap::load_from(dir.path()).unwrap();
        assert!(map.is_empty() && map.get(&1).unwrap().is_none());
    }

    #[test]
    fn a_missing_map_is_an_error() {
        let dir = scratch();
        assert!(matches!(U64StringMap::<_>::load_from(dir.path()), Err(Error::NotFound { .. })));
        assert!(matches!(U64StringMap::<_>::load_from(dir.path().join("no/where")), Err(Error::NotFound { .. })));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_capacity_of_nothing_is_an_error() {
        let dir = scratch();
        assert!(matches!(U64StringMap::<_>::with_capacity(dir.path(), 0, 9, 9), Err(Error::InvalidInput { .. })));
    }
}
