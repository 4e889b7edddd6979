//! Interfaces by name, for sockets of another network than the thread's: an interface that a *socket* is asked for is
//! one of the socket's own network.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{SockaddrIn6, SockaddrStorage, getpeername, getsockname};

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
    /// `SO_BINDTODEVICE`). One that is not there leaves it as it is: the kernel refuses the address.
    ///
    /// # Errors
    /// `EINVAL` for a socket that is restricted to another.
    pub fn bind_to_link(self, link: &str) -> Result<()> {
        let index = self.link_index(link);
        if index == 0 {
            return Ok(());
        }
        // An address never moves it to another.
        match self.bound_link()? {
            0 => self.set("setsockopt", libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, &index),
            bound if bound == index => Ok(()),
            _ => Err(failed("setsockopt", Errno::EINVAL)),
        }
    }

    /// Has what the socket sends next leave by an interface, or by none in particular (RFC 3542, `IPV6_PKTINFO`).
    ///
    /// # Errors
    /// `ENOPROTOOPT` for a socket of IPv4.
    pub fn send_by_link(self, link: Option<&str>) -> Result<()> {
        let index = link.map_or(0, |link| self.link_index(link));
        let wish = libc::in6_pktinfo { ipi6_addr: octets(Ipv6Addr::UNSPECIFIED), ipi6_ifindex: index.cast_unsigned() };
        self.set("setsockopt", libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &wish)
    }

    /// Has multicasts leave by the interface that an address names, or by none in particular (`IPV6_MULTICAST_IF`).
    ///
    /// # Errors
    /// `EINVAL` for what is no address of IPv6; as setsockopt(2): `ENOPROTOOPT` for a socket of IPv4.
    pub fn multicast_by_link(self, interface: &str) -> Result<()> {
        let (_, index) = self.scoped(interface)?;
        self.set("setsockopt", libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF, &index)
    }

    /// Joins or leaves a group on the interface that an address names (`IPV6_ADD_MEMBERSHIP`), or, given a source, for what
    /// comes from there alone (`MCAST_JOIN_SOURCE_GROUP`). A name that the network does not have is no interface.
    ///
    /// # Errors
    /// `EINVAL` for what is no address of IPv6, or no multicast one; `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, `ENOPROTOOPT`.
    pub fn membership(self, group: &str, source: Option<&str>, interface: Option<&str>, join: bool) -> Result<()> {
        let (group, _) = self.scoped(group)?;
        let source = source.map(|source| self.scoped(source)).transpose()?;
        let index = interface.map_or(Ok(0), |interface| self.scoped(interface).map(|(_, index)| index))?;
        let index = index.cast_unsigned();
        let Some((source, _)) = source else {
            let request = libc::ipv6_mreq { ipv6mr_multiaddr: octets(group), ipv6mr_interface: index };
            let option = if join { libc::IPV6_ADD_MEMBERSHIP } else { libc::IPV6_DROP_MEMBERSHIP };
            return self.set("setsockopt", libc::IPPROTO_IPV6, option, &request);
        };
        let request =
            libc::group_source_req { gsr_interface: index, gsr_group: storage(group), gsr_source: storage(source) };
        let option = if join { libc::MCAST_JOIN_SOURCE_GROUP } else { libc::MCAST_LEAVE_SOURCE_GROUP };
        self.set("setsockopt", libc::IPPROTO_IPV6, option, &request)
    }

    /// Takes back the `SO_REUSEADDR` that libuv gives each datagram socket that is opened for it.
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub fn forbid_reuse(self) -> Result<()> {
        self.set("setsockopt", libc::SOL_SOCKET, libc::SO_REUSEADDR, &0)
    }

    /// What `address%interface` says; zero if there is no such interface.
    fn scoped(self, text: &str) -> Result<(Ipv6Addr, i32)> {
        let (address, link) = text.split_once('%').unwrap_or((text, ""));
        let address = address.parse().map_err(|_| failed("setsockopt", Errno::EINVAL))?;
        Ok((address, self.link_index(link)))
    }

    fn link_index(self, link: &str) -> i32 {
        let mut request = request();
        if link.is_empty() || link.len() >= request.ifr_name.len() {
            return 0;
        }
        for (to, from) in request.ifr_name.iter_mut().zip(link.bytes()) {
            *to = libc::c_char::from_ne_bytes([from]);
        }
        // SAFETY: SIOCGIFINDEX reads and writes one ifreq, whose name ends in a NUL.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SIOCGIFINDEX as _, &raw mut request) };
        if result != 0 {
            return 0;
        }
        // SAFETY: the kernel wrote this member of the union.
        unsafe { request.ifr_ifru.ifru_ifindex }
    }

    /// The interface that the socket is restricted to, or zero.
    fn bound_link(self) -> Result<i32> {
        let mut index: i32 = 0;
        let mut length = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or_default();
        let (number, value) = (self.0.as_raw_fd(), (&raw mut index).cast());
        // SAFETY: the kernel writes at most `length` bytes to the number, which has that size, and the new length.
        let result =
            unsafe { libc::getsockopt(number, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, value, &raw mut length) };
        Errno::result(result).map_err(|errno| failed("getsockopt", errno))?;
        Ok(index)
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

fn storage(address: Ipv6Addr) -> libc::sockaddr_storage {
    // SAFETY: sockaddr_storage is plain old data, for which all zeros is a valid value.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let from = SockaddrIn6::from(SocketAddrV6::new(address, 0, 0, 0));
    // SAFETY: a sockaddr_storage has room for every sort of address, and is aligned for each.
    unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(*from.as_ref()) };
    storage
}

fn octets(address: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr { s6_addr: address.octets() }
}
