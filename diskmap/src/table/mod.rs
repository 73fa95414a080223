//! One segment: its control words and the lines of its buckets, and the directory that leads to segments.
//!
//! Knows no key or value types, no heap and no files: only words behind a pointer that its callers vouch for.
//! Invariant: every address computed here lies inside the segment whatever the words in it say.

pub(crate) mod control;
pub(crate) mod descriptor;
pub(crate) mod directory;
pub(crate) mod layout;
mod place;
pub(crate) mod prefetch;
pub(crate) mod reference;
pub(crate) mod segment;
mod sequence;

pub(crate) use control::Control;
pub(crate) use descriptor::{Descriptor, Descriptors, State};
pub(crate) use directory::Directory;
pub(crate) use layout::{Layout, Scheme, Side};
pub(crate) use place::Place;
pub(crate) use reference::Reference;
pub(crate) use segment::{Segment, SlotImage};
pub(crate) use sequence::Sequences;
