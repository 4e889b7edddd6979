//! Descriptors that code in another language knows by their numbers, as JavaScript does.
//!
//! A number says nothing of who has the descriptor, or for how long, so everything else in this library takes what Rust
//! knows to be open. Only with the feature `foreign` does this exist: whoever turns it on vouches that every number given
//! here is one that its owner lends, and keeps open until the call has returned. A number that is not open is refused.

use std::os::fd::{BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

use crate::command::Stdio;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Calls `f` with what this process has open under a number; `None` if nothing is.
pub fn lend<R>(number: u32, f: impl FnOnce(BorrowedFd<'_>) -> R) -> Option<R> {
    let number = RawFd::try_from(number).ok()?;
    // SAFETY: F_GETFD only asks; a number that is not open is an error.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    // SAFETY: it is open, and by this module's contract stays so until `f` has returned.
    (flags >= 0).then(|| f(unsafe { BorrowedFd::borrow_raw(number) }))
}

/// Whether a socket that this process has open under a number belongs to a namespace: [`NetNs::owns`]. No socket at all
/// belongs to none.
///
/// # Errors
/// As [`NetNs::owns`].
pub fn owns(namespace: &NetNs, number: u32) -> Result<bool> {
    let Ok(raw) = RawFd::try_from(number) else { return Ok(false) };
    // SAFETY: by this module's contract it is open. Whether it is, which costs a system call to find out, is asked only
    // where the kernel says that something is not.
    match namespace.owns(unsafe { BorrowedFd::borrow_raw(raw) }) {
        Err(error) if error.errno() == Some(Errno::EBADF) && lend(number, |_| ()).is_none() => Ok(false),
        found => found,
    }
}

/// A child's descriptor that is what this process has open under a number: [`Stdio::shared`].
///
/// # Errors
/// `EBADF` if nothing is open there, `EMFILE`.
pub fn shared(number: i32) -> Result<Stdio> {
    let lent = u32::try_from(number).ok().and_then(|number| lend(number, |lent| Stdio::shared(lent)));
    lent.unwrap_or_else(|| Err(Error::system("fcntl", Errno::EBADF, format!("pass descriptor {number} to a program"))))
}
