//! Integration tests of the map, one module a topic.

mod basics;
