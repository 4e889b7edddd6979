//! Which namespace a descriptor is of: type, device and inode, cookie, owner.

use std::borrow::Cow;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use netns_exec::sys;
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::stat::{FileStat, SFlag, fstat};

use crate::error::{Error, Kind, Result};

/// `_IO(0xb7, n)` of `linux/nsfs.h`: on every architecture Rust's `linux` targets, `_IO` has no direction bits.
const NS_GET_USERNS: libc::c_ulong = 0xb701;
const NS_GET_NSTYPE: libc::c_ulong = 0xb703;
const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;

/// Device and inode of a namespace: unique among *live* namespaces. The kernel gives an inode number out again at
/// once, so an identity means something only while a handle pins the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device of the kernel's nsfs.
    pub dev: u64,
    /// The number in `net:[4026531840]`.
    pub ino: u64,
}

impl From<&FileStat> for Identity {
    fn from(found: &FileStat) -> Self {
        Self { dev: found.st_dev, ino: found.st_ino }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "net:[{}]", self.ino)
    }
}

/// The user namespace that owns a network namespace, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user who made the owning user namespace, as this process sees user ids.
    pub uid: u32,
    /// `user:[4026531837]`.
    pub user_namespace: String,
}

/// Device and inode of an open namespace: [fstat(2)](https://man7.org/linux/man-pages/man2/fstat.2.html).
pub(crate) fn identity(fd: BorrowedFd<'_>) -> Result<Identity> {
    fstat(fd)
        .map(|found| Identity::from(&found))
        .map_err(|errno| Error::system("fstat", errno, "identify the network namespace"))
}

/// What tells whether a descriptor is still of the namespace it was of, at the least cost: asked on every way in and on
/// every way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The kernel's own number, which no other namespace gets before a reboot.
    Id(u64),
    /// Where the kernel has none.
    Identity(Identity),
}

/// Whether the kernel has not been found to have no such numbers.
static NUMBERED: AtomicBool = AtomicBool::new(true);

/// The mark of an open namespace, by `NS_GET_ID`, or by fstat(2), which takes half as long again.
#[inline]
pub(crate) fn mark(fd: BorrowedFd<'_>) -> Result<Mark> {
    if NUMBERED.load(Ordering::Relaxed)
        && let Ok(id) = sys::id(fd.as_raw_fd())
    {
        return Ok(Mark::Id(id));
    }
    mark_without_id(fd)
}

#[cold]
fn mark_without_id(fd: BorrowedFd<'_>) -> Result<Mark> {
    // Of a lost descriptor too, but then the two marks differ, as they shall.
    let found = identity(fd)?;
    if NUMBERED.load(Ordering::Relaxed) && is_network_namespace(fd) {
        NUMBERED.store(false, Ordering::Relaxed);
    }
    Ok(Mark::Identity(found))
}

/// Whether a descriptor is of a network namespace: the kernel's own word, as the file system alone would take a mount
/// namespace or `/proc/cpuinfo` for one. What it is instead is an error's business.
pub(crate) fn is_network_namespace(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: NS_GET_NSTYPE takes no argument and only reads kernel state of an open descriptor.
    let kind = unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE as _) };
    kind == libc::CLONE_NEWNET
}

/// Fails unless the descriptor is of a network namespace.
pub(crate) fn check(fd: BorrowedFd<'_>, attempt: impl FnOnce() -> Cow<'static, str>) -> Result<()> {
    if is_network_namespace(fd) {
        return Ok(());
    }
    Err(Error::new(Kind::NotNamespace { found: describe(fd) }, attempt()))
}

fn describe(fd: BorrowedFd<'_>) -> Cow<'static, str> {
    // SAFETY: as in `is_network_namespace`.
    let kind = unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE as _) };
    // A terminal or a device may answer the number with something else, so only known types are named.
    let namespace = match CloneFlags::from_bits_retain(kind) {
        CloneFlags::CLONE_NEWNS => "a mount namespace",
        CloneFlags::CLONE_NEWUTS => "a UTS namespace",
        CloneFlags::CLONE_NEWIPC => "an IPC namespace",
        CloneFlags::CLONE_NEWUSER => "a user namespace",
        CloneFlags::CLONE_NEWPID => "a PID namespace",
        CloneFlags::CLONE_NEWCGROUP => "a cgroup namespace",
        _ => return fstat(fd).map_or(Cow::Borrowed("unreadable"), |stat| describe_file(&stat).into()),
    };
    namespace.into()
}

/// What a file is, in words.
pub(crate) fn describe_file(stat: &FileStat) -> &'static str {
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => "a plain file",
        SFlag::S_IFDIR => "a directory",
        SFlag::S_IFIFO => "a FIFO",
        SFlag::S_IFSOCK => "a socket",
        SFlag::S_IFCHR | SFlag::S_IFBLK => "a device",
        _ => "something else",
    }
}

/// The cookie of the namespace that a socket belongs to (`SO_NETNS_COOKIE`); `None` before Linux 5.14.
pub(crate) fn cookie(socket: BorrowedFd<'_>) -> Option<u64> {
    let mut value = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).ok()?;
    // SAFETY: the kernel writes at most `length` bytes to `value`, which has that size, and the new length.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(value)
}

fn owner_failed(errno: Errno) -> Error {
    Error::system("ioctl_ns", errno, "read the owner of the network namespace")
}

/// The user namespace that owns a network namespace (`NS_GET_USERNS`).
pub(crate) fn owner_descriptor(namespace: impl AsFd) -> Result<OwnedFd> {
    // SAFETY: NS_GET_USERNS takes no argument and returns a new descriptor or -1.
    let raw = unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), NS_GET_USERNS as _) };
    let raw = Errno::result(raw).map_err(owner_failed)?;
    // SAFETY: the kernel just returned this descriptor (close-on-exec) and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Who owns a network namespace (`NS_GET_USERNS`, `NS_GET_OWNER_UID`).
pub(crate) fn owner(namespace: BorrowedFd<'_>) -> Result<Owner> {
    let user = owner_descriptor(namespace)?;
    let mut uid: libc::uid_t = 0;
    // SAFETY: NS_GET_OWNER_UID writes one uid_t to the pointer, which is valid for that.
    let result = unsafe { libc::ioctl(user.as_raw_fd(), NS_GET_OWNER_UID as _, &raw mut uid) };
    Errno::result(result).map_err(owner_failed)?;
    let ino = identity(user.as_fd())?.ino;
    Ok(Owner { uid, user_namespace: format!("user:[{ino}]") })
}
