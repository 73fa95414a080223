//! Constants as parameters, beside types, with defaults, and in nested types.

use diskmap::{DiskKey, DiskValue, MemHashMap};

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Grid<const W: usize, const H: usize = 2> {
    cells: [[u8; W]; H],
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Row<T, const N: usize> {
    name: String,
    items: [T; N],
}

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
struct Sheet<const N: usize> {
    row: Row<u32, N>,
    grid: Grid<N>,
}

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Flag<const ON: bool>;

#[derive(Debug, PartialEq, DiskKey, DiskValue)]
#[repr(u8)]
enum Shape<const N: usize> {
    Point = 0,
    Line([u16; N]) = 1,
    Named { name: String, at: [u16; N] } = 2,
}

fn main() {
    let grid = Grid { cells: [[1, 2, 3], [4, 5, 6]] };
    let mut grids: MemHashMap<Grid<3>, Row<String, 2>> = MemHashMap::new();
    grids.insert(&grid, &Row { name: "r".to_owned(), items: ["a".to_owned(), "b".to_owned()] }).unwrap();
    let row = grids.get(&grid).unwrap().unwrap();
    assert_eq!((row.name, row.items), ("r", ["a", "b"]));

    let sheet = || Sheet { row: Row { name: "s".to_owned(), items: [1, 2] }, grid: Grid { cells: [[1, 2], [3, 4]] } };
    let mut sheets: MemHashMap<Sheet<2>, Flag<true>> = MemHashMap::new();
    sheets.insert(&sheet(), &Flag).unwrap();
    assert_eq!(sheets.get(&sheet()).unwrap(), Some(Flag));

    let mut shapes: MemHashMap<u8, Shape<2>> = MemHashMap::new();
    shapes.insert(&0, &Shape::Point).unwrap();
    shapes.insert(&1, &Shape::Line([1, 2])).unwrap();
    shapes.insert(&2, &Shape::Named { name: "n".to_owned(), at: [3, 4] }).unwrap();
    assert!(matches!(shapes.get(&1).unwrap().unwrap(), ShapeView::Line([1, 2])));
    assert!(matches!(shapes.get(&2).unwrap().unwrap(), ShapeView::Named { name: "n", at: [3, 4] }));
}
