//! Whose a socket is: the kernel's answer, for sockets that other code of the process opened.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::identity;

/// `linux/sockios.h`.
const SIOCGSKNS: libc::c_ulong = 0x894c;

/// A descriptor that other code of this process owns and keeps open for the time of a call, such as one of libuv's:
/// the one place where a number from outside becomes a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unowned(RawFd);

impl Unowned {
    /// The descriptor of that number; `None` if none is open.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        let number = RawFd::try_from(number).ok()?;
        // SAFETY: F_GETFD only asks; a number that is not open is an error.
        let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
        (flags >= 0).then_some(Self(number))
    }
}

impl AsFd for Unowned {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it was open when this was made, and whoever made it keeps it so; every use is a system call that
        // fails cleanly if they did not.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl NetNs {
    /// Whether a socket belongs to this namespace (`SO_NETNS_COOKIE`; `SIOCGSKNS` before Linux 5.14).
    ///
    /// # Errors
    /// `ENOTTY` or `ENOTSOCK` if it is no socket; as [`cookie`](Self::cookie).
    pub fn owns(&self, socket: impl AsFd) -> Result<bool> {
        let socket = socket.as_fd();
        match (identity::cookie(socket), self.cookie()?) {
            (Some(found), Some(own)) => Ok(found == own),
            _ => Ok(namespace_of(socket)?.is_same(self)?),
        }
    }
}

/// The namespace that a socket belongs to.
pub(crate) fn namespace_of(socket: BorrowedFd<'_>) -> Result<NetNs> {
    // SAFETY: SIOCGSKNS takes no argument and returns a new descriptor or -1.
    let raw = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS as _) };
    let raw =
        Errno::result(raw).map_err(|errno| Error::system("ioctl", errno, "find the network namespace of a socket"))?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok(NetNs::trusted(unsafe { OwnedFd::from_raw_fd(raw) }))
}
