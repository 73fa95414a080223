//! What goes into a map comes out of it: as keys and as values, on disk, and after opening it again.

use std::collections::BTreeMap;

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, IntoOwned, OpenOptions};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseResult},
};

use crate::shapes::*;

/// Puts entries into a map on disk, opens it again, and takes them out. A model tells keys apart by their bytes.
fn holds<K, V>(entries: &[(K, V)]) -> TestCaseResult
where
    K: Sample + DiskKey + Encode<K> + IntoOwned<Owned = K>,
    V: Sample + DiskValue + Encode<V> + IntoOwned<Owned = V>,
{
    let dir = tempfile::tempdir()?;
    let options = OpenOptions::new().create_new(true).sync_on_drop(false);
    let mut map: DiskHashMap<K, V> = options.open(dir.path())?;
    let mut model = BTreeMap::new();
    for (key, value) in entries {
        let before = model.insert(K::with_bytes(key, <[u8]>::to_vec)?, (key, value));
        let replaced = map.insert(key, value)?.map(V::into_owned).transpose()?;
        prop_assert_eq!(replaced, before.map(|(_, value)| value.clone()));
    }
    drop(map);

    let mut map: DiskHashMap<K, V> = DiskHashMap::load_from(dir.path())?;
    prop_assert_eq!(map.len(), model.len() as u64);
    for (key, value) in model.into_values() {
        prop_assert_eq!(map.get_owned(key)?, Some(value.clone()));
        let (stored, last) = map.remove_entry(key)?.expect("it was there");
        prop_assert_eq!((K::into_owned(stored)?, V::into_owned(last)?), (key.clone(), value.clone()));
        prop_assert!(map.get(key)?.is_none());
    }
    prop_assert!(map.is_empty());
    Ok(())
}

macro_rules! as_both {
    ($($name:ident: $type:ty),+) => {
        proptest! {
            #![proptest_config(Config::with_cases(12))]
            $(#[test]
            fn $name(all in vec((<$type>::any(), <$type>::any()), 0..40)) {
                holds::<$type, $type>(&all)?;
            })+
        }
    };
}

macro_rules! as_values {
    ($($name:ident: $type:ty),+) => {
        proptest! {
            #![proptest_config(Config::with_cases(12))]
            $(#[test]
            fn $name(all in vec((UserId::any(), <$type>::any()), 0..40)) {
                holds::<UserId, $type>(&all)?;
            })+
        }
    };
}

each_key!(as_both);
as_values!(floats: Floats, archiving: Archiving, archive: Archive, skipping: Skipping);
