//! What becomes of a child, as it is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::birth::{Born, Cradle};
use super::child::{Exit, State};
use super::{Event, reaper};
use crate::crew;
use crate::error::Error;

/// Who hears of a child.
pub(super) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// How long one of the crew waits for a program: it takes a fraction as a rule, but a file may be on another machine.
const PATIENCE: Duration = Duration::from_millis(20);

/// What has been told of a child, and to whom. Once all was told, nobody holds it, and the listener is gone.
pub(super) struct Story {
    state: Arc<State>,
    listener: Listener,
    start: Mutex<Start>,
}

/// Whether the start is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    NotWanted,
    Wanted,
    /// It was, or there is nothing to tell any more.
    Over,
}

impl Story {
    pub(super) fn new(state: &Arc<State>, listener: Listener, announced: bool) -> Arc<Self> {
        let start = if announced { Start::Wanted } else { Start::NotWanted };
        Arc::new(Self { state: Arc::clone(state), listener, start: Mutex::new(start) })
    }

    /// Has the end told, once it comes, and before that the start, if it is to be announced.
    pub(super) fn follow(self: Arc<Self>, Born { id, pidfd, cradle }: Born) {
        let announced = (*self.start() == Start::Wanted).then(|| Arc::clone(&self));
        reaper::watch(Arc::clone(&pidfd), move || {
            let exit = reaper::collect(&pidfd);
            cradle.vacate();
            match cradle.failure() {
                Some(error) => self.fail(error),
                None => self.end(id, exit),
            }
        });
        if let Some(story) = announced {
            story.await_program();
        }
    }

    /// Has the start told, as soon as it is known: before the end, if that was not told already.
    pub(super) fn announce(self: Arc<Self>) {
        let mut start = self.start();
        if *start != Start::NotWanted {
            return;
        }
        *start = Start::Wanted;
        drop(start);
        self.await_program();
    }

    fn await_program(self: Arc<Self>) {
        // Should there be no thread to wait on, the end tells of the start.
        let _told_later = crew::submit(move || {
            // Of any other child all has been told.
            let Ok((id, Some(cradle))) = self.state.birth() else { return };
            if cradle.is_left_within(PATIENCE) {
                return self.begun(id, &cradle);
            }
            let _told_later = crew::detach(move || self.begun(id, &cradle));
        });
    }

    /// Waits for the program, and tells of it.
    fn begun(&self, id: u32, cradle: &Cradle) {
        if cradle.failure().is_none() {
            self.begin(&mut self.start(), id);
        }
    }

    fn begin(&self, start: &mut Start, id: u32) {
        if *start == Start::Wanted {
            self.tell(&Event::Started(id));
        }
        *start = Start::Over;
    }

    fn end(&self, id: u32, exit: Exit) {
        self.begin(&mut self.start(), id);
        self.state.end(exit);
        self.tell(&Event::Exited(exit));
    }

    pub(super) fn fail(&self, error: Error) {
        *self.start() = Start::Over;
        self.state.fail(error.clone());
        self.tell(&Event::Failed(error));
    }

    fn start(&self) -> MutexGuard<'_, Start> {
        // A panic of the listener is caught within.
        self.start.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listener that panics must not take the thread that all other children are waited for by.
    fn tell(&self, event: &Event) {
        let _printed_already = catch_unwind(AssertUnwindSafe(|| (self.listener)(event)));
    }
}
