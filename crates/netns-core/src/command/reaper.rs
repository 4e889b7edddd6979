//! One thread waits for every child there is, by pidfd: never for any other process's sake, so Node's own children and
//! its SIGCHLD are left to Node.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::child::Exit;
use crate::crew;
use crate::error::{Error, Result};

type Done = Box<dyn FnOnce(Exit) + Send>;

struct Reaper {
    epoll: Arc<Epoll>,
    watched: HashMap<u64, (Arc<OwnedFd>, Done)>,
    next: u64,
}

static REAPER: Mutex<Option<Reaper>> = Mutex::new(None);

fn reaper() -> MutexGuard<'static, Option<Reaper>> {
    // No callback runs under the lock, so the state is whole even if it was poisoned.
    REAPER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread, from the crew, unless it runs.
pub(super) fn prepare() -> Result<()> {
    let mut reaper = reaper();
    if reaper.is_none() {
        let failed = |errno| Error::system("epoll_create1", errno, "wait for programs");
        let epoll = Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?);
        *reaper = Some(Reaper { epoll: Arc::clone(&epoll), watched: HashMap::new(), next: 0 });
        crew::submit(move || {
            let started = Builder::new().name("netns-reaper".into()).stack_size(256 * 1024).spawn(move || reap(&epoll));
            if started.is_err() {
                // The next child tries again; the one that is waiting is told below.
                abandon();
            }
        })?;
    }
    Ok(())
}

fn abandon() {
    let orphans = self::reaper().take().map(|reaper| reaper.watched);
    for (_, (pidfd, done)) in orphans.unwrap_or_default() {
        wait_alone(pidfd, done);
    }
}

/// Has `done` called once the child has ended and was waited for.
pub(super) fn watch(pidfd: Arc<OwnedFd>, done: impl FnOnce(Exit) + Send + 'static) {
    let done: Done = Box::new(done);
    let mut guard = reaper();
    let Some(reaper) = guard.as_mut() else {
        drop(guard);
        return wait_alone(pidfd, done);
    };
    let token = reaper.next;
    reaper.next += 1;
    let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
    if reaper.epoll.add(pidfd.as_fd(), event).is_ok() {
        reaper.watched.insert(token, (pidfd, done));
    } else {
        drop(guard);
        wait_alone(pidfd, done);
    }
}

/// Where there is no room for one more watch, a thread of its own will do; if not even that, this one.
fn wait_alone(pidfd: Arc<OwnedFd>, done: Done) {
    let job = Arc::new(Mutex::new(Some((pidfd, done))));
    let mine = Arc::clone(&job);
    let run = move |job: &Mutex<Option<(Arc<OwnedFd>, Done)>>| {
        let taken = job.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((pidfd, done)) = taken {
            done(collect(&pidfd));
        }
    };
    if Builder::new().stack_size(256 * 1024).spawn(move || run(&job)).is_err() {
        run(&mine);
    }
}

fn reap(epoll: &Epoll) {
    let mut events = [EpollEvent::empty(); 64];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => count,
            Err(Errno::EINTR) => continue,
            // Nothing else can be wrong with a descriptor of our own.
            Err(_) => return abandon(),
        };
        for event in events.iter().take(count) {
            let ended = reaper().as_mut().and_then(|reaper| reaper.watched.remove(&event.data()));
            if let Some((pidfd, done)) = ended {
                done(collect(&pidfd));
                // While it is watched it would be told again and again.
                let _closed_anyway = epoll.delete(pidfd.as_fd());
            }
        }
    }
}

/// Waits for one child and takes its exit status: waitid(2), not nix's, which knows no real-time signals.
pub(super) fn collect(pidfd: &OwnedFd) -> Exit {
    let id = libc::id_t::try_from(pidfd.as_raw_fd()).unwrap_or_default();
    loop {
        // SAFETY: siginfo_t is plain old data, for which all zeros is a valid value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes one siginfo_t.
        let result = unsafe { libc::waitid(libc::P_PIDFD, id, &raw mut info, libc::WEXITED | libc::__WALL) };
        match Errno::result(result) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            // Where this process ignores SIGCHLD, the kernel keeps no status.
            Err(_) => return Exit::Unknown,
        }
        // SAFETY: waitid succeeded, so the record is one of SIGCHLD, which has a status.
        let status = unsafe { info.si_status() };
        return if info.si_code == libc::CLD_EXITED { Exit::Code(status) } else { Exit::Signal(status) };
    }
}
