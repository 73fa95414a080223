//! Views: their names, their traits, and that they are queries.

use std::{collections::HashSet, fmt::Debug};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, IntoOwned, MapEntry, MemHashMap, Shape};

use crate::shapes::*;

fn stored<V: DiskValue + Encode<V>>(value: &V) -> MemHashMap<u64, V> {
    let mut map = MemHashMap::new();
    map.insert(&1, value).unwrap();
    map
}

#[test]
fn fields_are_read_where_they_lie() {
    let map = stored(&Mixed { name: "bolt".into(), id: 7, raw: vec![1, 2], flag: true, last: "end".into() });
    let MixedView { name, id, raw, flag, last } = map.get(&1).unwrap().unwrap();
    assert_eq!((name, id, raw, flag, last), ("bolt", 7, &[1, 2][..], true, "end"));
}

#[test]
fn enum_views_are_matched() {
    let map = stored(&Event::Move { from: (1, 2), path: vec![3, 4], by: Some("me".into()) });
    match map.get(&1).unwrap().unwrap() {
        EventView::Move { from: (1, 2), path, by: Some("me") } => assert_eq!(path, [3, 4]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nested_views_are_views() {
    let inner = Mixed { name: "a".into(), id: 1, raw: vec![], flag: false, last: "z".into() };
    let map = stored(&Nested { inner, id: UserId(9), name: Name("n".into()), maybe: Some(Tuple(2, "t".into())) });
    let view = map.get(&1).unwrap().unwrap();
    assert_eq!((view.inner.last, view.id, view.name.0, view.maybe.unwrap().1), ("z", UserId(9), "n", "t"));
}

#[test]
fn views_have_the_traits_their_fields_allow() {
    fn all<T: Debug + Clone + Copy + PartialEq>() {}
    all::<MixedView<'static>>();
    all::<NestedView<'static>>();
    all::<EventView<'static>>();
    all::<PairView<'static, u32, Name>>();
    all::<NameView<'static>>();
    let map = stored(&Tuple(1, "x".into()));
    let view = map.get(&1).unwrap().unwrap();
    assert_eq!(format!("{view:?}"), r#"TupleView(1, "x")"#);
    assert_eq!(view, TupleView(1, "x"));
    assert_ne!(view, TupleView(1, "y"));
    let map = stored(&Nested {
        inner: Mixed { name: "a".into(), id: 1, raw: vec![], flag: false, last: String::new() },
        id: UserId(9),
        name: Name("n".into()),
        maybe: None,
    });
    let shown = r#"NestedView { inner: MixedView { name: "a", id: 1, raw: [], flag: false, last: "" }, id: UserId(9), name: NameView("n"), maybe: None }"#;
    assert_eq!(format!("{:?}", map.get(&1).unwrap().unwrap()), shown);
}

/// `Archived<Line>` has no `Debug`, and so the view has none, but it is `Copy` all the same.
#[test]
fn a_trait_that_a_field_lacks_is_only_missed() {
    fn copy<T: Copy>(view: T) -> (T, T) {
        (view, view)
    }
    let map = stored(&Archiving { id: 1, lines: vec![Line { sku: "s".into(), count: 2 }], note: "n".into() });
    let (view, again) = copy(map.get(&1).unwrap().unwrap());
    assert_eq!((view.lines[0].sku.as_str(), again.note), ("s", "n"));
}

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(view = PartRef, view_derive(Eq, Hash, PartialOrd, Ord))]
struct Part {
    maker: u16,
    number: String,
}

#[test]
fn more_derives_and_another_name() {
    let parts = [PartRef { maker: 1, number: "b" }, PartRef { maker: 1, number: "a" }];
    assert_eq!(parts.iter().min().unwrap().number, "a");
    assert_eq!(parts.iter().collect::<HashSet<_>>().len(), 2);
}

#[test]
fn views_are_queries() {
    let mut map: MemHashMap<Part, u32> = MemHashMap::new();
    map.insert(&Part { maker: 7, number: "bolt".into() }, &1).unwrap();
    let query = PartRef { maker: 7, number: "bolt" };
    assert_eq!(map.get(&query).unwrap(), Some(1));
    assert_eq!(map.get(&&query).unwrap(), Some(1));
    assert!(matches!(map.entry(&query).unwrap(), MapEntry::Occupied(_)));
    assert_eq!(map.insert(&query, &2).unwrap(), Some(1));
    assert_eq!(map.remove(&PartRef { maker: 7, number: "bold" }).unwrap(), None);
    assert_eq!(map.remove(&query).unwrap(), Some(2));
}

/// A view of one map is a query for another.
#[test]
fn entries_move_between_maps_without_a_copy_in_between() {
    let from = stored(&Mixed { name: "a".into(), id: 3, raw: vec![9], flag: true, last: "b".into() });
    let mut to: MemHashMap<u64, Mixed> = MemHashMap::new();
    to.insert(&1, &from.get(&1).unwrap().unwrap()).unwrap();
    assert_eq!(to.get(&1).unwrap(), from.get(&1).unwrap());
}

#[test]
fn views_become_owned() {
    let tuple = Tuple(1, "x".into());
    let map = stored(&tuple);
    assert_eq!(map.get(&1).unwrap().unwrap().into_owned().unwrap(), tuple);
    let pair = Pair { first: 1_u32, second: Some(Name("n".into())) };
    let map = stored(&pair);
    assert_eq!(map.get(&1).unwrap().unwrap().into_owned().unwrap(), pair);
}

#[test]
fn fixed_types_are_their_own_view() {
    fn own<T>()
    where
        T: for<'a> DiskValue<View<'a> = T> + IntoOwned<Owned = T>,
    {
        assert!(matches!(T::SHAPE, Shape::Fixed { .. }));
    }
    own::<Nothing>();
    own::<UserId>();
    own::<Fixed>();
    own::<Colour>();
    own::<Padded>();
    own::<Cell>();
    own::<Typed<Mixed>>();
    assert_eq!(Fixed::SHAPE, Shape::Fixed { size: 26 });
    assert_eq!(Padded::SHAPE, Shape::Fixed { size: 11 });
}

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
struct Borrowing<'q> {
    tenant: u32,
    name: &'q str,
    raw: Option<&'q [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
#[diskmap(view = Self)]
struct Itself<'a>(&'a str, u8);

#[test]
fn borrowing_types_take_any_lifetime() {
    let mut map: MemHashMap<Borrowing<'static>, Itself<'static>> = MemHashMap::new();
    let name = String::from("short-lived");
    map.insert(&Borrowing { tenant: 1, name: &name, raw: Some(b"x") }, &Itself(&name, 4)).unwrap();
    drop(name);
    let query = BorrowingView { tenant: 1, name: "short-lived", raw: Some(b"x") };
    let Itself(text, number) = map.get(&query).unwrap().unwrap();
    assert_eq!((text, number), ("short-lived", 4));
}

/// A view that lives as long as the map is taken where one of a shorter life is asked for.
#[test]
fn views_are_covariant() {
    fn shorter<'s>(view: MixedView<'static>, _: &'s str) -> MixedView<'s> {
        view
    }
    fn nested<'s>(view: PairViewOfNames<'static>, _: &'s str) -> PairViewOfNames<'s> {
        view
    }
    type PairViewOfNames<'a> = (NameView<'a>, OptionsView<'a>);
    let view = MixedView { name: "a", id: 1, raw: b"", flag: false, last: "" };
    let here = String::from("of a shorter life");
    assert_eq!(shorter(view, &here).name, "a");
    let options = OptionsView { fixed: None, text: Some("t"), numbers: None, twice: None };
    assert_eq!(nested((NameView("n"), options), &here).1.text, Some("t"));
}

#[test]
fn text_newtypes_are_looked_up_by_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<Email, Digest> = DiskHashMap::new_in(dir.path()).unwrap();
    map.insert(&Email("a@b".into()), &Digest([1_u8, 2].into())).unwrap();
    assert_eq!(map.get("a@b").unwrap(), Some(&[1, 2][..]));
    map.insert("c@d", &[3_u8][..]).unwrap();
    assert_eq!(map.get_owned(&Email("c@d".into())).unwrap(), Some(Digest([3_u8].into())));
}
