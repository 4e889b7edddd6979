//! The guarded section: the calling thread goes into a namespace, runs a closure and comes back.

#![expect(
    clippy::inline_always,
    reason = "a system call leaves the processor with wrong guesses of where to return to, as it guards the kernel \
              against Spectre, so that each return up to the caller takes as long as a hundred instructions: a section is \
              part of who opens it"
)]

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};

use crate::capability;
use crate::error::{Error, Kind, Result};
use crate::handle::NetNs;
use crate::way_back::{go, return_to};

/// Where one thread belongs: the namespace that guarded sections return it to.
///
/// [`NetNs::run`] finds that out at every call; an anchor does so once, for callers that enter often. It stays on its
/// thread, and while it lives nothing else may move that thread, or the next section returns it to where the anchor
/// was made.
#[derive(Debug)]
pub struct Anchor {
    base: RefCell<NetNs>,
    /// Where the innermost section is; outside of all, the same as the base. What it was before, a section keeps.
    position: RefCell<NetNs>,
    /// How many sections are open.
    depth: Cell<usize>,
    rehearsed: Cell<bool>,
    on_this_thread: PhantomData<*const ()>,
}

impl Anchor {
    /// Anchors the calling thread where it is.
    ///
    /// # Errors
    /// As [`NetNs::current`].
    pub fn here() -> Result<Self> {
        Self::based_in(NetNs::current()?)
    }

    /// As [`here`](Self::here), for a thread that is known to be in `base`.
    pub(crate) fn based_in(base: NetNs) -> Result<Self> {
        // Known by heart, in case the descriptor is ever lost.
        base.verified()?;
        Ok(Self {
            base: RefCell::new(base.clone()),
            position: RefCell::new(base),
            depth: Cell::new(0),
            rehearsed: Cell::new(false),
            on_this_thread: PhantomData,
        })
    }

    /// Where the thread is now: in its innermost section, or where it belongs.
    #[must_use]
    pub fn position(&self) -> NetNs {
        self.position.borrow().clone()
    }

    /// Runs `f` inside `namespace` ([setns(2)](https://man7.org/linux/man-pages/man2/setns.2.html)); sections nest. A
    /// handle, or a reference to one, which is cloned.
    ///
    /// The way back is rehearsed before the first entry. Later entries need no rehearsal: a thread's user namespace
    /// cannot change in a process with several threads, so whatever lets it in lets it back. One that is not let in any
    /// more, as the process gave up its privileges, rehearses again at the next.
    ///
    /// # Errors
    /// Before anything moved: `EPERM` without `CAP_SYS_ADMIN`, `ERR_NETNS_NO_RETURN` if it could not come back.
    ///
    /// # Aborts
    /// If returning fails nevertheless (the closure dropped the capability), the process aborts with a message.
    #[inline(always)]
    pub fn run<R>(&self, namespace: impl Into<NetNs>, f: impl FnOnce() -> R) -> Result<R> {
        let _section = self.enter(namespace.into())?;
        Ok(f())
    }

    /// Whether what has to be done in `namespace` is done by another process, as this thread cannot go there and back.
    ///
    /// # Errors
    /// `EBADF` if other code closed the handle's descriptor, `EMFILE` if there is none left to find out by.
    pub fn is_brokered(&self, namespace: &NetNs) -> Result<bool> {
        if namespace.known_broker().is_some() {
            return Ok(true);
        }
        let target = namespace.verified()?;
        if !capability::has_sys_admin() {
            self.forget();
        }
        let reachable =
            self.position().known_mark() == Some(target) || self.rehearse("enter the network namespace").is_ok();
        Ok(!reachable && namespace.broker()?.is_some())
    }

    /// Moves the thread for good: later sections return here.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`, `EBUSY` inside a section, which has to return where it came from.
    pub fn move_to(&self, namespace: &NetNs) -> Result<()> {
        let attempt = "move the thread to the network namespace";
        if self.depth.get() > 0 {
            return Err(Error::system("setns", Errno::EBUSY, attempt));
        }
        namespace.verified()?;
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| Error::system("setns", errno, attempt))?;
        self.base.replace(namespace.clone());
        self.position.replace(namespace.clone());
        self.forget();
        Ok(())
    }

    /// Brings the thread home out of whatever sections are open, for code that runs before they end, as at exit.
    pub fn retreat(&self) {
        if self.depth.get() > 0 {
            return_to(&self.base.borrow());
            self.position.replace(self.base.borrow().clone());
        }
    }

    /// For a thread that has been moved by other means than a section: it is back when this is dropped.
    pub(crate) fn moved(&self) -> Section<'_> {
        Section { anchor: self, before: None, moved: true }
    }

    #[inline(always)]
    fn enter(&self, namespace: NetNs) -> Result<Section<'_>> {
        let attempt = "enter the network namespace";
        let target = namespace.verified()?;
        let moved = self.position.borrow().known_mark() != Some(target);
        if moved {
            self.rehearse(attempt)?;
            go(&namespace).map_err(|errno| self.refused("setns", errno, attempt))?;
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Section { anchor: self, before: Some(self.position.replace(namespace)), moved })
    }

    /// Whether the thread can come back is found out by going where it is, once.
    #[inline]
    pub(crate) fn rehearse(&self, attempt: &'static str) -> Result<()> {
        if self.rehearsed.get() { Ok(()) } else { self.rehearse_first(attempt) }
    }

    /// What was rehearsed is not known any more: the process may have given up its privileges since.
    fn forget(&self) {
        self.rehearsed.set(false);
    }

    /// The error of a thread that went, or made, what it had rehearsed to come back from.
    #[cold]
    pub(crate) fn refused(&self, syscall: &'static str, errno: Errno, attempt: &'static str) -> Error {
        self.forget();
        Error::system(syscall, errno, attempt)
    }

    #[cold]
    fn rehearse_first(&self, attempt: &'static str) -> Result<()> {
        setns(self.position(), CloneFlags::CLONE_NEWNET).map_err(|errno| {
            if errno == Errno::EPERM && !capability::has_sys_admin() {
                Error::system("setns", errno, attempt)
            } else {
                Error::new(Kind::NoReturn { errno }, attempt)
            }
        })?;
        self.rehearsed.set(true);
        Ok(())
    }
}

/// An excursion of the thread: dropping it brings the thread back, so neither `?` nor a panic can skip that.
pub(crate) struct Section<'a> {
    anchor: &'a Anchor,
    /// The anchor's position before, if it is another now.
    before: Option<NetNs>,
    moved: bool,
}

impl Drop for Section<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let anchor = self.anchor;
        if let Some(before) = self.before.take() {
            anchor.depth.set(anchor.depth.get() - 1);
            anchor.position.replace(before);
        }
        if self.moved {
            return_to(&anchor.position.borrow());
        }
    }
}
