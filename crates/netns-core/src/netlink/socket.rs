//! A netlink socket that was made inside and is used from anywhere.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd};

use netlink_sys::SocketAddr;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};

use super::exchange::FIRST_SHARE;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// The kernel never makes a dump's datagram larger than what it was last asked for, nor than this.
const DATAGRAM: usize = 32 * 1024;
/// Room for the answers to a datagram of many requests.
const ROOM: usize = 1024 * 1024;

/// Which part of the kernel a socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// rtnetlink(7): links, addresses, routes, rules.
    Route = 0,
    /// nftables and the rest of netfilter.
    Netfilter = 12,
    /// Families by name, such as `WireGuard`.
    Generic = 16,
}

/// A connected netlink socket, and the buffer it reads into.
#[derive(Debug)]
pub(crate) struct Socket {
    inner: netlink_sys::Socket,
    pub(crate) protocol: Protocol,
    buffer: Vec<u8>,
    sequence: u32,
    room: usize,
    /// How many messages the next datagram may have, by how long the last one took.
    pub(crate) share: usize,
}

pub(crate) fn failed(syscall: &'static str, errno: Errno) -> Error {
    Error::system(syscall, errno, "talk to the kernel over netlink")
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

impl Socket {
    /// Makes one inside `namespace`: the only step that needs to be there.
    pub(crate) fn open(namespace: &NetNs, protocol: Protocol) -> Result<Self> {
        let made = namespace.open_socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol as i32)?;
        // SAFETY: the descriptor is ours, and is the socket's alone from here on.
        let mut inner = unsafe { netlink_sys::Socket::from_raw_fd(made.into_raw_fd()) };
        inner.bind_auto().map_err(|error| failed("bind", errno_of(&error)))?;
        // Connected to the kernel, it takes messages from nobody else.
        inner.connect(&SocketAddr::new(0, 0)).map_err(|error| failed("connect", errno_of(&error)))?;
        // Kernels before 4.12 and 4.20 explain less and check less; the answers mean the same.
        let _older_kernels_lack_these =
            (inner.set_cap_ack(true), inner.set_ext_ack(true), inner.set_netlink_get_strict_chk(true));
        let mut socket = Self { inner, protocol, buffer: vec![0; DATAGRAM], sequence: 0, room: 0, share: FIRST_SHARE };
        socket.make_room(ROOM)?;
        Ok(socket)
    }

    /// One whose other end is a test's.
    #[cfg(test)]
    pub(crate) fn of(end: std::os::fd::OwnedFd) -> Self {
        // SAFETY: the descriptor is ours, and is the socket's alone from here on.
        let inner = unsafe { netlink_sys::Socket::from_raw_fd(end.into_raw_fd()) };
        Self {
            inner,
            protocol: Protocol::Route,
            buffer: vec![0; DATAGRAM],
            sequence: 0,
            room: ROOM,
            share: FIRST_SHARE,
        }
    }

    /// Asks for a receive buffer of so many bytes, beyond the system's limit where that is allowed.
    pub(crate) fn make_room(&mut self, bytes: usize) -> Result<()> {
        let forced = setsockopt(&self.inner, sockopt::RcvBufForce, &bytes);
        forced
            .or_else(|_| setsockopt(&self.inner, sockopt::RcvBuf, &bytes))
            .map_err(|errno| failed("setsockopt", errno))?;
        self.room =
            nix::sys::socket::getsockopt(&self.inner, sockopt::RcvBuf).map_err(|errno| failed("getsockopt", errno))?;
        Ok(())
    }

    /// How many bytes of answers the kernel may queue.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// The first of `count` sequence numbers nobody else has.
    pub(crate) fn number(&mut self, count: usize) -> u32 {
        let first = self.sequence.wrapping_add(1);
        self.sequence = self.sequence.wrapping_add(u32::try_from(count).unwrap_or(u32::MAX));
        first
    }

    pub(crate) fn join(&self, group: u32) -> Result<()> {
        self.inner.add_membership(group).map_err(|error| failed("setsockopt", errno_of(&error)))
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Result<()> {
        loop {
            match self.inner.send(bytes, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("send", errno_of(&error))),
            }
        }
    }

    /// The next datagram where none is expected to be longer than the buffer, without asking first how long it is: one
    /// that is longer is lost, which `EMSGSIZE` tells, and the buffer is large enough for the next like it.
    pub(crate) fn receive_short(&mut self, flags: MsgFlags) -> Result<&[u8], Errno> {
        let fd = self.inner.as_raw_fd();
        let again = |errno: &Errno| *errno == Errno::EINTR;
        let length = retry(|| recv(fd, &mut self.buffer, flags | MsgFlags::MSG_TRUNC), again)?;
        if length > self.buffer.len() {
            self.buffer.resize(length.next_power_of_two(), 0);
            return Err(Errno::EMSGSIZE);
        }
        Ok(&self.buffer[..length])
    }

    /// The next datagram, whole: the buffer grows to what waits.
    pub(crate) fn receive(&mut self, flags: MsgFlags) -> Result<&[u8], Errno> {
        let fd = self.inner.as_raw_fd();
        let again = |errno: &Errno| *errno == Errno::EINTR;
        let waiting = retry(|| recv(fd, &mut [], flags | MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC), again)?;
        if waiting > self.buffer.len() {
            self.buffer.resize(waiting.next_power_of_two(), 0);
        }
        let length = retry(|| recv(fd, &mut self.buffer, flags), again)?;
        Ok(&self.buffer[..length])
    }
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>, again: impl Fn(&Errno) -> bool) -> Result<T, Errno> {
    loop {
        match call() {
            Err(errno) if again(&errno) => {}
            result => return result,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
