//! Whose a socket is: the kernel's answer, for sockets that other code of the process opened.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::identity;

/// `linux/sockios.h`.
const SIOCGSKNS: libc::c_ulong = 0x894c;

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
    let raw = Errno::result(raw).map_err(|errno| {
        let emulated = (errno == Errno::ENOSYS)
            .then_some("This kernel does not tell whose a socket is, as emulated ones may not: run on Linux itself.");
        Error::system("ioctl", errno, "find the network namespace of a socket").advising(emulated)
    })?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok(NetNs::trusted(unsafe { OwnedFd::from_raw_fd(raw) }))
}
