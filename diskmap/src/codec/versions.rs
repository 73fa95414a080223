//! What a type was before: the codecs of its earlier versions, and how its values are made of theirs.
//!
//! It knows no bytes and no map; whoever implements [`Versions`] decides what is done with a version. The invariant: of an
//! earlier version there is nothing but its codec, and a way to write what that codec reads.

use super::{DiskValue, Encode};

/// What is done with each earlier version of `V`; [`DiskValue::versions`] calls it.
///
/// ```
/// use diskmap::{DiskValue, Encode, codec::Versions};
///
/// /// The schemas of what a type was before.
/// struct Schemas(Vec<String>);
///
/// impl<V: ?Sized> Versions<V> for Schemas {
///     fn version<E>(&mut self, _asked: bool)
///     where
///         E: ?Sized + DiskValue,
///         V: for<'x> Encode<E::View<'x>>,
///     {
///         self.0.push(E::SCHEMA.to_string());
///     }
/// }
///
/// let mut schemas = Schemas(Vec::new());
/// u64::versions(&mut schemas);
/// assert!(schemas.0.is_empty(), "it has always been what it is");
/// ```
pub trait Versions<V: ?Sized> {
    /// `E` reads what an earlier version of `V` wrote, and `V` is written from its view. `asked`: only when the caller
    /// asked for a migration ([`OpenOptions::migrate`](crate::OpenOptions::migrate)), as opposed to one that is made
    /// whenever such a map is opened for writing.
    fn version<E>(&mut self, asked: bool)
    where
        E: ?Sized + DiskValue,
        V: for<'x> Encode<E::View<'x>>;
}
