//! `ip link set lo up`, for the calling thread's namespace.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;

use crate::error::{Error, Result};

/// Brings `lo` up by ([netdevice(7)](https://man7.org/linux/man-pages/man7/netdevice.7.html) `SIOCSIFFLAGS`), on any
/// socket of the namespace; the kernel gives it `127.0.0.1` and `::1` then.
pub(crate) fn up(socket: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: ifreq is plain old data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).unwrap_or_default();
    // SAFETY: SIOCSIFFLAGS reads one ifreq from the pointer, which is valid and whose name ends in a NUL.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    Errno::result(result).map(drop).map_err(|errno| Error::system("ioctl", errno, "bring up the loopback link"))
}
