//! What reading returns: a value that stays as it is while it is held.
//!
//! Must not know how it was found. Invariant: bytes are looked at only while the pin is held under which they were read, and
//! only after their codec accepted them.

#![allow(unsafe_code, reason = "turns bytes back into views")]

use std::{fmt, marker::PhantomData, ops::Deref};

use diskmap::{Bytes, DiskValue, IntoOwned, Result, Str, engine::Stored};

use crate::pin::{FreePin, Pin};

/// A value of a [`DiskDashMap`](crate::DiskDashMap): a copy where its size is fixed, otherwise the bytes in the map.
///
/// It stays as it was when it was read, whatever becomes of its key. Holding one never keeps anybody waiting and cannot
/// deadlock: its thread, and all others, can insert, remove, iterate and clear meanwhile. Space that is freed while one is
/// held is used again after it is dropped.
///
/// It cannot be sent to another thread; [`into_owned`](Ref::into_owned) makes something that can.
///
/// ```
/// use diskmap_concurrent::MemDashMap;
///
/// let map = MemDashMap::<u64, str>::new()?;
/// map.insert(&1, "one")?;
/// let one = map.get(&1)?.expect("just inserted");
/// map.insert(&1, "uno")?;
/// map.clear()?;
/// assert_eq!((one.value(), one.len()), ("one", 3));
/// # Ok::<(), diskmap::Error>(())
/// ```
pub struct Ref<'m, V: ?Sized> {
    stored: Stored,
    _pin: Option<Pin<'m>>,
    value: PhantomData<fn() -> Box<V>>,
}

/// An entry of a [`DiskDashMap`](crate::DiskDashMap), as [`iter`](crate::DiskDashMap::iter) meets it.
///
/// As [`Ref`], with the key beside the value, and it may be sent to other threads.
pub struct RefMulti<'m, K: ?Sized, V: ?Sized> {
    key: Stored,
    value: Stored,
    _pin: Option<FreePin<'m>>,
    types: PhantomData<fn() -> (Box<K>, Box<V>)>,
}

/// A key or a value of a [`DiskDashMap`](crate::DiskDashMap), as [`keys`](crate::DiskDashMap::keys) and
/// [`values`](crate::DiskDashMap::values) meet it.
///
/// As [`Ref`], and it may be sent to other threads.
pub struct RefSingle<'m, T: ?Sized> {
    stored: Stored,
    _pin: Option<FreePin<'m>>,
    types: PhantomData<fn() -> Box<T>>,
}

impl<'m, V: ?Sized + DiskValue> Ref<'m, V> {
    /// # Safety
    /// `stored` holds bytes that the codec accepted, and they stay while the pin is held if it refers to a record.
    #[inline(always)]
    pub(crate) unsafe fn new(stored: Stored, pin: Option<Pin<'m>>) -> Ref<'m, V> {
        Ref { stored, _pin: pin, value: PhantomData }
    }

    /// The value.
    #[inline(always)]
    pub fn value(&self) -> V::View<'_> {
        // SAFETY: accepted by the codec, and kept by the pin (`new`), which the view does not outlive.
        unsafe { V::view(self.stored.bytes()) }
    }

    /// The value as an owned Rust value.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn into_owned(self) -> Result<V::Owned>
    where
        V: IntoOwned,
    {
        V::into_owned(self.value())
    }
}

impl<'m, K: ?Sized + DiskValue, V: ?Sized + DiskValue> RefMulti<'m, K, V> {
    /// # Safety
    /// As [`Ref::new`], for both.
    #[inline(always)]
    pub(crate) unsafe fn new(key: Stored, value: Stored, pin: Option<FreePin<'m>>) -> Self {
        RefMulti { key, value, _pin: pin, types: PhantomData }
    }

    /// The key.
    #[inline(always)]
    pub fn key(&self) -> K::View<'_> {
        // SAFETY: as in `Ref::value`.
        unsafe { K::view(self.key.bytes()) }
    }

    /// The value.
    #[inline(always)]
    pub fn value(&self) -> V::View<'_> {
        // SAFETY: as in `Ref::value`.
        unsafe { V::view(self.value.bytes()) }
    }

    /// Key and value.
    #[inline(always)]
    pub fn pair(&self) -> (K::View<'_>, V::View<'_>) {
        (self.key(), self.value())
    }

    /// Key and value as owned Rust values.
    ///
    /// # Errors
    /// Those of the codecs.
    pub fn into_owned(self) -> Result<(K::Owned, V::Owned)>
    where
        K: IntoOwned,
        V: IntoOwned,
    {
        Ok((K::into_owned(self.key())?, V::into_owned(self.value())?))
    }
}

impl<'m, T: ?Sized + DiskValue> RefSingle<'m, T> {
    /// # Safety
    /// As [`Ref::new`].
    #[inline(always)]
    pub(crate) unsafe fn new(stored: Stored, pin: Option<FreePin<'m>>) -> Self {
        RefSingle { stored, _pin: pin, types: PhantomData }
    }

    /// The key, or the value.
    #[inline(always)]
    pub fn value(&self) -> T::View<'_> {
        // SAFETY: as in `Ref::value`.
        unsafe { T::view(self.stored.bytes()) }
    }

    /// It as an owned Rust value.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn into_owned(self) -> Result<T::Owned>
    where
        T: IntoOwned,
    {
        T::into_owned(self.value())
    }
}

/// Where the view of a codec is a reference.
macro_rules! derefs {
    ($($codec:ty => $target:ty),* $(,)?) => {$(
        impl Deref for Ref<'_, $codec> {
            type Target = $target;

            fn deref(&self) -> &$target {
                self.value()
            }
        }

        impl Deref for RefSingle<'_, $codec> {
            type Target = $target;

            fn deref(&self) -> &$target {
                self.value()
            }
        }
    )*};
}

derefs!(str => str, String => str, Str => str, [u8] => [u8], Vec<u8> => [u8], Bytes => [u8]);

#[cfg(feature = "rkyv")]
impl<T> Deref for Ref<'_, diskmap::Arch<T>>
where
    T: rkyv::Archive + 'static,
    diskmap::Arch<T>: for<'x> DiskValue<View<'x> = &'x rkyv::Archived<T>>,
{
    type Target = rkyv::Archived<T>;

    fn deref(&self) -> &rkyv::Archived<T> {
        self.value()
    }
}

impl<V: ?Sized + DiskValue> fmt::Debug for Ref<'_, V>
where
    for<'x> V::View<'x>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<T: ?Sized + DiskValue> fmt::Debug for RefSingle<'_, T>
where
    for<'x> T::View<'x>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<V: ?Sized + DiskValue> fmt::Display for Ref<'_, V>
where
    for<'x> V::View<'x>: fmt::Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl<K: ?Sized + DiskValue, V: ?Sized + DiskValue> fmt::Debug for RefMulti<'_, K, V>
where
    for<'x> K::View<'x>: fmt::Debug,
    for<'x> V::View<'x>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("").field(&self.key()).field(&self.value()).finish()
    }
}

impl<'l, V: ?Sized + DiskValue> PartialEq<Ref<'l, V>> for Ref<'_, V> {
    /// Equal if the stored bytes are.
    fn eq(&self, other: &Ref<'l, V>) -> bool {
        // SAFETY: both are kept by their pins (`new`).
        unsafe { self.stored.bytes() == other.stored.bytes() }
    }
}

impl<V: ?Sized + DiskValue> Eq for Ref<'_, V> {}
