//! A handle: a descriptor that pins one network namespace.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::stat::Mode;

use crate::broker::{self, Broker};
use crate::error::{Error, Result};
use crate::identity::{self, Identity, Mark, Owner};

/// A network namespace, pinned for as long as a clone of this lives.
///
/// Made by [`current`](Self::current), [`home`](Self::home), [`create`](Self::create) or one of the `from_…`
/// functions, each of which checks that what it opened *is* a network namespace. Cloning is cheap and shares the
/// descriptor, which is close-on-exec; dropping the last clone closes it.
#[derive(Debug, Clone)]
pub struct NetNs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    fd: OwnedFd,
    identity: OnceLock<Identity>,
    mark: OnceLock<Mark>,
    cookie: OnceLock<Option<u64>>,
    /// Who does what has to be done inside, once this process was not let in.
    broker: OnceLock<Option<Arc<Broker>>>,
}

/// Opening must never block on a FIFO, adopt a terminal, or leak into a child.
pub(crate) const OPEN: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

impl NetNs {
    /// Wraps a descriptor that is known to be of a network namespace.
    pub(crate) fn trusted(fd: OwnedFd) -> Self {
        let (identity, mark) = (OnceLock::new(), OnceLock::new());
        let (cookie, broker) = (OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { fd, identity, mark, cookie, broker }) }
    }

    pub(crate) fn checked(fd: OwnedFd, attempt: impl FnOnce() -> Cow<'static, str>) -> Result<Self> {
        identity::check(fd.as_fd(), attempt)?;
        Ok(Self::trusted(fd))
    }

    /// The namespace of the calling *thread*.
    ///
    /// # Errors
    /// As open(2) of `/proc/thread-self/ns/net`: `EMFILE`, `ENOENT` where `/proc` is not mounted.
    pub fn current() -> Result<Self> {
        Self::trusted_at(Path::new("/proc/thread-self/ns/net"))
    }

    pub(crate) fn trusted_at(path: &Path) -> Result<Self> {
        open(path, OPEN, Mode::empty())
            .map(Self::trusted)
            .map_err(|errno| Error::system("open", errno, "open the thread's network namespace").at(path))
    }

    /// A handle of the same namespace on a descriptor of its own.
    ///
    /// # Errors
    /// As fcntl(2) `F_DUPFD_CLOEXEC`: `EMFILE`.
    pub fn try_clone_fd(&self) -> Result<OwnedFd> {
        duplicate(self.as_fd())
    }

    /// A handle on a duplicate of a descriptor, which stays the caller's.
    ///
    /// # Errors
    /// `ERR_NETNS_NOT_NAMESPACE` if it is of anything but a network namespace; as dup(2): `EMFILE`.
    pub fn from_fd(fd: impl AsFd) -> Result<Self> {
        Self::checked(duplicate(fd.as_fd())?, || "use the descriptor".into())
    }

    /// Device and inode: see [`Identity`] for how far they identify.
    ///
    /// # Errors
    /// As fstat(2), which does not fail for an open descriptor.
    pub fn identity(&self) -> Result<Identity> {
        if let Some(known) = self.inner.identity.get() {
            return Ok(*known);
        }
        let found = identity::identity(self.as_fd())?;
        Ok(*self.inner.identity.get_or_init(|| found))
    }

    /// The mark, asked again: fails if code elsewhere in the process closed the descriptor, which may then be of
    /// something else.
    #[inline]
    pub(crate) fn verified(&self) -> Result<Mark> {
        let found = identity::mark(self.as_fd())?;
        if *self.inner.mark.get_or_init(|| found) == found { Ok(found) } else { Err(replaced()) }
    }

    /// The mark of one that was verified before, without asking the descriptor, which may be lost.
    pub(crate) fn known_mark(&self) -> Option<Mark> {
        self.inner.mark.get().copied()
    }

    /// Whether both are the same namespace.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    pub fn is_same(&self, other: &Self) -> Result<bool> {
        Ok(Arc::ptr_eq(&self.inner, &other.inner) || self.identity()? == other.identity()?)
    }

    /// The namespace's cookie (`SO_NETNS_COOKIE`): unique until reboot, where an inode number is soon reused. `None`
    /// before Linux 5.14. Read once, by a socket made inside, then remembered.
    ///
    /// # Errors
    /// As [`run`](Self::run): without `CAP_SYS_ADMIN` only the thread's own namespace can be asked.
    pub fn cookie(&self) -> Result<Option<u64>> {
        if let Some(known) = self.inner.cookie.get() {
            return Ok(*known);
        }
        let found = identity::cookie(self.probe_socket()?.as_fd());
        Ok(*self.inner.cookie.get_or_init(|| found))
    }

    /// The broker for this namespace, if there can be one: asked for when the thread was not let in. It is remembered, and
    /// so is that there is none, if that was no matter of the moment.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE` or `ENOMEM` where the kernel did not say whose the namespace is.
    pub(crate) fn broker(&self) -> Result<Option<&Broker>> {
        let known = if let Some(known) = self.inner.broker.get() {
            known
        } else {
            let found = broker::of(self)?;
            self.inner.broker.get_or_init(|| found)
        };
        Ok(known.as_deref())
    }

    /// The broker that did something here before.
    pub(crate) fn known_broker(&self) -> Option<&Broker> {
        self.inner.broker.get().and_then(Option::as_deref)
    }

    /// Remembers the cookie that creation read in passing.
    pub(crate) fn remember_cookie(&self, cookie: Option<u64>) {
        let _already_known = self.inner.cookie.set(cookie);
    }

    /// The user namespace that owns this one
    /// ([ioctl_ns(2)](https://man7.org/linux/man-pages/man2/ioctl_ns.2.html)).
    ///
    /// # Errors
    /// `EPERM` if the owner lies outside the caller's own user namespace.
    pub fn owner(&self) -> Result<Owner> {
        identity::owner(self.as_fd())
    }
}

impl From<&NetNs> for NetNs {
    fn from(namespace: &NetNs) -> Self {
        namespace.clone()
    }
}

impl AsFd for NetNs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.fd.as_fd()
    }
}

#[cold]
fn replaced() -> Error {
    let attempt = "use the handle, whose descriptor was closed by other code and is of something else now";
    Error::system("fstat", Errno::EBADF, attempt)
}

fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    fd.try_clone_to_owned().map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
        Error::system("fcntl", errno, "duplicate the descriptor")
    })
}

/// The cheapest socket there is, to ask which namespace this thread is in or to configure its links.
pub(crate) fn probe_socket() -> Result<OwnedFd> {
    socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
        .map_err(|errno| Error::system("socket", errno, "open a socket in the network namespace"))
}
