//! Insert, update and remove: the payload first, then one store that publishes it.
//!
//! Must not know why a segment is full or what protects it (`replace`). Invariant: on `Err` the map is as it was, and a
//! kill between any two stores leaves the entry as it was before or after, never half of it.

use std::sync::atomic::Ordering;

use super::{Core, Found, Lookup, Vacant, Writer, intent::Intent, reference};
use crate::{
    crash,
    error::{Checked, Error, Result},
    hash::Hashed,
    heap::{Fresh, record::MAX_LEN},
    store::ByteStore,
    table::{
        Reference, Scheme, Side, SlotImage,
        directory::Entry,
        segment::{Slot, inline_value},
    },
};

/// A value that is about to be stored.
pub(crate) trait Payload {
    /// At least as many bytes as `write` will write.
    fn len(&self) -> Result<usize>;
    /// Writes the front of `out`; how many bytes.
    fn write(&self, out: &mut [u8]) -> Result<usize>;
}

/// A record that nothing refers to yet; freed if it never comes to that.
pub(super) struct Unpublished<'c, B: ByteStore, C: Scheme> {
    pub(super) core: &'c Core<B, C>,
    pub(super) fresh: Fresh,
}

impl<B: ByteStore, C: Scheme> Unpublished<'_, B, C> {
    pub(super) fn publish(self) -> u64 {
        let at = self.fresh.at;
        std::mem::forget(self);
        at
    }
}

impl<B: ByteStore, C: Scheme> Drop for Unpublished<'_, B, C> {
    fn drop(&mut self) {
        // The cell was allocated a moment ago, so freeing it cannot fail.
        let freed = self.core.heap().forget(self.fresh.at);
        debug_assert!(freed.is_ok());
    }
}

impl<B: ByteStore, C: Scheme> Core<B, C> {
    /// Inserts a key that `vacant` was looked up for; where it is now.
    #[inline(always)]
    pub(crate) fn insert<P: Payload>(
        &self,
        writer: &mut Writer,
        vacant: Vacant<C>,
        hashed: Hashed,
        key: &[u8],
        payload: &P,
    ) -> Result<Found<C>> {
        let mut image = SlotImage::zeroed();
        let record = self.compose(writer, &mut image, hashed, key, payload)?;
        let found = match vacant.free {
            Some(free) => {
                let Vacant { entry, segment, .. } = vacant;
                segment.fill(segment.home(hashed), free, hashed.tag(), &image);
                Found { entry, segment, slot: free.slot, overflow: None }
            }
            // By value: a reference would keep the image in memory on the way that is taken nearly always.
            _ => self.insert_crowded(writer, hashed, image)?,
        };
        if let Some(record) = record {
            record.publish();
        }
        crash::point("insert: filled");
        writer.count(1);
        Ok(found)
    }

    /// Stores a value for a key, whether it is there or not.
    pub(crate) fn put<P: Payload>(&self, writer: &mut Writer, hashed: Hashed, key: &[u8], payload: &P) -> Result<()> {
        match self.lookup(hashed, key)? {
            Lookup::Found(found) => self.update(writer, found, hashed, key, payload).map(|_| ()),
            Lookup::Vacant(vacant) => self.insert(writer, vacant, hashed, key, payload).map(|_| ()),
        }
    }

    /// Stores another value for a found key; the slot as it was, and where it is now. The old record is freed: its bytes
    /// stay until the next change.
    #[inline(always)]
    pub(crate) fn update<P: Payload>(
        &self,
        writer: &mut Writer,
        found: Found<C>,
        hashed: Hashed,
        key: &[u8],
        payload: &P,
    ) -> Result<(SlotImage, Found<C>)> {
        self.update_if(writer, found, hashed, key, payload, |_| Ok(()))
    }

    /// As `update`, unless `check` refuses the slot as it is. It is asked as late as can be: the old record is on its way
    /// while the new one is written.
    #[inline(always)]
    pub(crate) fn update_if<P: Payload>(
        &self,
        writer: &mut Writer,
        found: Found<C>,
        hashed: Hashed,
        key: &[u8],
        payload: &P,
        check: impl FnOnce(&SlotImage) -> Checked<()>,
    ) -> Result<(SlotImage, Found<C>)> {
        let found = self.writable(writer, found, hashed, key)?;
        let old = found.segment.image(found.slot);
        match C::LAYOUT.value {
            Side::Inline { size } => {
                check(&old)?;
                let mut image = old;
                let out = &mut image.bytes_mut()[C::LAYOUT.value_at..C::LAYOUT.value_at + size];
                exactly(size, payload.write(out)?)?;
                if size <= 8 {
                    let word = C::LAYOUT.value_at / 8;
                    if size > 0 {
                        found.segment.set_word(found.slot, word, image.0[word]);
                        crash::point("update: word stored");
                    }
                    return Ok((old, found));
                }
                let found = self.move_entry(writer, found, hashed, key, &image)?;
                Ok((old, found))
            }
            Side::Record { .. } => {
                let mut image = old;
                let word = C::LAYOUT.reference_word();
                let before = Reference(old.0[word]);
                self.heap().prefetch(before.at());
                self.heap().prefetch_freeing(before.at());
                let record = self.compose(writer, &mut image, hashed, key, payload)?;
                check(&old)?;
                let new = Reference(image.0[word]);
                found.segment.set_word(found.slot, word, new.displaced(before.displacement()).0);
                crash::point("update: reference swung");
                if let Some(record) = record {
                    record.publish();
                }
                self.heap().free(&mut writer.open, before.at())?;
                crash::point("update: record freed");
                Ok((old, found))
            }
        }
    }

    /// Removes a found key; the slot as it was. Its record is freed: its bytes stay until the next change.
    pub(crate) fn remove(&self, writer: &mut Writer, found: Found<C>, hashed: Hashed, key: &[u8]) -> Result<SlotImage> {
        let found = self.writable(writer, found, hashed, key)?;
        let image = self.unlink(&found, hashed.position());
        writer.count(-1);
        if let Some(reference) = reference(&C::LAYOUT, &image) {
            self.heap().free(&mut writer.open, reference.at())?;
            crash::point("remove: record freed");
        }
        Ok(image)
    }

    /// Clears a slot of a segment that may be written to, and that `position` leads to; its words.
    pub(super) fn unlink(&self, found: &Found<C>, position: u64) -> SlotImage {
        let Found { segment, slot, .. } = *found;
        let image = segment.image(slot);
        let home = if found.overflow.is_some() { slot.bucket } else { self.home_of(segment, slot) };
        segment.clear(slot);
        crash::point("remove: tag off");
        self.bump(position, found.entry.depth());
        segment.lower(home, slot.bucket, |bucket| self.overflow_past(segment, bucket));
        crash::point("remove: counts lowered");
        image
    }

    /// Fills a slot image, creating the record if there is one.
    #[inline(always)]
    fn compose<P: Payload>(
        &self,
        writer: &mut Writer,
        image: &mut SlotImage,
        hashed: Hashed,
        key: &[u8],
        payload: &P,
    ) -> Result<Option<Unpublished<'_, B, C>>> {
        let layout = &C::LAYOUT;
        if let Some(size) = layout.key_size() {
            exactly(size, key.len())?;
            image.bytes_mut()[..size].copy_from_slice(key);
        }
        if let Some(size) = layout.value_size() {
            let range = inline_value(layout, image);
            exactly(size, payload.write(&mut image.bytes_mut()[range])?)?;
        }
        if !layout.has_heap() {
            return Ok(None);
        }
        let record = self.record(writer, key, payload)?;
        image.0[layout.reference_word()] = Reference::new(record.fresh.at, 0, hashed).0;
        Ok(Some(record))
    }

    /// Writes a record for the sides that lie in the heap.
    fn record<P: Payload>(&self, writer: &mut Writer, key: &[u8], payload: &P) -> Result<Unpublished<'_, B, C>> {
        let key_len = if C::LAYOUT.key_size().is_none() { key.len() } else { 0 };
        let room = if C::LAYOUT.value_size().is_none() { payload.len()? } else { 0 };
        for (side, len) in [("key", key_len), ("value", room)] {
            if len as u64 > MAX_LEN {
                return Err(Error::TooLarge { side, len: len as u64, max: MAX_LEN });
            }
        }
        let parts = Self::RECORD.parts(key_len, room);
        let fresh = self.heap().allocate(&mut writer.open, Self::RECORD, parts.end())?;
        let record = Unpublished { core: self, fresh };
        // SAFETY: the cell is fresh, and the slice is dropped at the end of this function, before it is published.
        let bytes = unsafe { self.heap().fresh(fresh) };
        let mut value_len = 0;
        if C::LAYOUT.value_size().is_none() {
            value_len = payload.write(&mut bytes[parts.value.0..parts.value.0 + room])?;
            if value_len > room {
                return Err(lengths(room, value_len));
            }
        }
        if key_len > 0 {
            bytes[parts.key.0..parts.key.0 + key_len].copy_from_slice(key);
        }
        Self::RECORD.seal(bytes, Self::RECORD.parts(key_len, value_len));
        crash::point("record: written");
        Ok(record)
    }

    /// The same entry in a segment that may be written to.
    #[inline(always)]
    fn writable(&self, writer: &mut Writer, found: Found<C>, hashed: Hashed, key: &[u8]) -> Result<Found<C>> {
        if !found.entry.has(Entry::PROTECTED) {
            return Ok(found);
        }
        self.unprotect(writer, hashed.position())?;
        self.find_again(hashed, key)
    }

    /// Finds a key that must be there: only the beginning of a checkpoint came between.
    #[cold]
    pub(crate) fn find_again(&self, hashed: Hashed, key: &[u8]) -> Result<Found<C>> {
        self.find(hashed, key)?.ok_or_else(|| {
            Error::corrupt(super::INDEX_FILE, hashed.position(), "an entry disappeared while its segment was copied")
        })
    }

    /// Gives an entry new words in another slot: the inline value is too long to be overwritten by one store.
    fn move_entry(
        &self,
        writer: &mut Writer,
        mut found: Found<C>,
        hashed: Hashed,
        key: &[u8],
        image: &SlotImage,
    ) -> Result<Found<C>> {
        loop {
            if let Some(slot) = self.second_slot(&found, hashed) {
                let to = Found { slot, ..found };
                self.move_to(writer, &found, &to, hashed, image);
                return Ok(to);
            }
            if found.overflow.is_none() && self.enlarge(writer, hashed)? {
                found = self.find_again(hashed, key)?;
                continue;
            }
            let mask = found.segment.buckets() - 1;
            match self.free_in_chain(Self::id(found.entry), mask)? {
                Some((segment, id, free)) => {
                    let to = Found { entry: found.entry, segment, slot: free.slot, overflow: Some(id) };
                    self.move_to(writer, &found, &to, hashed, image);
                    return Ok(to);
                }
                None => self.lengthen(Self::id(found.entry))?,
            }
        }
    }

    /// A free slot for an entry's next words in its segment: in its bucket if there is one, else on its way.
    fn second_slot(&self, found: &Found<C>, hashed: Hashed) -> Option<Slot> {
        let Found { segment, slot, overflow, .. } = *found;
        if let Some(lane) = segment.lanes().free(segment.control(slot.bucket)).first() {
            return Some(Slot { bucket: slot.bucket, lane });
        }
        let free =
            if overflow.is_some() { super::chain::free_slot(segment) } else { segment.free_slot(segment.home(hashed)) };
        free.map(|free| free.slot)
    }

    fn move_to(&self, writer: &Writer, from: &Found<C>, to: &Found<C>, hashed: Hashed, image: &SlotImage) {
        let home = |found: &Found<C>| match found.overflow {
            Some(_) => found.slot.bucket,
            None => found.segment.home(hashed),
        };
        let (old, new, id) = (from.slot, to.slot, Self::id(from.entry));
        let bump = || self.bump(hashed.position(), from.entry.depth());
        let lanes = from.segment.lanes();
        if from.overflow == to.overflow && old.bucket == new.bucket {
            to.segment.write(home(to), new, image);
            crash::point("move: second slot written");
            let control = lanes.with_tag(to.segment.control(new.bucket), old.lane, 0);
            to.segment.set_control(new.bucket, lanes.with_tag(control, new.lane, hashed.tag()));
            crash::point("move: both tags flipped");
            // Before the old slot can be filled again.
            bump();
        } else {
            let place = |found: &Found<C>| (found.overflow.unwrap_or(id), found.slot);
            let intent = self.announce(writer, Intent::Move { old: place(from), new: place(to) });
            crash::point("move: intent committed");
            to.segment.fill(home(to), to.segment.free_at(new), hashed.tag(), image);
            crash::point("move: new tag on");
            // Who has passed the new slot finds the old one gone and looks again.
            bump();
            from.segment.clear(old);
            crash::point("move: old tag off");
            // Before the old slot can be filled again.
            bump();
            intent.done();
            crash::point("move: intent cleared");
            from.segment.lower(home(from), old.bucket, |bucket| self.overflow_past(from.segment, bucket));
            crash::point("move: counts lowered");
        }
    }

    /// Fills a slot for an entry whose segment is protected or has none free on the entry's way.
    #[cold]
    #[inline(never)]
    fn insert_crowded(&self, writer: &mut Writer, hashed: Hashed, image: SlotImage) -> Result<Found<C>> {
        loop {
            if let Some(found) = self.make_room(writer, hashed, &image)? {
                return Ok(found);
            }
            let Vacant { entry, segment, free } = self.vacancy(hashed);
            if let Some(free) = free {
                segment.fill(segment.home(hashed), free, hashed.tag(), &image);
                return Ok(Found { entry, segment, slot: free.slot, overflow: None });
            }
        }
    }

    /// Makes room for an entry: copies a protected segment, rebuilds or splits a full one. Where neither helps, the entry
    /// is filled into an overflow segment here.
    fn make_room(&self, writer: &mut Writer, hashed: Hashed, image: &SlotImage) -> Result<Option<Found<C>>> {
        let view = self.directory.view();
        let entry = view.entry(hashed.position());
        if entry.has(Entry::PROTECTED) {
            self.unprotect(writer, hashed.position())?;
            return Ok(None);
        }
        let crowded = super::replace::is_crowded::<C>(self.segment(entry, view.mask()));
        if (crowded || !entry.has(Entry::CHAINED)) && self.enlarge(writer, hashed)? {
            return Ok(None);
        }
        let main = Self::id(entry);
        loop {
            if let Some((segment, id, free)) = self.free_in_chain(main, view.mask())? {
                // In a list every bucket is home: no overflow is counted.
                let slot = free.slot;
                segment.fill(slot.bucket, free, hashed.tag(), image);
                crash::point("chain: slot filled");
                let entry = self.directory.view().entry(hashed.position());
                return Ok(Some(Found { entry, segment, slot, overflow: Some(id) }));
            }
            if self.enlarge(writer, hashed)? {
                return Ok(None);
            }
            self.lengthen(main)?;
        }
    }

    /// The generation entries written now belong to.
    pub(super) fn now(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }
}

#[inline(always)]
fn exactly(size: usize, written: usize) -> Result<()> {
    if size == written { Ok(()) } else { Err(lengths(size, written)) }
}

#[cold]
fn lengths(expected: usize, found: usize) -> Error {
    Error::Encode {
        what: format!("a codec wrote {found} bytes where {expected} were announced; its `Encode` is wrong"),
    }
}
