//! The guarded section: the calling thread goes into a namespace, runs a closure and comes back.

#![expect(
    clippy::inline_always,
    reason = "a system call leaves the processor with wrong guesses of where to return to, as it guards the kernel \
              against Spectre, so that each return up to the caller takes as long as a hundred instructions: a section is \
              part of who opens it"
)]

use std::cell::{Cell, RefCell};
use std::io::{Write, stderr};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use netns_exec::setup::CLONE_NEWNET;
use netns_exec::sys;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getpid, gettid};

use crate::capability;
use crate::error::{Error, Kind, Result};
use crate::handle::{NetNs, probe_socket};
use crate::{broker, crew, identity, loopback, socket};

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
    /// cannot change in a process with several threads, so whatever lets it in lets it back.
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

    /// Makes a namespace, with `lo` up if wanted, without the thread being seen anywhere else afterwards.
    ///
    /// Without `CAP_SYS_ADMIN` a process in a user namespace of its own makes it, if the system lets everybody have one.
    ///
    /// # Errors
    /// `EPERM` with neither, `ENOSPC` at the limit of namespaces, `EMFILE`. Nothing is left then.
    pub fn create(&self, loopback: bool) -> Result<NetNs> {
        match self.create_here(loopback) {
            Err(error) if error.is_refused_entry() => broker::own().create(loopback),
            result => result,
        }
    }

    /// As [`create`](Self::create), by the calling thread alone: what is to have a name needs its privileges anyway.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`; otherwise as `create`.
    pub fn create_here(&self, loopback: bool) -> Result<NetNs> {
        let attempt = "create a network namespace";
        self.rehearse(attempt)?;
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| Error::system("unshare", errno, attempt))?;
        let _section = Section { anchor: self, before: None, moved: true };
        let socket = probe_socket()?;
        // The kernel opens it faster by a socket than by a path, for whoever has CAP_NET_ADMIN in there.
        let created = socket::namespace_of(socket.as_fd()).or_else(|_| NetNs::current())?;
        if loopback {
            loopback::up(socket.as_fd())?;
        }
        created.remember_cookie(identity::cookie(socket.as_fd()));
        Ok(created)
    }

    /// Whether what has to be done in `namespace` is done by another process, as this thread cannot go there and back.
    ///
    /// # Errors
    /// `EBADF` if other code closed the handle's descriptor.
    pub fn is_brokered(&self, namespace: &NetNs) -> Result<bool> {
        if namespace.known_broker().is_some() {
            return Ok(true);
        }
        let target = namespace.verified()?;
        let reachable =
            self.position().known_mark() == Some(target) || self.rehearse("enter the network namespace").is_ok();
        Ok(!reachable && namespace.broker().is_some())
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
        self.rehearsed.set(false);
        Ok(())
    }

    /// Brings the thread home out of whatever sections are open, for code that runs before they end, as at exit.
    pub fn retreat(&self) {
        if self.depth.get() > 0 {
            return_to(&self.base.borrow());
            self.position.replace(self.base.borrow().clone());
        }
    }

    #[inline(always)]
    fn enter(&self, namespace: NetNs) -> Result<Section<'_>> {
        let attempt = "enter the network namespace";
        let target = namespace.verified()?;
        let moved = self.position.borrow().known_mark() != Some(target);
        if moved {
            self.rehearse(attempt)?;
            set(&namespace).map_err(|errno| Error::system("setns", errno, attempt))?;
        }
        self.depth.set(self.depth.get() + 1);
        Ok(Section { anchor: self, before: Some(self.position.replace(namespace)), moved })
    }

    #[inline]
    fn rehearse(&self, attempt: &'static str) -> Result<()> {
        if self.rehearsed.get() { Ok(()) } else { self.rehearse_first(attempt) }
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

impl NetNs {
    /// Runs `f` with the calling thread inside this namespace: [`Anchor::run`] with an anchor of the moment.
    ///
    /// The thread is back when this returns, panics included; nothing outside this function can skip that.
    ///
    /// ```no_run
    /// # use netns_core::NetNs;
    /// let ns = NetNs::create(true)?;
    /// let socket = ns.run(|| std::net::UdpSocket::bind("127.0.0.1:53"))?;
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// # Aborts
    /// As [`Anchor::run`].
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        Anchor::here()?.run(self, f)
    }

    /// Starts a thread that is inside before `f` begins and ends there. Threads it starts are inside too.
    ///
    /// ```no_run
    /// # use netns_core::NetNs;
    /// let ns = NetNs::create(true)?;
    /// let server = ns.spawn(|| std::net::TcpListener::bind("127.0.0.1:80"))?;
    /// let listener = server.join().expect("no panic");
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`, `EAGAIN` if no thread could be started. The closure has not run then.
    pub fn spawn<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
        let attempt = "start a thread in the network namespace";
        let namespace = self.clone();
        let (entered, wait) = mpsc::channel();
        let handle = Builder::new()
            .name("netns".into())
            .spawn(move || {
                let result = setns(&namespace, CloneFlags::CLONE_NEWNET);
                let inside = result.is_ok();
                let _caller_waits = entered.send(result);
                if !inside {
                    // Nobody joins this thread, as the caller gets the error instead; no panic message is printed.
                    resume_unwind(Box::new("not inside"));
                }
                f()
            })
            .map_err(|error| {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EAGAIN));
                Error::system("clone", errno, attempt)
            })?;
        match wait.recv() {
            Ok(Ok(())) => Ok(handle),
            Ok(Err(errno)) => Err(Error::system("setns", errno, attempt)),
            Err(_) => Err(Error::panicked()),
        }
    }

    /// Makes a namespace that lives while a handle, a process or a name does, with `lo` up if wanted
    /// ([unshare(2)](https://man7.org/linux/man-pages/man2/unshare.2.html)). The caller stays where it is.
    ///
    /// # Errors
    /// As [`Anchor::create`].
    pub fn create(loopback: bool) -> Result<Self> {
        crew::with_anchor(|anchor| anchor.create(loopback))
    }
}

/// An excursion of the thread: dropping it brings the thread back, so neither `?` nor a panic can skip that.
struct Section<'a> {
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

/// setns(2), without the C library's function, as that would be one more to return from.
#[inline(always)]
fn set(namespace: &NetNs) -> nix::Result<()> {
    sys::enter(namespace.as_fd().as_raw_fd(), CLONE_NEWNET).map_err(Errno::from_raw)
}

/// Restore or die.
#[inline(always)]
fn return_to(namespace: &NetNs) {
    // A descriptor that was closed behind our back may be another namespace's by now.
    let returned = namespace.verified().map_err(|error| error.errno().unwrap_or(Errno::EBADF));
    let returned = returned.and_then(|_itself| set(namespace));
    if let Err(errno) = returned {
        return_otherwise(namespace, errno);
    }
}

/// By what else there is, or not at all.
#[cold]
fn return_otherwise(namespace: &NetNs, errno: Errno) {
    if return_by_sibling(namespace) {
        return;
    }
    // Not `eprintln!`, which panics where nobody listens: unwinding would let the thread go on.
    let _nobody_listens = writeln!(
        stderr(),
        "netns: FATAL: thread {} cannot return to its network namespace ({errno:?}: {}, setns). Code that ran inside \
         {}. Aborting, as going on would use the wrong network.",
        gettid(),
        errno.desc(),
        if errno == Errno::EPERM { "gave up CAP_SYS_ADMIN" } else { "closed descriptors that are not its own" },
    );
    std::process::abort();
}

/// If the descriptor itself was lost, another thread that is still there has one to offer.
fn return_by_sibling(namespace: &NetNs) -> bool {
    let wanted = namespace.known_mark();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return false };
    tasks.flatten().any(|task| {
        NetNs::trusted_at(&task.path().join("ns/net")).is_ok_and(|candidate| {
            candidate.verified().is_ok_and(|found| Some(found) == wanted)
                && setns(&candidate, CloneFlags::CLONE_NEWNET).is_ok()
        })
    })
}

/// Whether the calling thread is the process's first, whose namespace is what others see as the process's.
#[must_use]
pub fn current_is_main() -> bool {
    gettid() == getpid()
}
