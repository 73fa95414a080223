//! Integration tests of the concurrent map, one module a topic.

mod basics;
mod files;
mod guards;
mod isolated;
mod kill;
mod kinds;
mod linear;
mod model;
mod predecessor;
mod stress;
