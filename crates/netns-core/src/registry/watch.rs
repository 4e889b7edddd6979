//! Names as they come and go: `ip netns monitor`, but a name is told only once it can be opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::{Name, Registry};
use crate::error::{Error, Result};
use crate::identity::Identity;

/// A change of the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The name can be opened now.
    Add(Name),
    /// The name is gone, or no longer a namespace.
    Delete(Name),
}

/// How often a directory that changes under our eyes is asked again before it is told as it is.
const CALM: usize = 16;

/// A watch over a directory of names, from the moment it is made.
///
/// Two signals wake it: the mount table, as a name can be used only when its namespace is mounted, and inotify, which
/// alone sees a name replaced within one wake-up. Then the directory itself is asked, so that no event is invented.
#[derive(Debug)]
pub struct Watch {
    registry: Registry,
    known: BTreeMap<Name, Identity>,
    /// Polling it is what rearms it; nothing needs to be read.
    mounts: File,
    inotify: Inotify,
    watching: bool,
    stop: Arc<EventFd>,
}

/// Ends a [`Watch`] or a [`Subscription`](crate::netlink::Subscription) from another thread.
#[derive(Debug, Clone)]
pub struct Stopper(pub(crate) Arc<EventFd>);

impl Stopper {
    /// Makes its present or next wait return nothing.
    pub fn stop(&self) {
        // An eventfd takes more writes than anyone can make; a full one wakes too.
        let _full_is_fine = self.0.write(1);
    }
}

impl Watch {
    /// Starts watching: what changes from now on will be told.
    ///
    /// # Errors
    /// `EMFILE` (descriptors or inotify instances), or as [`Registry::list`].
    pub fn new(registry: Registry) -> Result<Self> {
        let failed = |syscall, errno| Error::system(syscall, errno, "watch the names of network namespaces");
        let mounts = File::open("/proc/thread-self/mountinfo").map_err(|error| failed("open", errno_of(&error)))?;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(|errno| failed("inotify_init1", errno))?;
        let stop = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| failed("eventfd2", errno))?;
        let mut watch = Self { registry, known: BTreeMap::new(), mounts, inotify, watching: false, stop: stop.into() };
        watch.notice_directory();
        watch.known = watch.present()?;
        Ok(watch)
    }

    /// A handle to end it with.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Blocks until names changed; no events means that it was stopped.
    ///
    /// # Errors
    /// As poll(2) and [`Registry::list`].
    pub fn wait(&mut self) -> Result<Vec<Event>> {
        loop {
            let stopped = self.sleep()?;
            if stopped {
                return Ok(Vec::new());
            }
            let events = self.changes()?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    fn sleep(&self) -> Result<bool> {
        let mut fds = [
            PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.mounts.as_fd(), PollFlags::POLLPRI),
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => return Ok(fds[0].any().unwrap_or(false)),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::system("poll", errno, "watch the names of network namespaces")),
            }
        }
    }

    /// What is different from when it was last asked. Signals are drained first: what changes later wakes again. A
    /// deletion that arrives while the directory is asked may be told by its answer already, so it is asked once more.
    fn changes(&mut self) -> Result<Vec<Event>> {
        let mut replaced = self.drain_deletions();
        self.notice_directory();
        let mut present = self.present()?;
        for _ in 0..CALM {
            let meanwhile = self.drain_deletions();
            if meanwhile.is_empty() {
                break;
            }
            replaced.extend(meanwhile);
            present = self.present()?;
        }
        let mut events = Vec::new();
        for (name, identity) in &self.known {
            if replaced.contains(name) || present.get(name) != Some(identity) {
                events.push(Event::Delete(name.clone()));
            }
        }
        for (name, identity) in &present {
            if replaced.contains(name) || self.known.get(name) != Some(identity) {
                events.push(Event::Add(name.clone()));
            }
        }
        self.known = present;
        Ok(events)
    }

    fn present(&self) -> Result<BTreeMap<Name, Identity>> {
        let listing = self.registry.list()?;
        Ok(listing.namespaces.into_iter().map(|named| (named.name, named.identity)).collect())
    }

    /// The first name makes the directory, and a mount with it, which wakes us to come here.
    fn notice_directory(&mut self) {
        if !self.watching {
            let flags = AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_MOVE
                | AddWatchFlags::IN_DELETE_SELF;
            self.watching = self.inotify.add_watch(self.registry.directory(), flags).is_ok();
        }
    }

    /// Names that were removed, even if they are back: an inode number may be the same again.
    fn drain_deletions(&mut self) -> BTreeSet<Name> {
        let gone = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        let mut deleted = BTreeSet::new();
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.watching = false;
                }
                if event.mask.intersects(gone) {
                    deleted.extend(event.name.and_then(|name| Name::new(name).ok()));
                }
            }
        }
        deleted
    }
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}
