//! What a derive claims of a field: that something stores it.
//!
//! It knows no layout. The invariant: a derive emits one of these impls for each field whose codec it does not know, and
//! asks for nothing else there, so that a field without codec is one error, at its type. Of keys it asserts more only if
//! there is a codec.

use std::marker::PhantomData;

use crate::codec::{DiskKey, DiskValue, Encode, NativeType};

/// Stores the field `N` of `T`.
#[doc(hidden)]
pub trait PartOf<T: ?Sized, const N: usize>: DiskValue {}

/// Stores the field `N` of `T`, which is a `Q`.
#[doc(hidden)]
pub trait PartFrom<T: ?Sized, const N: usize, Q: ?Sized>: Encode<Q> {}

/// Is the field `N` of `T` and lies in its memory.
#[doc(hidden)]
pub trait NativePartOf<T: ?Sized, const N: usize>: NativeType {}

/// A field of a key that `T` stores: `KeyPart::<T>::new().stored().assert_key()` compiles if `T` is a key or no codec at all.
#[doc(hidden)]
#[derive(Debug)]
pub struct KeyPart<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> KeyPart<T> {
    /// Says nothing yet.
    #[expect(clippy::new_without_default, reason = "only derives make it")]
    pub fn new() -> KeyPart<T> {
        KeyPart(PhantomData)
    }
}

impl<T: DiskValue + ?Sized> KeyPart<T> {
    /// It is a codec.
    pub fn stored(self) -> StoredKeyPart<T> {
        StoredKeyPart(self.0)
    }
}

/// What is left when it is not: methods of the type itself are found before those of traits.
#[doc(hidden)]
pub trait NotStored: Sized {
    /// It is no codec, which is an error elsewhere.
    fn stored(self) -> Self {
        self
    }

    /// Nothing to assert.
    fn assert_key(self) {}
}

impl<T: ?Sized> NotStored for KeyPart<T> {}

/// A field of a key that has a codec.
#[doc(hidden)]
#[derive(Debug)]
pub struct StoredKeyPart<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> StoredKeyPart<T> {
    /// Its codec is that of a key.
    pub fn assert_key(self)
    where
        T: DiskKey,
    {
    }
}
