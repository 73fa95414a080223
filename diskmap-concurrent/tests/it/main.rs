//! Integration tests of the concurrent map, one module a topic.

mod basics;
mod isolated;
mod kill;
mod kinds;
mod linear;
mod model;
mod stress;
