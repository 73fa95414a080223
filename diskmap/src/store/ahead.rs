//! A helper thread that brings in the pages a store will need next, so that its writer does not wait while the kernel
//! clears 2 MiB.
//!
//! Must not know what the bytes are for, and never touches one. Invariant: no content changes, and pages that come too late
//! are brought in by whoever touches them.

use super::{
    HUGE,
    advice::{self, Populated},
};
use memmap2::MmapRaw;
use std::{
    fs::File,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// Pages that are wanted soon. A mapping that is gone by then is left alone.
struct Wish {
    file: Weak<File>,
    mapping: Weak<MmapRaw>,
    from: u64,
    to: u64,
}

/// Asks for the pages of `from..to` soon. `false` if there is nobody to bring them in.
pub(super) fn wish(file: &Arc<File>, mapping: &Arc<MmapRaw>, from: u64, to: u64) -> bool {
    static HELPER: OnceLock<Mutex<Option<Sender<Wish>>>> = OnceLock::new();
    let mut helper = super::locked(HELPER.get_or_init(|| Mutex::new(start())));
    let wish = Wish { file: Arc::downgrade(file), mapping: Arc::downgrade(mapping), from, to };
    let sent = helper.as_ref().is_some_and(|helper| helper.send(wish).is_ok());
    if !sent {
        *helper = None;
    }
    sent
}

/// One thread for all stores of the process, from the first wish on until the process ends.
fn start() -> Option<Sender<Wish>> {
    let (wishes, fulfil) = channel();
    thread::Builder::new().name("diskmap-pages".into()).spawn(move || work(&fulfil)).ok()?;
    Some(wishes)
}

/// Ends where the system cannot bring pages in without touching them: that is left to those who hold the file's end.
fn work(wishes: &Receiver<Wish>) {
    while let Ok(wish) = wishes.recv() {
        if wish.fulfil() == Populated::Unknown {
            return;
        }
    }
}

impl Wish {
    fn fulfil(&self) -> Populated {
        let mut from = self.from;
        while from < self.to
            && let (Some(file), Some(mapping)) = (self.file.upgrade(), self.mapping.upgrade())
        {
            let to = (from + HUGE).min(self.to);
            // Past the end of a file that was cut meanwhile the kernel refuses, and nothing happens.
            if advice::load(&file, &mapping, from, to) == Populated::Unknown {
                return Populated::Unknown;
            }
            from = to;
            // Where there is but one core, the writer that is waiting for it goes first.
            thread::yield_now();
        }
        Populated::Done
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{
        super::{DEFAULT_RESERVE, PAGE, reserve},
        *,
    };

    fn resident(mapping: &MmapRaw, pages: usize) -> usize {
        let mut map = vec![0u8; pages];
        // SAFETY: the range is mapped, and the vector has a byte for each of its pages.
        let result = unsafe { libc::mincore(mapping.as_mut_ptr().cast(), pages * PAGE as usize, map.as_mut_ptr()) };
        assert_eq!(result, 0);
        map.iter().filter(|page| *page & 1 == 1).count()
    }

    #[test]
    fn wishes_are_fulfilled_within_the_file_and_nowhere_else() {
        let file = Arc::new(tempfile::tempfile().expect("file"));
        file.set_len(2 * HUGE).expect("length");
        let mapping = Arc::new(reserve::shared(&file, DEFAULT_RESERVE, HUGE).expect("mapping"));
        let pages = (HUGE / PAGE) as usize;
        let wish = Wish { file: Arc::downgrade(&file), mapping: Arc::downgrade(&mapping), from: 0, to: HUGE };
        if wish.fulfil() == Populated::Unknown {
            return;
        }
        assert_eq!(resident(&mapping, pages), pages);
        assert_eq!(
            Wish { file: Arc::downgrade(&file), mapping: Arc::downgrade(&mapping), from: 8 * HUGE, to: 9 * HUGE }
                .fulfil(),
            Populated::Done
        );
        drop(mapping);
        assert_eq!(wish.fulfil(), Populated::Done);
    }

    #[test]
    fn the_helper_works() {
        let file = Arc::new(tempfile::tempfile().expect("file"));
        file.set_len(HUGE).expect("length");
        let mapping = Arc::new(reserve::shared(&file, DEFAULT_RESERVE, HUGE).expect("mapping"));
        let pages = (HUGE / PAGE) as usize;
        for _ in 0..1000 {
            if !wish(&file, &mapping, 0, HUGE) {
                let alone = Wish { file: Arc::downgrade(&file), mapping: Arc::downgrade(&mapping), from: 0, to: HUGE };
                return assert_eq!(alone.fulfil(), Populated::Unknown, "the helper ends for no other reason");
            }
            if resident(&mapping, pages) == pages {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the pages never came");
    }
}
