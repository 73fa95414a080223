//! Types that macros make of types, names, lifetimes and expressions they are given.

use diskmap::MemHashMap;

macro_rules! record {
    ($name:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        #[derive(Debug, PartialEq, diskmap::DiskValue)]
        struct $name {
            $($field: $ty,)*
            bytes: u8,
            out: String,
        }
    };
}

macro_rules! newtype {
    ($name:ident, $ty:ty) => {
        #[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
        struct $name($ty);
    };
}

macro_rules! hygienic {
    ($name:ident, $field:ident) => {
        #[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
        struct $name<T> {
            value: T,
            $field: T,
            q: Vec<u8>,
        }
    };
}

macro_rules! enumeration {
    ($name:ident: $repr:ident { $($variant:ident($ty:ty) = $number:literal),* }) => {
        #[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
        #[repr($repr)]
        enum $name {
            $($variant($ty) = $number,)*
        }
    };
}

macro_rules! numbered {
    ($name:ident { $($variant:ident = $number:expr),* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
        enum $name {
            $($variant = $number,)*
        }
    };
}

macro_rules! borrowing {
    ($name:ident<$lifetime:lifetime> { $($field:ident: $ty:ty),* }) => {
        #[derive(Debug, PartialEq, diskmap::DiskKey, diskmap::DiskValue)]
        struct $name<$lifetime> {
            $($field: $ty,)*
        }
    };
}

macro_rules! lists {
    ($name:ident, $($item:ty),*) => {
        #[derive(Debug, PartialEq, diskmap::DiskValue)]
        struct $name($(Option<$item>, Vec<$item>, [$item; 2]),*);
    };
}

macro_rules! visible {
    ($vis:vis $name:ident, $codec:ident, $stored:literal, $version:literal) => {
        #[derive(Debug, PartialEq, diskmap::DiskValue)]
        #[diskmap(codec = $codec, name = $stored, version = $version)]
        $vis struct $name {
            $vis text: String,
        }
    };
}

newtype!(Id, u64);
newtype!(Name, String);
record!(Person { id: Id, name: Name, scores: Vec<u32>, home: (u8, String) });
hygienic!(Twice, again);
enumeration!(Event: u8 { Moved(Id) = 0, Said(String) = 2 });
numbered!(State { Off = 0, On = 1 });
borrowing!(Line<'line> { words: &'line str, rest: &'line [u8] });
lists!(Lists, u8, u16);
visible!(pub(crate) Note, record, "shop.Note", 3);

fn main() {
    let mut map: MemHashMap<Id, Person> = MemHashMap::new();
    let person = || Person {
        id: Id(1),
        name: Name("Ada".to_owned()),
        scores: vec![1, 2],
        home: (3, "h".to_owned()),
        bytes: 4,
        out: "o".to_owned(),
    };
    map.insert(&Id(1), &person()).unwrap();
    let view = map.get(&Id(1)).unwrap().unwrap();
    assert_eq!((view.id, view.name.0, view.bytes, view.out), (Id(1), "Ada", 4, "o"));

    let mut twice: MemHashMap<Twice<String>, Event> = MemHashMap::new();
    let key = || Twice { value: "v".to_owned(), again: "a".to_owned(), q: vec![1] };
    twice.insert(&key(), &Event::Said("s".to_owned())).unwrap();
    assert!(matches!(twice.get(&key()).unwrap().unwrap(), EventView::Said("s")));

    let mut lines: MemHashMap<Line<'_>, State> = MemHashMap::new();
    lines.insert(&Line { words: "w", rest: b"r" }, &State::On).unwrap();
    assert_eq!(lines.get(&Line { words: "w", rest: b"r" }).unwrap(), Some(State::On));

    let mut lists: MemHashMap<u8, Lists> = MemHashMap::new();
    lists.insert(&1, &Lists(Some(1), vec![2], [3, 4], None, vec![5], [6, 7])).unwrap();
    assert_eq!(lists.get(&1).unwrap().unwrap().5, [6, 7]);

    let mut notes: MemHashMap<u8, Note> = MemHashMap::new();
    notes.insert(&1, &Note { text: "t".to_owned() }).unwrap();
    assert_eq!(notes.get(&1).unwrap().unwrap().text, "t");
}
