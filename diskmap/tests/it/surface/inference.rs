//! Types are inferred, and queries may be borrowed.

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
