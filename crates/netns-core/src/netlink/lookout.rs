//! One thread that waits for the changes of all networks that somebody listens to.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::socket::failed;
use super::subscription::{Changes, Subscription};
use crate::crew;
use crate::error::Result;

/// The number by which the thread is told to end; waits are numbered from 1.
const QUIT: u64 = 0;
/// So many descriptors are told of at once.
const EVENTS: usize = 32;

type Tell = Box<dyn FnOnce(Result<Changes>) + Send>;

/// The thread's place. It is left when nobody holds it any more, nor waits there.
#[derive(Debug)]
pub struct Lookout(Arc<Post>);

static SHARED: Mutex<Weak<Lookout>> = Mutex::new(Weak::new());

struct Post {
    epoll: Epoll,
    quit: EventFd,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    last: u64,
    open: HashMap<u64, Wait>,
    /// The thread is gone, or never came.
    over: bool,
}

/// Somebody who wants to be told of the next changes.
struct Wait {
    subscription: Arc<Mutex<Subscription>>,
    tell: Tell,
    _held_until_told: Arc<Lookout>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

impl Lookout {
    /// The process's own, whose thread is started if nobody holds it yet.
    ///
    /// # Errors
    /// `EMFILE`; `EAGAIN` if no thread can be had.
    pub fn shared() -> Result<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lookout) = shared.upgrade().filter(|lookout| !lookout.0.waits().over) {
            return Ok(lookout);
        }
        let lookout = Arc::new(Self(Post::manned()?));
        *shared = Arc::downgrade(&lookout);
        Ok(lookout)
    }

    /// Calls `tell` on the lookout's thread with the next changes, or with the word that the subscription was stopped.
    /// It must not block. If it cannot be waited for, as with `EEXIST` when somebody waits for the same subscription,
    /// `tell` learns that at once; if the thread could not be started, it is dropped.
    pub fn next(
        self: &Arc<Self>,
        subscription: Arc<Mutex<Subscription>>,
        tell: impl FnOnce(Result<Changes>) + Send + 'static,
    ) {
        let wait = Wait { subscription, tell: Box::new(tell), _held_until_told: Arc::clone(self) };
        self.0.enter(wait);
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        // An eventfd takes more writes than anyone can make; a full one wakes too.
        let _full_is_fine = self.0.quit.write(1);
    }
}

impl Post {
    fn manned() -> Result<Arc<Self>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| failed("epoll_create1", errno))?;
        let quit = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| failed("eventfd2", errno))?;
        let post = Arc::new(Self { epoll, quit, waits: Mutex::default() });
        post.look_at(post.quit.as_fd(), QUIT)?;
        let watchman = Watchman(Arc::clone(&post));
        crew::detach(move || watchman.0.keep())?;
        Ok(post)
    }

    fn look_at(&self, fd: BorrowedFd<'_>, number: u64) -> Result<()> {
        self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, number)).map_err(|errno| failed("epoll_ctl", errno))
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, wait: Wait) {
        let mut waits = self.waits();
        waits.last += 1;
        let number = waits.last;
        let looked = if waits.over { Ok(()) } else { self.look_at_both(&wait, number) };
        if looked.is_ok() && !waits.over {
            waits.open.insert(number, wait);
            return;
        }
        // What is told, also by being dropped, may want the lock.
        drop(waits);
        if let Err(error) = looked {
            (wait.tell)(Err(error));
        }
    }

    fn look_at_both(&self, wait: &Wait, number: u64) -> Result<()> {
        let subscription = wait.subscription.lock().unwrap_or_else(PoisonError::into_inner);
        let [socket, stop] = subscription.descriptors();
        self.look_at(socket, number)?;
        self.look_at(stop, number).inspect_err(|_| {
            let _was_looked_at = self.epoll.delete(socket);
        })
    }

    /// What the thread does.
    fn keep(&self) {
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(_) => return,
            };
            for event in &events[..count] {
                self.answer(event.data());
            }
            if events[..count].iter().any(|event| event.data() == QUIT) {
                return;
            }
        }
    }

    /// Looks what a subscription has; who waits for it goes on waiting if that is nothing.
    fn answer(&self, number: u64) {
        let taken = self.waits().open.remove(&number);
        // Both of its descriptors may have been told of at once.
        let Some(wait) = taken else { return };
        let mut subscription = wait.subscription.lock().unwrap_or_else(PoisonError::into_inner);
        let news = subscription.try_next();
        if let Ok(None) = news {
            drop(subscription);
            self.waits().open.insert(number, wait);
            return;
        }
        for descriptor in subscription.descriptors() {
            let _was_looked_at = self.epoll.delete(descriptor);
        }
        drop(subscription);
        // What a panicking job owed its caller is told by what the job dropped.
        let _told_by_drop = catch_unwind(AssertUnwindSafe(|| (wait.tell)(news.map(Option::unwrap_or_default))));
    }
}

/// However the thread ends, or if it is never started: nobody is left waiting.
struct Watchman(Arc<Post>);

impl Drop for Watchman {
    fn drop(&mut self) {
        let mut waits = self.0.waits();
        waits.over = true;
        let open = std::mem::take(&mut waits.open);
        // What they drop may want the lock.
        drop(waits);
        drop(open);
    }
}
