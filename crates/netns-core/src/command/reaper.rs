//! One thread waits for every child there is, by descriptor: never for any other process's sake, so Node's own children
//! and its SIGCHLD are left to Node.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::child::Exit;
use crate::crew;
use crate::error::{Error, Result};

type Ready = Box<dyn FnOnce() + Send>;

struct Reaper {
    epoll: Arc<Epoll>,
    watched: HashMap<u64, (Arc<OwnedFd>, Ready)>,
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
    for (_, (fd, ready)) in orphans.unwrap_or_default() {
        wait_alone(fd, ready);
    }
}

/// Has `ready` called once there is something to read, or nobody left to write it: a pidfd's process has ended then.
pub(super) fn watch(fd: Arc<OwnedFd>, ready: impl FnOnce() + Send + 'static) {
    let ready: Ready = Box::new(ready);
    let mut guard = reaper();
    let Some(reaper) = guard.as_mut() else {
        drop(guard);
        return wait_alone(fd, ready);
    };
    let token = reaper.next;
    reaper.next += 1;
    let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
    if reaper.epoll.add(fd.as_fd(), event).is_ok() {
        reaper.watched.insert(token, (fd, ready));
    } else {
        drop(guard);
        wait_alone(fd, ready);
    }
}

/// Where there is no room for one more watch, a thread of its own will do; if not even that, one of the crew. Not the
/// caller's: it may be inside, and has other things to do than to wait.
fn wait_alone(fd: Arc<OwnedFd>, ready: Ready) {
    let job = Arc::new(Mutex::new(Some((fd, ready))));
    let mine = Arc::clone(&job);
    let run = move |job: &Mutex<Option<(Arc<OwnedFd>, Ready)>>| {
        let taken = job.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((fd, ready)) = taken {
            while poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) == Err(Errno::EINTR) {}
            ready();
        }
    };
    let _there_is_a_crew = crew::submit(move || {
        if Builder::new().stack_size(256 * 1024).spawn(move || run(&job)).is_err() {
            run(&mine);
        }
    });
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
            let watched = reaper().as_mut().and_then(|reaper| reaper.watched.remove(&event.data()));
            if let Some((fd, ready)) = watched {
                ready();
                // While it is watched it would be told again and again.
                let _closed_anyway = epoll.delete(fd.as_fd());
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
