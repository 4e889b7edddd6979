//! Work in order: each job after the one before, on the crew's threads.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crew;
use crate::error::Result;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Whether a member of the crew works through the jobs.
    running: bool,
}

/// A queue of jobs, one of which runs at a time. The next one begins as soon as the last one ended.
#[derive(Default)]
pub struct Lane(Mutex<Waiting>);

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

impl Lane {
    /// Has `job` run after all that were submitted before.
    ///
    /// # Errors
    /// As [`crew::submit`]; the job is not run then.
    pub fn submit(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) -> Result<()> {
        let mut waiting = self.waiting();
        if !waiting.running {
            let lane = Arc::clone(self);
            // It waits for our lock before it looks for the job.
            crew::submit(move || lane.work())?;
            waiting.running = true;
        }
        waiting.jobs.push_back(Box::new(job));
        Ok(())
    }

    fn work(&self) {
        loop {
            let Some(job) = self.next() else { return };
            // What a panicking job owed its caller is told by what the job dropped.
            let _told_by_drop = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        let job = waiting.jobs.pop_front();
        waiting.running = job.is_some();
        job
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Jobs run without the lock, so the state is whole even if it was poisoned.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn jobs_run_in_order_and_a_panic_does_not_stop_those_behind_it() {
        let lane = Arc::new(Lane::default());
        let (sender, receiver) = channel();
        for number in 0..1000 {
            let sender = sender.clone();
            let job = move || {
                assert_ne!(number, 500, "on purpose");
                sender.send(number).expect("somebody listens");
            };
            lane.submit(job).expect("a thread");
        }
        drop(sender);
        let seen: Vec<_> = receiver.iter().collect();
        assert_eq!(seen, (0..1000).filter(|&number| number != 500).collect::<Vec<_>>());
    }
}
