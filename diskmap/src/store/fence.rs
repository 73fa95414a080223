//! Asymmetric fences: the side that runs often pays nothing, the side that runs rarely makes every other thread pass a
//! fence (Linux `membarrier`).
//!
//! Must not know what is ordered. Invariant: `light` orders anything only in a process where `register` is true.

use std::sync::{
    OnceLock,
    atomic::{Ordering, compiler_fence},
};

/// Makes [`heavy`] possible in this process. `false` where the system has no such call or refuses it: then both sides need
/// `fence(SeqCst)`.
pub(crate) fn register() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| membarrier(Command::Register))
}

/// The frequent side. Together with a [`heavy`] that returned `true`, like a `fence(SeqCst)` on both sides.
#[inline(always)]
pub(crate) fn light() {
    compiler_fence(Ordering::SeqCst);
}

/// The rare side: when it returns `true`, every thread of this process has passed a full fence since the call began. On
/// `false` nothing has been ordered with a [`light`].
#[must_use]
pub(crate) fn heavy() -> bool {
    membarrier(Command::Expedited)
}

#[derive(Clone, Copy)]
enum Command {
    Register,
    Expedited,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn membarrier(command: Command) -> bool {
    let command = match command {
        Command::Register => libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
        Command::Expedited => libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    };
    // SAFETY: the call reads and writes no memory of ours; it takes a command, flags (none) and a CPU (unused).
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn membarrier(_: Command) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicU32, Ordering::Relaxed},
        thread,
    };

    #[test]
    fn a_registered_process_can_fence() {
        if cfg!(target_os = "linux") {
            assert!(register() && register());
        }
        assert_eq!(heavy(), register());
    }

    /// Store buffering: without the fences both sides may read 0.
    #[test]
    fn at_least_one_side_sees_the_other() {
        if !register() {
            return;
        }
        for _ in 0..2_000 {
            let (a, b) = (AtomicU32::new(0), AtomicU32::new(0));
            let (seen_by_light, seen_by_heavy) = thread::scope(|scope| {
                let often = scope.spawn(|| {
                    a.store(1, Relaxed);
                    light();
                    b.load(Relaxed)
                });
                b.store(1, Relaxed);
                assert!(heavy());
                let seen = a.load(Relaxed);
                (often.join().expect("thread"), seen)
            });
            assert!(seen_by_light == 1 || seen_by_heavy == 1);
        }
    }
}
