//! Namespaces, and the one thing that is done inside.

use super::arch::{numbers, syscall};
use super::fd::Fd;
use super::{O_CLOEXEC, Result, check, plain, word};

/// setns(2) by number.
///
/// # Errors
/// As its manual page.
#[inline]
pub fn enter(number: i32, kind: usize) -> Result<()> {
    plain(numbers::SETNS, [word(number), kind, 0, 0, 0]).map(drop)
}

/// What the kernel calls an open namespace, until it is started again: `NS_GET_ID` of `linux/nsfs.h`, since Linux 6.18.
///
/// # Errors
/// `ENOTTY` before that, and of what is no namespace; `EBADF`.
#[inline]
pub fn id(number: i32) -> Result<u64> {
    const NS_GET_ID: usize = 0x8008_b70d;
    let mut id = 0_u64;
    // SAFETY: NS_GET_ID writes one u64 to the pointer, which is valid for that.
    let result = unsafe { syscall(numbers::IOCTL, [word(number), NS_GET_ID, (&raw mut id) as usize, 0, 0]) };
    check(result).map(|_| id)
}

/// unshare(2).
///
/// # Errors
/// As its manual page.
pub fn unshare(flags: usize) -> Result<()> {
    plain(numbers::UNSHARE, [flags, 0, 0, 0, 0]).map(drop)
}

/// The user namespace that owns an open namespace: `ioctl_ns(2)`.
///
/// # Errors
/// `EPERM` if that lies outside this process's own.
pub fn owner(number: i32) -> Result<Fd> {
    const NS_GET_USERNS: usize = 0xb701;
    plain(numbers::IOCTL, [word(number), NS_GET_USERNS, 0, 0, 0]).map(Fd::own)
}

/// A socket of this thread's network, closed by exec: socket(2).
///
/// # Errors
/// As its manual page.
pub fn socket(family: u32, kind: u32, protocol: u32) -> Result<Fd> {
    let args = [family as usize, kind as usize | O_CLOEXEC, protocol as usize, 0, 0];
    plain(numbers::SOCKET, args).map(Fd::own)
}

/// `ip link set lo up` for this thread's namespace: netdevice(7).
///
/// # Errors
/// `EPERM`.
pub fn loopback_up() -> Result<()> {
    const AF_UNIX: u32 = 1;
    const SOCK_DGRAM: u32 = 2;
    const SIOCSIFFLAGS: usize = 0x8914;
    const IFF_UP: u8 = 1;
    let socket = socket(AF_UNIX, SOCK_DGRAM, 0)?;
    // struct ifreq: sixteen bytes of name, then the flags as a short, forty bytes in all.
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&u16::from(IFF_UP).to_ne_bytes());
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    let result =
        unsafe { syscall(numbers::IOCTL, [word(socket.number()), SIOCSIFFLAGS, request.as_ptr() as usize, 0, 0]) };
    check(result).map(drop)
}
