//! No insert and no lookup of a derived record allocates.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use diskmap::{DiskHashMap, DiskKey, DiskValue, Encode, OpenOptions};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is handed to the system's allocator; counting touches nothing but a number of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` allocates.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[derive(DiskKey, DiskValue)]
struct OrderKey {
    tenant: u32,
    sku: String,
}

#[derive(DiskValue)]
struct Order {
    quantity: u32,
    note: String,
    tags: Vec<u16>,
    state: State,
}

#[derive(DiskValue)]
#[repr(u8)]
enum State {
    Open = 0,
    Paid { by: String } = 1,
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn a_derived_record_goes_in_and_out_without_one() {
    const ENTRIES: u32 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<OrderKey, Order> = OpenOptions::new()
        .create_new(true)
        .auto_checkpoint(None)
        .sync_on_drop(false)
        .capacity(u64::from(ENTRIES) * 2, 1 << 20, 8 << 20)
        .open(dir.path())
        .unwrap();
    let keys: Vec<OrderKey> = (0..ENTRIES).map(|n| OrderKey { tenant: n % 7, sku: format!("part {n}") }).collect();
    let orders: Vec<Order> = (0..ENTRIES)
        .map(|n| Order {
            quantity: n,
            note: "as soon as possible".repeat(n as usize % 9),
            tags: vec![1; n as usize % 5],
            state: if n % 2 == 0 { State::Open } else { State::Paid { by: format!("user {n}") } },
        })
        .collect();

    let inserting = allocations(|| {
        for (key, order) in keys.iter().zip(&orders) {
            map.insert(key, order).unwrap();
        }
    });
    let mut sum = 0;
    let reading = allocations(|| {
        for key in &keys {
            let view = map.get(&OrderKeyView { tenant: key.tenant, sku: &key.sku }).unwrap().unwrap();
            sum += u64::from(view.quantity) + view.note.len() as u64 + view.tags.iter().map(u64::from).sum::<u64>();
            if let StateView::Paid { by } = view.state {
                sum += by.len() as u64;
            }
        }
    });
    let expected: u64 = orders
        .iter()
        .map(|order| {
            let by = if let State::Paid { by } = &order.state { by.len() } else { 0 };
            u64::from(order.quantity)
                + (order.note.len() + by) as u64
                + order.tags.iter().map(|&tag| u64::from(tag)).sum::<u64>()
        })
        .sum();
    assert_eq!(sum, expected);
    assert_eq!(reading, 0, "allocations of {ENTRIES} lookups");
    // Each 64 KiB of the heap get a list of their free cells, and there is the growth of the map itself.
    assert!(inserting * 100 < u64::from(ENTRIES), "{inserting} allocations of {ENTRIES} inserts");

    let encoding = allocations(|| {
        for (key, order) in keys.iter().zip(&orders) {
            OrderKey::with_bytes(key, |bytes| assert!(!bytes.is_empty())).unwrap();
            let len = Order::encoded_len(order).unwrap();
            assert!(Order::encode_into(order, &mut [0; 512][..len]).unwrap() <= len);
        }
    });
    assert_eq!(encoding, 0, "allocations of {ENTRIES} encodings");
}

#[derive(Clone, Copy, DiskKey, DiskValue)]
struct Place {
    row: u32,
    column: u32,
}

#[test]
fn derived_types_of_fixed_size_need_none_at_all() {
    const ENTRIES: u32 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let mut map: DiskHashMap<Place, Place> = OpenOptions::new()
        .create_new(true)
        .auto_checkpoint(None)
        .sync_on_drop(false)
        .capacity(u64::from(ENTRIES) * 2, 0, 0)
        .open(dir.path())
        .unwrap();
    let place = |n: u32| Place { row: n % 10, column: n };
    let all = allocations(|| {
        for n in 0..ENTRIES {
            assert!(map.insert(&place(n), &place(n + 1)).unwrap().is_none());
        }
        for n in 0..ENTRIES {
            assert_eq!(map.get(&place(n)).unwrap().unwrap().column, n + 1);
        }
    });
    assert_eq!(all, 0, "allocations of {ENTRIES} inserts and lookups");
}
