//! Reading without a lock what a writer may change at any moment: read first, then ask whether it counts.
//!
//! Knows neither segments nor memory, so that the very same steps can be tried in every order (`model`). Invariant: what
//! `settled` returns was read from one segment that the directory led to after the call began, while no slot of it was
//! reused and no entry of it moved.
//!
//! The scheme is a sequence lock without a state that means "being changed" (Boehm, "Can seqlocks get along with
//! programming language memory models?", 2012): a writer counts *before* it may take away what a reader could be looking
//! at, and never makes a reader wait.

#[cfg(test)]
mod model;

/// Where a reader of one position finds its sequence and its way.
pub(crate) trait Source {
    /// A directory entry.
    type Entry: Copy;

    /// The sequence (Acquire).
    fn sequence(&self) -> u64;

    /// The entry as it is now (Acquire).
    fn entry(&self) -> Self::Entry;

    /// The sequence again, after everything that was read before the call (a fence, then Relaxed).
    fn sequence_after(&self) -> u64;

    /// Before another try.
    #[inline(always)]
    fn pause(&self) {
        std::hint::spin_loop();
    }
}

/// A segment that is being read, and the sequence its positions had before.
pub(crate) struct Stamp<'s, S: Source> {
    source: &'s S,
    sequence: u64,
    /// The directory entry that led to the segment.
    pub entry: S::Entry,
}

impl<'s, S: Source> Stamp<'s, S> {
    /// Begins to read. The sequence comes first: who counts it later took the segment away later, too.
    #[inline(always)]
    pub(crate) fn begin(source: &'s S) -> Stamp<'s, S> {
        let sequence = source.sequence();
        Stamp { source, sequence, entry: source.entry() }
    }

    /// Whether everything read of the segment so far belongs together.
    #[inline(always)]
    pub(crate) fn holds(&self) -> bool {
        self.source.sequence_after() == self.sequence
    }
}

/// What `attempt` reads of the segment that `source` leads to, read again until it belongs together. `None` says that
/// `attempt` itself found that it does not.
#[inline(always)]
pub(crate) fn settled<S: Source, R>(source: &S, mut attempt: impl FnMut(&Stamp<'_, S>) -> Option<R>) -> R {
    loop {
        if let Some(result) = once(source, &mut attempt) {
            return result;
        }
        source.pause();
    }
}

/// One try of [`settled`].
#[inline(always)]
pub(crate) fn once<S: Source, R>(source: &S, attempt: impl FnOnce(&Stamp<'_, S>) -> Option<R>) -> Option<R> {
    let stamp = Stamp::begin(source);
    attempt(&stamp).filter(|_| stamp.holds())
}
