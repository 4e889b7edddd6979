//! From a command to a child, and to those who hear of it.

use std::sync::Arc;

use super::birth::{Born, bear};
use super::child::{Child, State};
use super::plan::Plan;
use super::story::{Listener, Story};
use super::{Command, reaper};
use crate::crew;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Starts the child. The calling thread stays where it is; the child alone enters the namespace.
pub(super) fn launch(command: Command, namespace: &NetNs, listener: Listener) -> Result<Child> {
    reaper::prepare()?;
    let announced = command.announced;
    let (plan, streams, pipes) = Plan::new(command)?;
    if plan.is_bound() {
        let state = State::starting();
        let story = Story::new(&state, listener, announced);
        let child = Child::new(Arc::clone(&state), &story, pipes);
        // The end of the thread that made it would kill a bound child; one of the crew never ends.
        let namespace = namespace.clone();
        let mut debt = Debt(Some(story));
        crew::submit(move || {
            let born = bear(plan, streams, Some(&namespace));
            if let Some(story) = debt.0.take() {
                match born {
                    Ok(born) => {
                        state.bear(born.clone());
                        story.follow(born);
                    }
                    Err(error) => story.fail(error),
                }
            }
        })?;
        Ok(child)
    } else {
        let born = bear(plan, streams, Some(namespace))?;
        let state = State::born(born.clone());
        let story = Story::new(&state, listener, announced);
        let child = Child::new(state, &story, pipes);
        story.follow(born);
        Ok(child)
    }
}

/// Starts a program from the calling thread, in that one's network. Nobody hears of its end, but it is waited for.
pub(super) fn start_here(command: Command) -> Result<()> {
    reaper::prepare()?;
    let (plan, streams, _no_pipes) = Plan::new(command)?;
    let Born { pidfd, cradle, .. } = bear(plan, streams, None)?;
    let held = Arc::clone(&cradle);
    reaper::watch(Arc::clone(&pidfd), move || {
        reaper::collect(&pidfd);
        held.vacate();
    });
    cradle.failure().map_or(Ok(()), Err)
}

/// Whoever waits for a child whose start panicked must hear of it.
struct Debt(Option<Arc<Story>>);

impl Drop for Debt {
    fn drop(&mut self) {
        if let Some(story) = self.0.take() {
            story.fail(Error::panicked());
        }
    }
}
