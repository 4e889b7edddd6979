//! Requests that are with other threads, for whoever must not overtake them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many requests are with other threads.
#[derive(Debug, Default)]
pub(crate) struct Errands(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    under_way: Mutex<usize>,
    none: Condvar,
}

impl Count {
    fn under_way(&self) -> MutexGuard<'_, usize> {
        // Nothing panics while it is locked.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is with another thread, until it is dropped: also if the request was never sent.
#[derive(Debug)]
#[must_use = "a request that is not held counts as carried out"]
pub struct Errand(Arc<Count>);

impl Errands {
    pub(crate) fn begin(&self) -> Errand {
        *self.0.under_way() += 1;
        Errand(Arc::clone(&self.0))
    }

    /// Waits until there are none.
    pub(crate) fn settle(&self) {
        let mut under_way = self.0.under_way();
        while *under_way > 0 {
            under_way = self.0.none.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let mut under_way = self.0.under_way();
        *under_way -= 1;
        if *under_way == 0 {
            self.0.none.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn whoever_settles_waits_for_every_errand_and_for_those_that_panic() {
        let errands = Errands::default();
        errands.settle();
        let done = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..100)
            .map(|number| {
                let (errand, done) = (errands.begin(), Arc::clone(&done));
                thread::spawn(move || {
                    let _held = errand;
                    done.fetch_add(1, Ordering::SeqCst);
                    assert_ne!(number, 50, "on purpose");
                })
            })
            .collect();
        errands.settle();
        assert_eq!(done.load(Ordering::SeqCst), 100);
        assert_eq!(threads.into_iter().filter_map(|thread| thread.join().err()).count(), 1);
    }
}
