//! Changes as the kernel tells them, and the one case in which it cannot.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::MsgFlags;

use super::message::Messages;
use super::socket::{Protocol, Socket, failed};
use crate::Stopper;
use crate::error::Result;
use crate::handle::NetNs;

/// As much as is handed on at once.
const BATCH: usize = 64 * 1024;

/// A socket that is told of changes from the moment it is made.
#[derive(Debug)]
pub struct Subscription {
    socket: Socket,
    stop: Arc<EventFd>,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Messages as in a reply to a dump, in the kernel's order; none once it was stopped.
    pub data: Vec<u8>,
    /// More happened than the socket could hold (`ENOBUFS`): what the messages missed only a new dump can tell. Those
    /// that were still queued are dropped, as the dump covers them.
    pub overflow: bool,
    /// It was stopped.
    pub stopped: bool,
}

impl Subscription {
    /// Joins multicast groups (`RTNLGRP_…`) of rtnetlink in `namespace`, with room for so many bytes of messages.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`, `EMFILE`, `EINVAL` for a group the kernel does not know.
    pub fn new(namespace: &NetNs, groups: &[u32], room: usize) -> Result<Self> {
        let mut socket = Socket::open(namespace, Protocol::Route)?;
        socket.make_room(room)?;
        for &group in groups {
            socket.join(group)?;
        }
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let stop = EventFd::from_flags(flags).map_err(|errno| failed("eventfd2", errno))?;
        Ok(Self { socket, stop: stop.into() })
    }

    /// A handle to end it with.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Blocks until something changed.
    ///
    /// # Errors
    /// As poll(2) and recv(2); `ERR_NETNS_PROTOCOL` if a message cannot be read.
    pub fn wait(&mut self) -> Result<Changes> {
        loop {
            if let Some(changes) = self.look(PollTimeout::NONE)? {
                return Ok(changes);
            }
        }
    }

    /// As [`wait`](Self::wait), but does not block: `None` if nothing changed yet.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn try_next(&mut self) -> Result<Option<Changes>> {
        self.look(PollTimeout::ZERO)
    }

    /// What becomes readable when there is something to tell.
    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.socket.as_fd(), self.stop.as_fd()]
    }

    fn look(&mut self, timeout: PollTimeout) -> Result<Option<Changes>> {
        if self.sleep(timeout)? {
            return Ok(Some(Changes { stopped: true, ..Changes::default() }));
        }
        let changes = self.gather()?;
        Ok((changes.overflow || !changes.data.is_empty()).then_some(changes))
    }

    /// Whether it was stopped.
    fn sleep(&self, timeout: PollTimeout) -> Result<bool> {
        let mut fds =
            [PollFd::new(self.stop.as_fd(), PollFlags::POLLIN), PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut fds, timeout) {
                Ok(_) => return Ok(fds[0].any().unwrap_or(false)),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed("poll", errno)),
            }
        }
    }

    fn gather(&mut self) -> Result<Changes> {
        let mut changes = Changes::default();
        while changes.data.len() < BATCH || changes.overflow {
            match self.socket.receive_short(MsgFlags::MSG_DONTWAIT) {
                Ok(_) if changes.overflow => {}
                Ok(datagram) => {
                    for message in Messages::of(datagram) {
                        super::dump::push(&mut changes.data, message?.bytes, 0);
                    }
                }
                Err(Errno::EAGAIN) => break,
                // A change that was too long to be read is as lost as one for which there was no room.
                Err(Errno::ENOBUFS | Errno::EMSGSIZE) => {
                    changes.data.clear();
                    changes.overflow = true;
                }
                Err(errno) => return Err(failed("recv", errno)),
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, send, socketpair};

    use super::*;

    #[test]
    fn a_change_that_is_too_long_is_an_overflow_and_the_next_like_it_is_told() {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::Datagram, None, SockFlag::empty()).expect("a pair");
        let stop = EventFd::new().expect("an eventfd");
        let mut subscription = Subscription { socket: Socket::of(ours), stop: stop.into() };
        let mut message = vec![0; 40_000];
        message[..4].copy_from_slice(&40_000_u32.to_ne_bytes());
        let tell = || send(theirs.as_raw_fd(), &message, MsgFlags::empty()).expect("room");
        tell();
        let lost = subscription.wait().expect("changes");
        assert_eq!((lost.overflow, lost.data.len()), (true, 0));
        tell();
        let told = subscription.wait().expect("changes");
        assert_eq!((told.overflow, told.data.len()), (false, message.len()));
    }
}
