//! A checkpoint in another thread, one step at a time.
//!
//! Must not know what a checkpoint is. Invariant: the other thread runs only while the one that began it waits.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use super::{
    model::{Check, Model},
    simulator::{Meeting, met},
};
use crate::Result;

/// Work that waits at each of its steps.
pub(super) struct Beside {
    thread: Option<JoinHandle<Result<()>>>,
    arrived: Receiver<()>,
    go_on: Option<Sender<()>>,
    /// What there was when it began.
    pub captured: Model,
}

impl Beside {
    /// Begins the work; it waits before its first step.
    pub(super) fn begin(work: impl FnOnce() -> Result<()> + Send + 'static, captured: Model) -> Beside {
        let ((arrives, arrived), (go_on, goes)) = (channel(), channel());
        let meeting = Meeting { arrived: arrives, go_on: goes };
        let thread = Some(std::thread::spawn(move || met(meeting, work)));
        Beside { thread, arrived, go_on: Some(go_on), captured }
    }

    /// Lets it take its next step.
    pub(super) fn advance(&self) {
        if let Some(go_on) = &self.go_on {
            // A thread that is gone says so when it is waited for.
            let _ = go_on.send(());
        }
    }

    /// Waits until it is at a step; what became of it if there was none any more.
    pub(super) fn arrive(&mut self) -> Option<Check> {
        if self.arrived.recv().is_ok() {
            return None;
        }
        Some(match self.thread.take()?.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the checkpoint in another thread failed: {error}")),
            Err(_) => Err("the checkpoint in another thread panicked".into()),
        })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.go_on = None;
        if let Some(thread) = self.thread.take() {
            // Whatever becomes of it, nobody is interested in it any more.
            let _ = thread.join();
        }
    }
}
