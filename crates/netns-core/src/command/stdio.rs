//! The descriptors that a child begins with.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;

use crate::error::{Error, Result};

/// What one of the child's descriptors is.
#[derive(Debug)]
pub enum Stdio {
    /// The parent's of the same number.
    Inherit,
    /// One end of a pair of connected sockets, whose other end the parent gets by [`Child::pipes`](super::Child::pipes).
    Pipe,
    /// `/dev/null`.
    Null,
    /// Nothing: closed.
    Closed,
    /// This one.
    Descriptor(OwnedFd),
}

impl Stdio {
    /// What this process has open, which stays its own: `2>&1` is `[…, …, shared(stdout())]`.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn shared(descriptor: impl AsFd) -> Result<Self> {
        let number = descriptor.as_fd().as_raw_fd();
        let failed = |errno| Error::system("fcntl", errno, format!("pass descriptor {number} to a program"));
        let copy = fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(failed)?;
        // SAFETY: the kernel just returned this descriptor and nobody else has it.
        Ok(Self::Descriptor(unsafe { OwnedFd::from_raw_fd(copy) }))
    }
}

/// The child's descriptors, each held open for it.
#[derive(Debug)]
pub(super) struct Laid {
    streams: Vec<Option<Source>>,
}

#[derive(Debug)]
enum Source {
    Same,
    Shared(BorrowedFd<'static>),
    Held(OwnedFd),
}

impl Laid {
    pub(super) fn sources(&self) -> Vec<i32> {
        let number = |(index, source): (i32, &Option<Source>)| match source {
            None => -1,
            Some(Source::Same) => index,
            Some(Source::Shared(fd)) => fd.as_raw_fd(),
            Some(Source::Held(fd)) => fd.as_raw_fd(),
        };
        (0..).zip(&self.streams).map(number).collect()
    }
}

/// Makes the pipes; the second part are the parent's ends.
pub(super) fn lay(wanted: Vec<Stdio>) -> Result<(Laid, Vec<Option<OwnedFd>>)> {
    let mut laid = Laid { streams: Vec::with_capacity(wanted.len()) };
    let mut ours = Vec::with_capacity(wanted.len());
    for stdio in wanted {
        let mut parent = None;
        laid.streams.push(match stdio {
            Stdio::Inherit => Some(Source::Same),
            Stdio::Closed => None,
            Stdio::Descriptor(fd) => Some(Source::Held(fd)),
            Stdio::Null => Some(Source::Shared(null()?)),
            Stdio::Pipe => {
                let (here, there) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
                    .map_err(|errno| Error::system("socketpair", errno, "make a pipe to a program"))?;
                parent = Some(here);
                Some(Source::Held(there))
            }
        });
        ours.push(parent);
    }
    Ok((laid, ours))
}

/// One for all children: opening it takes longer than all else that is done for a stream. Its number is above the standard
/// streams', whose own it would keep for good if they were closed.
fn null() -> Result<BorrowedFd<'static>> {
    static NULL: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(null) = NULL.get() {
        return Ok(null.as_fd());
    }
    let path = "/dev/null";
    let failed = |errno| Error::system("open", errno, "give a program nothing to read or write").at(path);
    let opened = open(path, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(failed)?;
    let above = fcntl(&opened, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(failed)?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    let above = unsafe { OwnedFd::from_raw_fd(above) };
    Ok(NULL.get_or_init(|| above).as_fd())
}
