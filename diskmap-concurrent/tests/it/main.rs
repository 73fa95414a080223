//! Integration tests of the concurrent map, one module a topic.

mod kinds;
mod linear;
mod stress;
