//! System calls without a C library, and only those that a child needs before its program runs.

mod arch;
mod credentials;
mod fd;
#[cfg(test)]
pub(crate) mod headers;
mod memory;
pub mod message;
mod mount;
mod namespace;
mod process;
mod signals;

pub use arch::O_DIRECTORY;
use arch::syscall;
pub use credentials::{group, process_control, set_capabilities, set_group, set_groups, set_user, user};
pub use fd::{
    Fd, close_on_exec_from, control, duplicate, entries, identity, keep, make_blocking, open, place, read, size, write,
};
pub use memory::{bytes, pointers};
pub use mount::{attach, copy_tree, file_system, new_mount, propagate};
pub use namespace::{enter, id, loopback_up, owner, socket, unshare};
pub use process::{bear, change_directory, die, execute, exit, new_session, parent};
pub use signals::{block_signals, reset_signals};

/// What a call that failed said: the positive errno.
pub type Errno = i32;
/// What a call gives.
pub type Result<T> = core::result::Result<T, Errno>;

#[expect(missing_docs, reason = "errno(3) has their meaning")]
pub mod errno {
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const ESRCH: i32 = 3;
    pub const EINTR: i32 = 4;
    pub const ENOEXEC: i32 = 8;
    pub const EBADF: i32 = 9;
    pub const ENOMEM: i32 = 12;
    pub const EACCES: i32 = 13;
    pub const ENODEV: i32 = 19;
    pub const ENOTDIR: i32 = 20;
    pub const EINVAL: i32 = 22;
    pub const ENAMETOOLONG: i32 = 36;
    pub const ENOSYS: i32 = 38;
    pub const EMSGSIZE: i32 = 90;
    pub const ESTALE: i32 = 116;
    pub const ETIMEDOUT: i32 = 110;
}

/// Relative to the working directory.
pub const AT_FDCWD: usize = (-100_isize).cast_unsigned();
/// The whole tree, with the mounts below.
pub const AT_RECURSIVE: usize = 0x8000;
/// open(2).
pub const O_CLOEXEC: usize = 0o2_000_000;
/// open(2).
pub const O_PATH: usize = 0o10_000_000;

/// A descriptor's or a process's number as a register holds it.
#[expect(clippy::cast_sign_loss, reason = "registers have no sign; the kernel takes the low half")]
const fn word(number: i32) -> usize {
    number as isize as usize
}

#[expect(clippy::cast_possible_truncation, reason = "errno is below 4096")]
#[inline]
fn check(result: isize) -> Result<usize> {
    result.try_into().map_err(|_| -result as i32)
}

/// A call whose arguments are plain numbers: the kernel checks them all.
#[inline]
fn plain(number: usize, args: [usize; 5]) -> Result<usize> {
    // SAFETY: only called with numbers of calls that take no pointers, or null ones.
    check(unsafe { syscall(number, args) })
}
