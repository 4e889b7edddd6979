//! Interfaces by name, for sockets of another network than the thread's: an interface that a *socket* is asked for is
//! one of the socket's own network.

use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{SockaddrStorage, getpeername, getsockname};

use crate::error::{Error, Result};

/// An end of a connection, in the words of Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address, with the interface's name if it is link-local.
    pub address: String,
    /// Whether it is of IPv6.
    pub v6: bool,
    /// The port.
    pub port: u16,
}

/// A socket that other code has, such as one of libuv's.
#[derive(Debug, Clone, Copy)]
pub struct SocketRef<'fd>(BorrowedFd<'fd>);

impl<'fd> From<BorrowedFd<'fd>> for SocketRef<'fd> {
    fn from(socket: BorrowedFd<'fd>) -> Self {
        Self(socket)
    }
}

impl SocketRef<'_> {
    /// What the socket is bound to, or connected to; `None` for a socket that is not of IP.
    ///
    /// # Errors
    /// `ENOTCONN`, `ENOTSOCK`.
    pub fn endpoint(self, peer: bool) -> Result<Option<Endpoint>> {
        let number = self.0.as_raw_fd();
        let (syscall, found) = if peer {
            ("getpeername", getpeername::<SockaddrStorage>(number))
        } else {
            ("getsockname", getsockname::<SockaddrStorage>(number))
        };
        let found = found.map_err(|errno| failed(syscall, errno))?;
        if let Some(v4) = found.as_sockaddr_in() {
            return Ok(Some(Endpoint { address: v4.ip().to_string(), v6: false, port: v4.port() }));
        }
        let Some(v6) = found.as_sockaddr_in6() else { return Ok(None) };
        let mut address = v6.ip().to_string();
        if v6.ip().is_unicast_link_local() && v6.scope_id() != 0 {
            address.push('%');
            address += &self.link_name(v6.scope_id())?;
        }
        Ok(Some(Endpoint { address, v6: true, port: v6.port() }))
    }

    /// Restricts the socket to an interface, as binding or connecting it to a link-local address does (socket(7),
    /// `SO_BINDTODEVICE`).
    ///
    /// # Errors
    /// `ENODEV` if its network has no such interface.
    pub fn bind_to_link(self, link: &str) -> Result<()> {
        self.set("setsockopt", libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, &self.link_index(link)?)
    }

    /// Has what the socket sends next leave by an interface, or by none in particular (RFC 3542, `IPV6_PKTINFO`).
    ///
    /// # Errors
    /// `ENODEV` if its network has no such interface.
    pub fn send_by_link(self, link: Option<&str>) -> Result<()> {
        let index = link.map_or(Ok(0), |link| self.link_index(link))?;
        let wish = libc::in6_pktinfo { ipi6_addr: octets(Ipv6Addr::UNSPECIFIED), ipi6_ifindex: index.cast_unsigned() };
        self.set("setsockopt", libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &wish)
    }

    /// Has multicasts leave by an interface (`IPV6_MULTICAST_IF`).
    ///
    /// # Errors
    /// `ENODEV` if its network has no such interface.
    pub fn multicast_by_link(self, link: &str) -> Result<()> {
        self.set("setsockopt", libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, &self.link_index(link)?)
    }

    /// Joins or leaves a group on an interface (`IPV6_ADD_MEMBERSHIP`).
    ///
    /// # Errors
    /// `EINVAL` for what is no multicast address of IPv6, `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`.
    pub fn membership(self, group: &str, link: &str, join: bool) -> Result<()> {
        let Ok(IpAddr::V6(group)) = group.split('%').next().unwrap_or_default().parse() else {
            return Err(failed("setsockopt", Errno::EINVAL));
        };
        let index = self.link_index(link)?.cast_unsigned();
        let request = libc::ipv6_mreq { ipv6mr_multiaddr: octets(group), ipv6mr_interface: index };
        let option = if join { libc::IPV6_ADD_MEMBERSHIP } else { libc::IPV6_DROP_MEMBERSHIP };
        self.set("setsockopt", libc::IPPROTO_IPV6, option, &request)
    }

    /// Takes back the `SO_REUSEADDR` that libuv gives each datagram socket that is opened for it.
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub fn forbid_reuse(self) -> Result<()> {
        self.set("setsockopt", libc::SOL_SOCKET, libc::SO_REUSEADDR, &0)
    }

    fn link_index(self, link: &str) -> Result<i32> {
        let mut request = request();
        if link.len() >= request.ifr_name.len() {
            return Err(failed("ioctl", Errno::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(link.bytes()) {
            *to = libc::c_char::from_ne_bytes([from]);
        }
        // SAFETY: SIOCGIFINDEX reads and writes one ifreq, whose name ends in a NUL.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFINDEX as _, &raw mut request) };
        Errno::result(result).map_err(|errno| failed("ioctl", errno))?;
        // SAFETY: the kernel wrote this member of the union.
        Ok(unsafe { request.ifr_ifru.ifru_ifindex })
    }

    fn link_name(self, index: u32) -> Result<String> {
        let mut request = request();
        request.ifr_ifru.ifru_ifindex = index.cast_signed();
        // SAFETY: SIOCGIFNAME reads and writes one ifreq.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFNAME as _, &raw mut request) };
        Errno::result(result).map_err(|errno| failed("ioctl", errno))?;
        let bytes = request.ifr_name.iter().flat_map(|letter| letter.to_ne_bytes()).take_while(|byte| *byte != 0);
        Ok(String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned())
    }

    fn set<T>(self, step: &'static str, level: i32, option: i32, value: &T) -> Result<()> {
        let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or_default();
        let number = self.0.as_raw_fd();
        // SAFETY: the kernel reads `length` bytes of the value, which is plain data of that size.
        let result = unsafe { libc::setsockopt(number, level, option, (&raw const *value).cast(), length) };
        Errno::result(result).map(drop).map_err(|errno| failed(step, errno))
    }
}

fn failed(syscall: &'static str, errno: Errno) -> Error {
    Error::system(syscall, errno, "use an interface of the socket's network")
}

fn request() -> libc::ifreq {
    // SAFETY: ifreq is plain old data, for which all zeros is a valid value.
    unsafe { std::mem::zeroed() }
}

fn octets(address: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr { s6_addr: address.octets() }
}
