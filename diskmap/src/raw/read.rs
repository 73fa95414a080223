//! Reading while other threads write: looking a key up, and copying the entries of one segment.
//!
//! Waits for nobody and writes nothing. Invariant: what is returned was read from one segment while its sequence stood
//! still (`optimistic`), and a reference is followed only after that is known of the slot it was read from.

use std::sync::atomic::{Ordering, fence};

use super::{
    Core,
    find::Key,
    intent::Intent,
    optimistic::{Source, Stamp, once, settled},
    peek::{Glance, Peek},
};
use crate::{
    error::Checked,
    hash::Hashed,
    store::ByteStore,
    table::{Scheme, Segment, SlotImage, directory::Entry, segment::Slot},
};

/// The way to the segment of one position.
struct Route<'c, B, C> {
    core: &'c Core<B, C>,
    position: u64,
}

impl<'c, B, C> Route<'c, B, C> {
    #[inline(always)]
    fn new(core: &'c Core<B, C>, position: u64) -> Route<'c, B, C> {
        Route { core, position }
    }
}

impl<B: ByteStore, C: Scheme> Source for Route<'_, B, C> {
    type Entry = Entry;

    #[inline(always)]
    fn sequence(&self) -> u64 {
        self.core.sequences.of(self.position).load(Ordering::Acquire)
    }

    #[inline(always)]
    fn entry(&self) -> Entry {
        self.core.directory.view().entry(self.position)
    }

    #[inline(always)]
    fn sequence_after(&self) -> u64 {
        fence(Ordering::Acquire);
        self.core.sequences.of(self.position).load(Ordering::Relaxed)
    }
}

/// The entries of one segment, copied.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// The words of their slots, one after the other.
    words: Vec<u64>,
    /// Where to begin in the middle of the segment: entries before that are to be left out.
    pub floor: Option<u64>,
    /// The position where the next segment begins; `None` at the end.
    pub next: Option<u64>,
}

impl Copied {
    /// How many.
    pub(crate) fn len<C: Scheme>(&self) -> usize {
        self.words.len() / C::LAYOUT.words().max(1)
    }

    /// The words of one.
    pub(crate) fn image<C: Scheme>(&self, i: usize) -> SlotImage {
        let words = C::LAYOUT.words().max(1);
        let mut image = SlotImage::zeroed();
        image.0[..words].copy_from_slice(&self.words[i * words..(i + 1) * words]);
        image
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Finds a key while others write; what `take` makes of its slot. `take` reads words of the slot and follows no reference.
    ///
    /// # Safety
    /// If keys lie in the heap: cells that are freed during the call are not reclaimed before it returns.
    #[inline(always)]
    pub(crate) unsafe fn read<R>(
        &self,
        hashed: Hashed,
        bytes: &[u8],
        take: impl Fn(Segment<C>, Slot) -> R,
    ) -> Checked<Option<R>> {
        // SAFETY: as the caller says.
        match unsafe { self.read_plainly(hashed, bytes, &take) } {
            Glance::Found(taken) => Ok(Some(taken)),
            Glance::Absent => Ok(None),
            // SAFETY: as the caller says.
            Glance::Unsure => unsafe { self.read_again(hashed, bytes, take) },
        }
    }

    /// One look at the home bucket, which nearly always is enough.
    ///
    /// # Safety
    /// As `read`.
    #[inline(always)]
    pub(crate) unsafe fn read_plainly<R>(
        &self,
        hashed: Hashed,
        bytes: &[u8],
        take: impl Fn(Segment<C>, Slot) -> R,
    ) -> Glance<R> {
        let key = Key::new::<C>(hashed, bytes);
        let route = Route::new(self, hashed.position());
        let stamp = Stamp::begin(&route);
        if !stamp.entry.reads_plainly() {
            return Glance::Unsure;
        }
        let segment = self.segment_view(stamp.entry, C::LAYOUT.buckets - 1);
        let home = segment.home(hashed);
        match self.peek(segment, home, &key, || stamp.holds()) {
            Ok(Peek::Here(slot)) => {
                let taken = take(segment, slot);
                if stamp.holds() { Glance::Found(taken) } else { Glance::Unsure }
            }
            Ok(Peek::Nowhere) if stamp.holds() => Glance::Absent,
            // What cannot be is damage only if nobody changed it meanwhile: that is looked at again.
            Ok(Peek::Nowhere | Peek::Further | Peek::Unsure) | Err(_) => Glance::Unsure,
        }
    }

    /// As `read`, where one look was not enough.
    ///
    /// # Safety
    /// As `read`.
    #[inline(never)]
    pub(crate) unsafe fn read_again<R>(
        &self,
        hashed: Hashed,
        bytes: &[u8],
        take: impl Fn(Segment<C>, Slot) -> R,
    ) -> Checked<Option<R>> {
        // Made here, so that it is passed in registers.
        let key = Key::new::<C>(hashed, bytes);
        settled(&Route::new(self, hashed.position()), |stamp| {
            let found = self.read_carefully(stamp, hashed, &key)?;
            Some(found.map(|found| found.map(|(segment, slot)| take(segment, slot))))
        })
    }

    /// One try to copy the entries of the segment that `position` leads to, with those chained to it; `None` if a writer came
    /// between.
    ///
    /// # Safety
    /// If keys lie in the heap: cells that are freed during the call are not reclaimed before it returns.
    pub(crate) unsafe fn copy_entries(&self, position: u64, copied: &mut Copied) -> Option<Checked<()>> {
        once(&Route::new(self, position), |stamp| {
            let (main, mask) = self.settled_segment(stamp, position)?;
            let done = self.copy_into(stamp.entry, main, mask, position, copied);
            // Such an entry may have been met in both its slots. Whoever has seen the new one sees that it is on the move, or
            // that it was and the sequence has changed.
            (!self.is_on_the_move(stamp.entry)).then_some(done)
        })
    }

    /// Whether a writer is about to move an entry of a segment, or of what is chained to it, to another bucket.
    fn is_on_the_move(&self, entry: Entry) -> bool {
        let (id, intents) = (Self::id(entry), self.intents());
        (0..intents.len()).any(|record| match intents.read(record) {
            Some(Some(Intent::Move { old, new })) => {
                let chained = || entry.has(Entry::CHAINED) && self.chain(id).is_ok_and(|chain| chain.contains(&old.0));
                old.0 == id || new.0 == id || chained()
            }
            _ => false,
        })
    }

    fn copy_into(
        &self,
        entry: Entry,
        main: Segment<C>,
        mask: usize,
        position: u64,
        copied: &mut Copied,
    ) -> Checked<()> {
        let id = Self::id(entry);
        let descriptor = self.descriptor(id)?;
        self.verify(position)?;
        copied.words.clear();
        copied.floor = (position != descriptor.prefix).then_some(position);
        copied.next = match u32::from(descriptor.depth) {
            0 => None,
            depth => descriptor.prefix.checked_add(1 << (64 - depth)),
        };
        let chain = if entry.has(Entry::CHAINED) { self.chain(id)? } else { Vec::new() };
        let chained = chain.into_iter().map(|id| self.segment(Self::entry_of(id, 0), mask));
        for segment in std::iter::once(main).chain(chained) {
            for bucket in 0..segment.buckets() {
                for lane in segment.lanes().used(segment.control(bucket)) {
                    let image = segment.image(Slot { bucket, lane });
                    copied.words.extend_from_slice(&image.0[..C::LAYOUT.words().max(1)]);
                }
            }
        }
        Ok(())
    }

    /// One try, also where a segment must be verified first, is small, or has others chained to it.
    fn read_carefully(
        &self,
        stamp: &Stamp<'_, Route<'_, B, C>>,
        hashed: Hashed,
        key: &Key<'_>,
    ) -> Option<Checked<Option<(Segment<C>, Slot)>>> {
        let (segment, mask) = self.settled_segment(stamp, hashed.position())?;
        let look = || {
            self.verify(hashed.position())?;
            let valid = || stamp.holds();
            if let Some(slot) = self.probe(segment, segment.home(hashed), key, valid)? {
                return Ok(Some((segment, slot)));
            }
            if !stamp.entry.has(Entry::CHAINED) {
                return Ok(None);
            }
            Ok(self.find_chained(stamp.entry, mask, key, valid)?.map(|found| (found.segment, found.slot)))
        };
        Some(look())
    }

    /// The segment of the entry that is being read, and the number of its buckets less 1; `None` if the directory changed.
    fn settled_segment(&self, stamp: &Stamp<'_, Route<'_, B, C>>, position: u64) -> Option<(Segment<C>, usize)> {
        // Both from the same array: a small segment must not be taken for a full one.
        let view = self.directory.view();
        (view.entry(position) == stamp.entry).then(|| (self.segment_view(stamp.entry, view.mask()), view.mask()))
    }
}
