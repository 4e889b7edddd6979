//! `ip tuntap add`: the one kind of link that is made by a device file, not by a message.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

use netns_exec::broker::wire::Operation;
use nix::errno::Errno;
use nix::libc;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::inside::either;

const PATH: &str = "/dev/net/tun";
const TUN_SET_IFF: libc::c_ulong = 0x4004_54ca;
const TUN_SET_PERSIST: libc::c_ulong = 0x4004_54cb;
const TUN_SET_OWNER: libc::c_ulong = 0x4004_54cc;
const TUN_SET_GROUP: libc::c_ulong = 0x4004_54ce;

const IFF_TUN: u16 = 0x0001;
const IFF_TAP: u16 = 0x0002;
const IFF_MULTI_QUEUE: u16 = 0x0100;
const IFF_NO_PI: u16 = 0x1000;
/// Never attaches to a link that is there already.
const IFF_TUN_EXCL: u16 = 0x8000;

/// A tun or tap link to make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tun {
    /// Its name, of at most 15 bytes.
    pub name: String,
    /// Whether it carries Ethernet frames instead of IP packets.
    pub tap: bool,
    /// Whether several programs may attach to it at once.
    pub multi_queue: bool,
    /// The user who may attach to it.
    pub owner: Option<u32>,
    /// The group that may.
    pub group: Option<u32>,
}

impl NetNs {
    /// Makes a persistent tun or tap link inside, for a program to attach to by its name.
    ///
    /// # Errors
    /// `ENOENT` where `/dev/net/tun` is missing, `EBUSY` or `EINVAL` if the name is taken, `EPERM` without
    /// `CAP_NET_ADMIN`, and as [`run`](Self::run). Nothing is left behind then.
    pub fn create_tun(&self, tun: &Tun) -> Result<()> {
        let attempt = || format!("make the link {}", tun.name);
        // The device belongs to the namespace of the thread that opens the file.
        let here = || {
            let opened = OpenOptions::new().read(true).write(true).open(PATH);
            opened.map_err(|error| Error::system("open tun", errno_of(&error), attempt()).at(PATH))
        };
        let file = either(self, here, |broker| {
            let attempt = "make the link";
            let given = broker.ask(Operation::Tun, [0; 3], &[], Some(self), attempt);
            given.and_then(|given| given.descriptor(attempt)).map(File::from).map_err(|error| error.at(PATH))
        })?;
        set_up(&file, tun).map_err(|(step, errno)| Error::system(step, errno, attempt()).at(PATH))
    }
}

fn set_up(file: &File, tun: &Tun) -> Result<(), (&'static str, Errno)> {
    // SAFETY: ifreq is plain old data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if tun.name.len() >= request.ifr_name.len() {
        return Err(("ioctl", Errno::EINVAL));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(tun.name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let kind = if tun.tap { IFF_TAP } else { IFF_TUN };
    let queues = if tun.multi_queue { IFF_MULTI_QUEUE } else { 0 };
    request.ifr_ifru.ifru_flags = (kind | IFF_NO_PI | IFF_TUN_EXCL | queues).cast_signed();
    // SAFETY: TUNSETIFF reads and writes one ifreq at the pointer, which is valid and whose name ends in a NUL.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), TUN_SET_IFF as _, &raw mut request) };
    Errno::result(result).map_err(|errno| ("ioctl", errno))?;
    let settings = [
        ("ioctl owner", TUN_SET_OWNER, tun.owner),
        ("ioctl owner", TUN_SET_GROUP, tun.group),
        ("ioctl", TUN_SET_PERSIST, Some(1)),
    ];
    for (step, request, value) in settings {
        let Some(value) = value else { continue };
        // SAFETY: these requests take a number in place of a pointer.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), request as _, libc::c_ulong::from(value)) };
        Errno::result(result).map_err(|errno| (step, errno))?;
    }
    Ok(())
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}
