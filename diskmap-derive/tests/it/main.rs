//! Derived types in maps: what the derives accept is stored, read back, compared and refused as promised.

mod allocations;
mod canonical;
mod round_trip;
mod schema;
mod shapes;
mod versions;
mod views;
