//! A map that is open for writing: one writer's, or shared by several that one thread plays, with readers beside them.
//!
//! Must not know what is in the map. Invariant: cells that were freed are reclaimed only when every reader that began before
//! is gone, and what a reader holds does not change until then.

#![allow(unsafe_code, reason = "one thread is all the writers, each of them at its turn, and all the readers")]

use std::collections::VecDeque;

use fastrand::Rng;

use crate::{
    DiskValue, Encode, Error, Result, Snapshot, StableHasher,
    map::{
        DiskHashMap,
        engine::{Engine, Entries, Freed, Image, Spot, Stored, Writer},
    },
    store::MMapFile,
};

type Map<K, V, S> = DiskHashMap<K, V, MMapFile, S>;

/// A map that is open for writing.
pub(crate) enum Handle<K, V, S> {
    Single(Map<K, V, S>),
    Several(Several<K, V, S>),
}

/// A map that several writers share.
pub(crate) struct Several<K, V, S> {
    engine: Engine<K, V, MMapFile, S>,
    writers: Vec<Writer>,
    readers: Readers,
}

/// One of the writers at work, with the readers of its range.
pub(crate) struct Seat<'e, K, V, S> {
    pub engine: &'e Engine<K, V, MMapFile, S>,
    pub writer: &'e mut Writer,
    pub readers: &'e mut Readers,
}

/// Who reads, and what was freed, in the order in which it came.
pub(crate) struct Readers {
    queue: VecDeque<Waiting>,
    rng: Rng,
}

enum Waiting {
    /// A record, and the bytes it must have as long as it is looked at.
    Reader(Stored, Vec<u8>),
    Freed(Freed),
}

impl<K: DiskValue, V: DiskValue, S: StableHasher> Handle<K, V, S> {
    /// Shares a map between `2^depth` writers, or leaves it to one.
    pub(crate) fn new(map: Map<K, V, S>, depth: Option<u32>, rng: Rng) -> Result<Self> {
        Ok(match depth {
            None => Handle::Single(map),
            Some(depth) => {
                let mut engine = Engine::new(map);
                let writers = engine.share(depth)?;
                let several = Several { engine, writers, readers: Readers::new(rng) };
                several.divided()?;
                Handle::Several(several)
            }
        })
    }

    /// Stores a value for a key.
    pub(crate) fn insert<QK, QV>(&mut self, key: &QK, value: &QV) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        match self {
            Handle::Single(map) => map.insert(key, value).map(drop),
            Handle::Several(several) => several.seat(key)?.change(key, Some(value), true),
        }
    }

    /// Stores a value for a key that is there.
    pub(crate) fn update<QK, QV>(&mut self, key: &QK, value: QV) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        match self {
            Handle::Single(map) => map.update(key, |_| value).map(drop),
            Handle::Several(several) => several.seat(key)?.change(key, Some(&value), false),
        }
    }

    /// Removes a key. `QV` is what values are made from.
    pub(crate) fn remove<QK, QV>(&mut self, key: &QK) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        match self {
            Handle::Single(map) => map.remove(key).map(drop),
            Handle::Several(several) => several.seat(key)?.change(key, None::<&QV>, false),
        }
    }

    /// What `work` does with the whole map.
    pub(crate) fn whole<R>(&mut self, work: impl FnOnce(&mut Map<K, V, S>) -> Result<R>) -> Result<R> {
        match self {
            Handle::Single(map) => work(map),
            Handle::Several(several) => several.whole(work),
        }
    }

    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        match self {
            Handle::Single(map) => map.checkpoint(),
            Handle::Several(several) => several.engine.checkpoint(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot<K, V, MMapFile, S> {
        match self {
            Handle::Single(map) => map.snapshot(),
            Handle::Several(several) => several.engine.snapshot(),
        }
    }

    /// A checkpoint for another thread to make.
    pub(crate) fn beside(&self) -> Option<Box<dyn FnOnce() -> Result<()> + Send>> {
        Some(match self {
            Handle::Single(map) => Box::new(map.beside()?),
            Handle::Several(several) => Box::new(several.engine.beside()?),
        })
    }

    pub(crate) fn close(self) -> Result<()> {
        match self {
            Handle::Single(map) => map.close(),
            Handle::Several(Several { engine, writers, mut readers }) => {
                readers.end(&engine)?;
                // SAFETY: the readers are gone.
                unsafe { engine.unshare(writers) }.close()
            }
        }
    }
}

impl<K: DiskValue, V: DiskValue, S: StableHasher> Several<K, V, S> {
    /// The number of the writer of a key.
    pub(crate) fn range<QK>(&self, key: &QK) -> Result<usize>
    where
        K: Encode<QK>,
    {
        let depth = self.writers.len().ilog2();
        self.engine.with_key(key, |hashed, _| hashed.position().checked_shr(64 - depth).unwrap_or(0) as usize)
    }

    /// All writers, each for a thread of its own.
    pub(crate) fn seats<'e>(&'e mut self, readers: &'e mut [Readers]) -> Vec<Seat<'e, K, V, S>> {
        let Several { engine, writers, .. } = self;
        let seat = |(writer, readers)| Seat { engine: &*engine, writer, readers };
        writers.iter_mut().zip(readers).map(seat).collect()
    }

    fn seat<QK>(&mut self, key: &QK) -> Result<Seat<'_, K, V, S>>
    where
        K: Encode<QK>,
    {
        let range = self.range(key)?;
        let Several { engine, writers, readers } = self;
        Ok(Seat { engine, writer: &mut writers[range], readers })
    }

    fn whole<R>(&mut self, work: impl FnOnce(&mut Map<K, V, S>) -> Result<R>) -> Result<R> {
        let Several { engine, writers, readers } = self;
        readers.begin_some(engine)?;
        writers.iter_mut().for_each(|writer| engine.retire(writer));
        let done = {
            // SAFETY: all writers are in this thread and have nothing open; `work` returns no views.
            let mut whole = unsafe { engine.whole(&mut writers[0]) };
            work(&mut whole)
        };
        writers.iter_mut().for_each(|writer| readers.wait_for(writer));
        readers.tend(engine)?;
        self.divided()?;
        done
    }

    /// No segment spans two ranges.
    fn divided(&self) -> Result<()> {
        let mut entries = Entries::default();
        for range in 1..self.writers.len() as u64 {
            let first = range << (64 - self.writers.len().ilog2());
            // SAFETY: nothing is reclaimed meanwhile.
            let copied = unsafe { self.engine.copy_entries(first, &mut entries) };
            copied.expect("nobody writes")?;
            if entries.floor().is_some() {
                return Err(Error::corrupt("index", first, "a segment of two writers"));
            }
        }
        Ok(())
    }
}

impl<K: DiskValue, V: DiskValue, S: StableHasher> Seat<'_, K, V, S> {
    /// Stores a value for a key of the range, or removes the key; without `absent` only if it is there.
    pub(crate) fn change<QK, QV>(&mut self, key: &QK, value: Option<&QV>, absent: bool) -> Result<()>
    where
        K: Encode<QK>,
        V: Encode<QV>,
    {
        let Seat { engine, writer, readers } = self;
        engine.with_key(key, |hashed, bytes| {
            // SAFETY: the seat is that of the key's range, and has the writer to itself.
            let mut turn = unsafe { engine.turn(writer) }?;
            // SAFETY: as above.
            let spot = unsafe { engine.lookup(hashed, bytes) }?;
            if readers.rng.u32(..16) == 0 {
                // Whoever wants the writers out has to wait for this one.
                std::thread::yield_now();
            }
            let there = match (spot, value) {
                (Spot::Vacant(gap), Some(value)) if absent => turn.insert(gap, hashed, bytes, value).map(|_| true),
                (Spot::Vacant(_), _) => Ok(false),
                (Spot::Found(place), value) => {
                    // SAFETY: as above.
                    readers.begin(engine, &unsafe { engine.image(&place) })?;
                    match value {
                        Some(value) => turn.update(place, hashed, bytes, value).map(|_| true),
                        None => turn.remove(place, hashed, bytes).map(|_| false),
                    }
                }
            }?;
            // SAFETY: cells of the range are reclaimed by this thread, and not now.
            match unsafe { engine.has(hashed, bytes) }? == there {
                true => Ok(()),
                false => Err(Error::corrupt("index", hashed.position(), "a reader does not find what was written")),
            }
        })??;
        if readers.rng.u32(..4) == 0 {
            readers.wait_for(writer);
        }
        readers.tend(engine)
    }
}

impl Readers {
    pub(crate) fn new(rng: Rng) -> Readers {
        Readers { queue: VecDeque::new(), rng }
    }

    /// All readers go, and what they kept.
    pub(crate) fn end<K, V, S>(&mut self, engine: &Engine<K, V, MMapFile, S>) -> Result<()> {
        self.let_go(engine, self.queue.len())
    }

    /// Someone reads what an image shows.
    fn begin<K: DiskValue, V: DiskValue, S: StableHasher>(
        &mut self,
        engine: &Engine<K, V, MMapFile, S>,
        image: &Image,
    ) -> Result<()> {
        if Engine::<K, V, MMapFile, S>::HAS_RECORDS {
            let is_value = Engine::<K, V, MMapFile, S>::VALUE_IN_RECORD;
            // SAFETY: what is freed from now on comes after this reader.
            let stored = unsafe { if is_value { engine.stored_value(image) } else { engine.stored_key(image) } }?;
            // SAFETY: as above.
            let bytes = unsafe { stored.bytes() }.to_vec();
            self.queue.push_back(Waiting::Reader(stored, bytes));
        }
        Ok(())
    }

    /// Someone reads some of what is there.
    fn begin_some<K: DiskValue, V: DiskValue, S: StableHasher>(
        &mut self,
        engine: &Engine<K, V, MMapFile, S>,
    ) -> Result<()> {
        let mut entries = Entries::default();
        // SAFETY: nothing is reclaimed meanwhile.
        let copied = unsafe { engine.copy_entries(self.rng.u64(..), &mut entries) };
        copied.expect("nobody writes")?;
        let len = entries.count::<K, V, S>();
        (0..len.min(20)).try_for_each(|i| self.begin(engine, &entries.image::<K, V, S>(i)))
    }

    /// What a writer has freed goes after all who read now.
    fn wait_for(&mut self, writer: &mut Writer) {
        self.queue.extend(writer.take_freed().map(Waiting::Freed));
    }

    /// Now and then some go.
    fn tend<K, V, S>(&mut self, engine: &Engine<K, V, MMapFile, S>) -> Result<()> {
        let many = if self.rng.u32(..8) == 0 { self.rng.usize(..=self.queue.len()) } else { 0 };
        self.let_go(engine, many)
    }

    fn let_go<K, V, S>(&mut self, engine: &Engine<K, V, MMapFile, S>, many: usize) -> Result<()> {
        for waiting in self.queue.drain(..many) {
            match waiting {
                // SAFETY: what was freed since this reader began is still in the queue, or with its writer.
                Waiting::Reader(stored, bytes) if unsafe { stored.bytes() } != bytes => {
                    return Err(Error::corrupt("heap", 0, "a record changed while it was read"));
                }
                Waiting::Reader(..) => {}
                // SAFETY: who began to read before came before in the queue.
                Waiting::Freed(freed) => unsafe { engine.reclaim(&freed) },
            }
        }
        Ok(())
    }
}
