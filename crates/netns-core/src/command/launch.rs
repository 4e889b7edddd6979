//! From a command to a child, and to those who hear of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::birth::{Born, bear};
use super::child::{Child, Exit, State};
use super::plan::Plan;
use super::{Command, Event, reaper};
use crate::crew;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Who hears of a child.
pub(super) type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// Starts the child. The calling thread stays where it is; the child alone enters the namespace.
pub(super) fn launch(command: Command, namespace: &NetNs, listener: Listener) -> Result<Child> {
    reaper::prepare()?;
    let announced = command.announced;
    let (plan, streams, pipes) = Plan::new(command)?;
    let child = Child::starting(pipes);
    let story = Story { state: Arc::clone(child.state()), listener, announced, begun: Mutex::new(false) };
    if plan.is_bound() {
        // The end of the thread that made it would kill a bound child; one of the crew never ends.
        let namespace = namespace.clone();
        let mut debt = Debt(Some(story));
        crew::submit(move || {
            let born = bear(plan, streams, Some(&namespace), announced);
            if let Some(story) = debt.0.take() {
                match born {
                    Ok(born) => story.follow(born),
                    Err(error) => story.fail(error),
                }
            }
        })?;
    } else {
        story.follow(bear(plan, streams, Some(namespace), announced)?);
    }
    Ok(child)
}

/// Starts a program from the calling thread, in that one's network. Nobody hears of its end, but it is waited for.
pub(super) fn start_here(command: Command) -> Result<()> {
    reaper::prepare()?;
    let (plan, streams, _no_pipes) = Plan::new(command)?;
    let Born { pidfd, cradle, .. } = bear(plan, streams, None, false)?;
    let held = Arc::clone(&cradle);
    reaper::watch(Arc::clone(&pidfd), move || {
        reaper::collect(&pidfd);
        held.vacate();
    });
    cradle.failure().map_or(Ok(()), Err)
}

/// What has been told of a child, and to whom.
struct Story {
    state: Arc<State>,
    listener: Listener,
    /// Whether the start is to be told as soon as it is known.
    announced: bool,
    /// Whether it was.
    begun: Mutex<bool>,
}

impl Story {
    fn follow(self, Born { id, pidfd, cradle, begun }: Born) {
        self.state.bear(id, Arc::clone(&pidfd), Arc::clone(&cradle));
        let story = Arc::new(self);
        if let Some(begun) = begun {
            let (story, cradle) = (Arc::clone(&story), Arc::clone(&cradle));
            reaper::watch(Arc::new(begun), move || {
                // A child that died on the way may not have been told of as having left; its end tells the rest.
                if cradle.is_left() && cradle.failure().is_none() {
                    story.begin(id);
                }
            });
        }
        reaper::watch(Arc::clone(&pidfd), move || {
            let exit = reaper::collect(&pidfd);
            cradle.vacate();
            match cradle.failure() {
                Some(error) => story.fail(error),
                None => story.end(id, exit),
            }
        });
    }

    /// Told once, and before the end.
    fn begin(&self, id: u32) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !*begun {
            *begun = true;
            self.tell(&Event::Started(id));
        }
    }

    fn end(&self, id: u32, exit: Exit) {
        if self.announced {
            self.begin(id);
        }
        self.state.end(exit);
        self.tell(&Event::Exited(exit));
    }

    fn fail(&self, error: Error) {
        self.state.fail(error.clone());
        self.tell(&Event::Failed(error));
    }

    /// A listener that panics must not take the thread that all other children are waited for by.
    fn tell(&self, event: &Event) {
        let _printed_already = catch_unwind(AssertUnwindSafe(|| (self.listener)(event)));
    }
}

/// Whoever waits for a child whose start panicked must hear of it.
struct Debt(Option<Story>);

impl Drop for Debt {
    fn drop(&mut self) {
        if let Some(story) = self.0.take() {
            story.fail(Error::panicked());
        }
    }
}
