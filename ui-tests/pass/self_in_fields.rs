//! Types that name themselves as `Self`.

use std::marker::PhantomData;

use diskmap::{DiskKey, DiskValue, MemHashMap};

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Label(String);

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Row {
    name: String,
    cells: [u8; Self::WIDTH],
    labels: [Label; Self::WIDTH],
    of: PhantomData<Self>,
}

impl Row {
    const WIDTH: usize = 2;
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Id<T> {
    id: T,
    of: PhantomData<fn() -> Self>,
}

fn main() {
    let label = |text: &str| Label(text.to_owned());
    let row = || Row { name: "r".to_owned(), cells: [1, 2], labels: [label("a"), label("b")], of: PhantomData };
    let mut rows: MemHashMap<Row, Id<String>> = MemHashMap::new();
    rows.insert(&row(), &Id { id: "i".to_owned(), of: PhantomData }).unwrap();
    let (key, value) = rows.iter().next().unwrap().unwrap();
    assert_eq!((key.labels[1].0, key.cells, value.id), ("b", [1, 2], "i"));
    assert_eq!(key.into_owned().unwrap(), row());
}
