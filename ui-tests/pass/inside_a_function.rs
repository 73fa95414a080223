//! Types that exist only in a function, two of one name among them.

#![deny(warnings)]

use diskmap::{MemHashMap, types::Arch};

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Outside {
    name: String,
}

fn first() -> u32 {
    #[derive(diskmap::DiskKey, diskmap::DiskValue)]
    struct Local {
        x: u32,
        name: String,
    }

    #[derive(diskmap::DiskValue)]
    struct Outer {
        local: Local,
        outside: Outside,
        #[diskmap(with = Arch<Vec<String>>)]
        words: Vec<String>,
    }

    let mut map: MemHashMap<Local, Outer> = MemHashMap::new();
    let local = || Local { x: 7, name: "n".to_owned() };
    map.insert(&local(), &Outer { local: local(), outside: Outside { name: "o".to_owned() }, words: Vec::new() }).unwrap();
    let outer = map.get(&local()).unwrap().unwrap();
    assert_eq!((outer.local.name, outer.outside.name, outer.words.len()), ("n", "o", 0));
    outer.local.x
}

fn second<T>(value: T) -> usize {
    #[derive(diskmap::DiskValue)]
    #[repr(u8)]
    enum Local {
        One(String) = 1,
    }

    let mut map: MemHashMap<u8, Local> = MemHashMap::new();
    map.insert(&1, &Local::One("one".to_owned())).unwrap();
    let LocalView::One(text) = map.get(&1).unwrap().unwrap();
    text.len() + size_of_val(&value)
}

fn main() {
    assert_eq!(first(), 7);
    assert_eq!(second(1_u8), 4);
}
