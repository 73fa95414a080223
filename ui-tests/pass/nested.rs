//! Derived types in derived types, in tuples, options and arrays of them.

use diskmap::{DiskKey, DiskValue, MemHashMap, types::Arch};

mod shapes {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
    pub struct Point {
        pub x: i32,
        pub y: i32,
    }

    #[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
    pub struct Label(pub String);

    #[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
    #[repr(u8)]
    pub enum Shape {
        Dot(Point) = 0,
        Line { from: Point, to: Point, label: Label } = 1,
    }
}

type Alias = shapes::Label;

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
struct Drawing {
    shape: shapes::Shape,
    pair: (shapes::Point, shapes::Label),
    maybe: Option<shapes::Label>,
    several: [shapes::Point; 2],
    label: shapes::Label,
    same: Alias,
}

#[derive(Clone, Debug, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, DiskValue)]
#[diskmap(codec = arch)]
struct Notes {
    all: Vec<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, DiskValue)]
struct Album {
    drawing: Drawing,
    notes: Notes,
    #[diskmap(with = Arch<Vec<String>>)]
    words: Vec<String>,
    #[diskmap(with = Option<Arch<Vec<String>>>)]
    more: Option<Vec<String>>,
}

fn main() {
    let point = |x| shapes::Point { x, y: -x };
    let label = |text: &str| shapes::Label(text.to_owned());
    let drawing = Drawing {
        shape: shapes::Shape::Line { from: point(1), to: point(2), label: label("line") },
        pair: (point(3), label("pair")),
        maybe: Some(label("maybe")),
        several: [point(4), point(5)],
        label: label("label"),
        same: label("same"),
    };
    let mut drawings: MemHashMap<Drawing, u8> = MemHashMap::new();
    drawings.insert(&drawing, &1).unwrap();
    let (key, _) = drawings.iter().next().unwrap().unwrap();
    assert_eq!((key.pair.1.0, key.same.0, key.several[1].x), ("pair", "same", 5));
    assert_eq!(drawings.get(&key).unwrap(), Some(1));
    assert_eq!(key.into_owned().unwrap(), drawing);

    let notes = Notes { all: vec![vec!["n".to_owned()]] };
    let album = Album { drawing, notes, words: vec!["w".to_owned()], more: None };
    let mut albums: MemHashMap<u8, Album> = MemHashMap::new();
    albums.insert(&1, &album).unwrap();
    let view = albums.get(&1).unwrap().unwrap();
    assert_eq!((view.words[0].as_str(), view.notes.all[0][0].as_str()), ("w", "n"));
    assert_eq!(view.into_owned().unwrap(), album);
}
