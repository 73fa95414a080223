//! What a derive claims of a field: that something stores it.
//!
//! It knows no layout. The invariant: a derive emits one of these impls for each field whose codec it does not know, and
//! asks for nothing else there, so that a field without codec is one error, at its type.

use crate::codec::{DiskValue, Encode, NativeType};

/// Stores the field `N` of `T`.
#[doc(hidden)]
pub trait PartOf<T: ?Sized, const N: usize>: DiskValue {}

/// Stores the field `N` of `T`, which is a `Q`.
#[doc(hidden)]
pub trait PartFrom<T: ?Sized, const N: usize, Q: ?Sized>: Encode<Q> {}

/// Is the field `N` of `T` and lies in its memory.
#[doc(hidden)]
pub trait NativePartOf<T: ?Sized, const N: usize>: NativeType {}
