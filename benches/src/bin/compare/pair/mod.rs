//! Kinds of entries: how a value is made, how each kind of engine stores it, and how it is read back.
//!
//! Must not know engines. Invariant: a value follows from a seed, and every form in which it is stored gives the same
//! digest of it, so that a loop's sum proves what was read in any engine.

mod archive;
mod bytes;
mod numbers;
mod paths;
mod record;

use anyhow::Result;
use diskmap::{DiskValue, Encode};
use diskmap_benches::keys::{Key, Keys};

pub(crate) use self::{
    archive::Archives,
    bytes::Bytes100,
    numbers::{Numbers, Texts},
    paths::{Paths, count as count_paths, load as load_paths, save as save_paths},
    record::Records,
};

/// A key and a value.
pub(crate) trait Pair: Sync + 'static {
    /// What tables call it.
    const NAME: &'static str;
    /// What is stored where no type is known to the engine.
    const AS_BYTES: &'static str;
    type Key: Key<Owned: Send + Sync + 'static, Codec: Send + Sync + 'static> + Send + Sync;
    /// A value as it is given to diskmap.
    type Input: ?Sized;
    /// Where values are made, again and again.
    type Maker: Default;
    /// The codec of diskmap's values.
    type Codec: ?Sized + DiskValue + Encode<Self::Input> + Send + Sync + 'static;
    /// What a map in memory stores.
    type Owned: Send + Sync + 'static;

    fn keys(count: usize) -> Result<Keys<Self::Key>>;
    fn make(maker: &mut Self::Maker, seed: u64) -> &Self::Input;
    /// What reading the value of this seed has to give.
    fn digest(seed: u64) -> u64;

    fn of_view(view: <Self::Codec as DiskValue>::View<'_>) -> u64;

    fn owned(input: &Self::Input) -> Result<Self::Owned>;
    fn of_owned(value: &Self::Owned) -> Result<u64>;

    /// The value as a byte string, which may be made in the buffer.
    fn with_bytes<R>(input: &Self::Input, buffer: &mut Vec<u8>, work: impl FnOnce(&[u8]) -> Result<R>) -> Result<R>;
    fn of_bytes(bytes: &[u8]) -> Result<u64>;
}

/// Runs a task with the kind of entries that has this name.
pub(crate) trait WithPair {
    type Output;
    fn run<P: Pair>(self) -> Result<Self::Output>;
}

/// All names, in the order of the tables.
pub(crate) const NAMES: [&str; 6] =
    [Numbers::NAME, Texts::NAME, Bytes100::NAME, Records::NAME, Archives::NAME, Paths::NAME];

/// See [`WithPair`].
pub(crate) fn with<T: WithPair>(name: &str, task: T) -> Result<T::Output> {
    match name {
        Numbers::NAME => task.run::<Numbers>(),
        Texts::NAME => task.run::<Texts>(),
        Bytes100::NAME => task.run::<Bytes100>(),
        Records::NAME => task.run::<Records>(),
        Archives::NAME => task.run::<Archives>(),
        Paths::NAME => task.run::<Paths>(),
        other => anyhow::bail!("there are no entries called `{other}`; there are {}", NAMES.join(", ")),
    }
}

/// The seed of a key's value after so many updates.
#[inline(always)]
pub(crate) fn seed<Q: Key>(key: Q, version: u64) -> u64 {
    key.value().wrapping_add(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Agree;

    impl WithPair for Agree {
        type Output = ();

        fn run<P: Pair>(self) -> Result<()> {
            let (mut maker, mut buffer) = (P::Maker::default(), Vec::new());
            for seed in [0, 1, 2, 77, u64::MAX, 0x1234_5678_9ABC_DEF0] {
                let input = P::make(&mut maker, seed);
                let expected = P::digest(seed);
                assert_eq!(P::of_owned(&P::owned(input)?)?, expected, "{} in memory, {seed}", P::NAME);
                P::with_bytes(input, &mut buffer, |bytes| {
                    assert_eq!(P::of_bytes(bytes)?, expected, "{} as bytes, {seed}", P::NAME);
                    Ok(())
                })?;
                let mut map = diskmap::MemHashMap::<u64, P::Codec>::new();
                map.insert(&1, input)?;
                assert_eq!(map.get(&1)?.map(P::of_view), Some(expected), "{} in diskmap, {seed}", P::NAME);
            }
            Ok(())
        }
    }

    #[test]
    fn all_forms_of_a_value_have_one_digest() -> Result<()> {
        let files = tempfile::tempdir()?;
        let list = files.path().join("contents");
        std::fs::write(&list, "bin/ls  utils/coreutils\nbin/sh  shells/dash,shells/bash\n")?;
        load_paths(Some(&list))?;
        save_paths(&files.path().join("saved"))?;
        let saved = std::fs::read_to_string(files.path().join("saved"))?;
        assert!(saved.lines().any(|line| line == "bin/sh\tshells/dash,shells/bash"), "{saved}");
        NAMES.into_iter().try_for_each(|name| with(name, Agree))
    }
}
