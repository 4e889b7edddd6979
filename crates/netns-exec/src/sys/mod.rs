//! System calls without a C library, and only those that a child needs before its program runs.

mod arch;
#[cfg(test)]
pub(crate) mod headers;

use core::ffi::CStr;

pub use arch::O_DIRECTORY;
use arch::{numbers, syscall, unified};

/// What a call that failed said: the positive errno.
pub type Errno = i32;
/// What a call gives.
pub type Result<T> = core::result::Result<T, Errno>;

#[expect(missing_docs, reason = "errno(3) has their meaning")]
pub mod errno {
    pub const EPERM: i32 = 1;
    pub const ENOENT: i32 = 2;
    pub const ESRCH: i32 = 3;
    pub const ENOEXEC: i32 = 8;
    pub const EACCES: i32 = 13;
    pub const ENODEV: i32 = 19;
    pub const ENOTDIR: i32 = 20;
    pub const EINVAL: i32 = 22;
    pub const ENAMETOOLONG: i32 = 36;
    pub const ENOSYS: i32 = 38;
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
const O_NONBLOCK: usize = 0o4_000;

/// A directory or a file opened for this process alone; closed when dropped.
#[derive(Debug)]
pub struct Fd(i32);

impl Fd {
    /// Its number.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.0
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the number is this value's alone.
        let _closed_anyway = unsafe { syscall(numbers::CLOSE, [word(self.0), 0, 0, 0, 0]) };
    }
}

/// A descriptor's or a process's number as a register holds it.
#[expect(clippy::cast_sign_loss, reason = "registers have no sign; the kernel takes the low half")]
const fn word(number: i32) -> usize {
    number as isize as usize
}

#[expect(clippy::cast_possible_truncation, reason = "errno is below 4096")]
fn check(result: isize) -> Result<usize> {
    result.try_into().map_err(|_| -result as i32)
}

/// A call whose arguments are plain numbers: the kernel checks them all.
fn plain(number: usize, args: [usize; 5]) -> Result<usize> {
    // SAFETY: only called with numbers of calls that take no pointers, or null ones.
    check(unsafe { syscall(number, args) })
}

fn new_fd(result: isize) -> Result<Fd> {
    check(result).map(|number| Fd(i32::try_from(number).unwrap_or(-1)))
}

/// openat(2).
///
/// # Errors
/// As its manual page.
pub fn open(directory: Option<&Fd>, path: &CStr, flags: usize) -> Result<Fd> {
    let at = directory.map_or(AT_FDCWD, |fd| word(fd.0));
    // SAFETY: the path ends in a NUL.
    new_fd(unsafe { syscall(numbers::OPENAT, [at, path.as_ptr() as usize, flags | O_CLOEXEC, 0, 0]) })
}

/// read(2).
///
/// # Errors
/// As its manual page.
pub fn read(fd: &Fd, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most the buffer's length.
    check(unsafe { syscall(numbers::READ, [word(fd.0), buffer.as_mut_ptr() as usize, buffer.len(), 0, 0]) })
}

/// write(2), by number as standard error is nobody's.
///
/// # Errors
/// As its manual page.
pub fn write(number: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads at most the slice's length.
    check(unsafe { syscall(numbers::WRITE, [word(number), bytes.as_ptr() as usize, bytes.len(), 0, 0]) })
}

/// getdents64(2).
///
/// # Errors
/// As its manual page.
pub fn entries(directory: &Fd, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most the buffer's length.
    check(unsafe {
        syscall(numbers::GETDENTS64, [word(directory.0), buffer.as_mut_ptr() as usize, buffer.len(), 0, 0])
    })
}

/// Device and inode of a descriptor: fstat(2).
///
/// # Errors
/// As its manual page.
pub fn identity(fd: &Fd) -> Result<(u64, u64)> {
    // struct stat begins with st_dev and st_ino, 64 bits each, and is at most 144 bytes on both architectures.
    let mut stat = [0_u64; 18];
    // SAFETY: the kernel writes one struct stat, for which there is room.
    check(unsafe { syscall(numbers::FSTAT, [word(fd.0), stat.as_mut_ptr() as usize, 0, 0, 0]) })?;
    Ok((stat[0], stat[1]))
}

/// The type of a file system and its mount's flags: statfs(2).
///
/// # Errors
/// As its manual page.
pub fn file_system(path: &CStr) -> Result<(u64, u64)> {
    // struct statfs is 120 bytes: f_type comes first, f_flags is the eleventh word.
    let mut statfs = [0_u64; 15];
    // SAFETY: the path ends in a NUL and there is room for one struct statfs.
    check(unsafe { syscall(numbers::STATFS, [path.as_ptr() as usize, statfs.as_mut_ptr() as usize, 0, 0, 0]) })?;
    Ok((statfs[0], statfs[10]))
}

/// chdir(2).
///
/// # Errors
/// As its manual page.
pub fn change_directory(path: &CStr) -> Result<()> {
    // SAFETY: the path ends in a NUL.
    check(unsafe { syscall(numbers::CHDIR, [path.as_ptr() as usize, 0, 0, 0, 0]) }).map(drop)
}

/// fcntl(2) with a number.
///
/// # Errors
/// As its manual page.
pub fn control(number: i32, command: usize, value: usize) -> Result<usize> {
    plain(numbers::FCNTL, [word(number), command, value, 0, 0])
}

/// The number stays open in the program.
///
/// # Errors
/// `EBADF`.
pub fn keep(number: i32) -> Result<()> {
    const F_SETFD: usize = 2;
    control(number, F_SETFD, 0).map(drop)
}

/// A copy of a descriptor with a number of at least `least`, closed by exec.
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn duplicate(number: i32, least: i32) -> Result<i32> {
    const F_DUPFD_CLOEXEC: usize = 1030;
    control(number, F_DUPFD_CLOEXEC, word(least)).map(|copy| i32::try_from(copy).unwrap_or(-1))
}

/// A copy of a descriptor at a given number, which stays open in the program: dup3(2).
///
/// # Errors
/// `EBADF`.
pub fn place(number: i32, target: i32) -> Result<()> {
    plain(numbers::DUP3, [word(number), word(target), 0, 0, 0]).map(drop)
}

/// Programs expect to wait on their standard streams.
///
/// # Errors
/// `EBADF`.
pub fn make_blocking(number: i32) -> Result<()> {
    const F_GETFL: usize = 3;
    const F_SETFL: usize = 4;
    let flags = control(number, F_GETFL, 0)?;
    if flags & O_NONBLOCK != 0 {
        control(number, F_SETFL, flags & !O_NONBLOCK)?;
    }
    Ok(())
}

/// Closes by exec every descriptor from `first` on: `close_range(2)`.
///
/// # Errors
/// `ENOSYS` or `EINVAL` before Linux 5.11.
pub fn close_on_exec_from(first: i32) -> Result<()> {
    const CLOSE_RANGE_CLOEXEC: usize = 4;
    plain(unified::CLOSE_RANGE, [word(first), u32::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0]).map(drop)
}

/// setns(2) by number.
///
/// # Errors
/// As its manual page.
pub fn enter(number: i32, kind: usize) -> Result<()> {
    plain(numbers::SETNS, [word(number), kind, 0, 0, 0]).map(drop)
}

/// unshare(2).
///
/// # Errors
/// As its manual page.
pub fn unshare(flags: usize) -> Result<()> {
    plain(numbers::UNSHARE, [flags, 0, 0, 0, 0]).map(drop)
}

/// Changes how mounts propagate, for a whole tree: mount(2) with neither source nor type.
///
/// # Errors
/// As its manual page.
pub fn propagate(path: &CStr, flags: usize) -> Result<()> {
    let none = c"".as_ptr() as usize;
    // SAFETY: the path ends in a NUL; the kernel ignores source, type and data, which are empty or null.
    check(unsafe { syscall(numbers::MOUNT, [none, path.as_ptr() as usize, 0, flags, 0]) }).map(drop)
}

/// A detached copy of a mount or of a part of one: `open_tree(2)` with `OPEN_TREE_CLONE`.
///
/// # Errors
/// As its manual page.
pub fn copy_tree(directory: &Fd, path: &CStr) -> Result<Fd> {
    const OPEN_TREE_CLONE: usize = 1;
    let flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE;
    // SAFETY: the path ends in a NUL.
    new_fd(unsafe { syscall(unified::OPEN_TREE, [word(directory.0), path.as_ptr() as usize, flags, 0, 0]) })
}

/// Attaches a detached mount at a path, on the last name itself even if that is a symbolic link: `move_mount(2)`.
///
/// # Errors
/// As its manual page.
pub fn attach(tree: &Fd, directory: Option<&Fd>, path: &CStr) -> Result<()> {
    const MOVE_MOUNT_F_EMPTY_PATH: usize = 4;
    let at = directory.map_or(AT_FDCWD, |fd| word(fd.0));
    let from = c"".as_ptr() as usize;
    // SAFETY: both paths end in a NUL.
    let result = unsafe {
        syscall(unified::MOVE_MOUNT, [word(tree.0), from, at, path.as_ptr() as usize, MOVE_MOUNT_F_EMPTY_PATH])
    };
    check(result).map(drop)
}

/// A new mount of a file system that needs no source, detached: fsopen(2), fsconfig(2), fsmount(2).
///
/// # Errors
/// As their manual pages.
pub fn new_mount(kind: &CStr, attributes: usize) -> Result<Fd> {
    const FSCONFIG_CMD_CREATE: usize = 6;
    // SAFETY: the type ends in a NUL; the flag FSOPEN_CLOEXEC is 1.
    let context = new_fd(unsafe { syscall(unified::FSOPEN, [kind.as_ptr() as usize, 1, 0, 0, 0]) })?;
    plain(unified::FSCONFIG, [word(context.0), FSCONFIG_CMD_CREATE, 0, 0, 0])?;
    // FSMOUNT_CLOEXEC is 1.
    plain(unified::FSMOUNT, [word(context.0), 1, attributes, 0, 0])
        .map(|number| Fd(i32::try_from(number).unwrap_or(-1)))
}

/// prctl(2) with numbers.
///
/// # Errors
/// As its manual page.
pub fn process_control(option: usize, values: [usize; 2]) -> Result<usize> {
    plain(numbers::PRCTL, [option, values[0], values[1], 0, 0])
}

/// setgroups(2), of this thread only, which the C library's is not.
///
/// # Errors
/// `EPERM`.
pub fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: the kernel reads as many group ids as the slice has.
    check(unsafe { syscall(numbers::SETGROUPS, [groups.len(), groups.as_ptr() as usize, 0, 0, 0]) }).map(drop)
}

/// setgid(2), of this thread only.
///
/// # Errors
/// `EPERM`.
pub fn set_group(id: u32) -> Result<()> {
    plain(numbers::SETGID, [id as usize, 0, 0, 0, 0]).map(drop)
}

/// setuid(2), of this thread only.
///
/// # Errors
/// `EPERM`, `EAGAIN`.
pub fn set_user(id: u32) -> Result<()> {
    plain(numbers::SETUID, [id as usize, 0, 0, 0, 0]).map(drop)
}

/// capset(2): the same effective, permitted and inheritable sets.
///
/// # Errors
/// `EPERM`.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of the set")]
pub fn set_capabilities(set: u64) -> Result<()> {
    let header: [u32; 2] = [0x2008_0522, 0];
    let (low, high) = (set as u32, (set >> 32) as u32);
    let data = [low, low, low, high, high, high];
    // SAFETY: version 3 reads a header of two words and two records of three words.
    let result = unsafe { syscall(numbers::CAPSET, [header.as_ptr() as usize, data.as_ptr() as usize, 0, 0, 0]) };
    check(result).map(drop)
}

/// Every signal as at a process's start, none blocked: `rt_sigaction(2)`, `rt_sigprocmask(2)`.
pub fn reset_signals() {
    // A kernel's sigaction with SIG_DFL is all zeros on every architecture, and four words at most.
    let default = [0_usize; 4];
    for signal in 1..=64_usize {
        // SAFETY: the kernel reads one sigaction and writes none; it refuses SIGKILL and SIGSTOP.
        let _refused =
            unsafe { syscall(numbers::RT_SIGACTION, [signal, default.as_ptr() as usize, 0, size_of::<u64>(), 0]) };
    }
    let _old = block_signals(0);
}

/// Sets which signals wait, all 64 of them, with no exception for those the C library keeps for itself; gives what was.
#[must_use]
pub fn block_signals(set: u64) -> u64 {
    const SIG_SETMASK: usize = 2;
    let mut old = 0_u64;
    let args = [SIG_SETMASK, &raw const set as usize, &raw mut old as usize, size_of::<u64>(), 0];
    // SAFETY: the kernel reads one set of 64 signals and writes another.
    let _never_fails = unsafe { syscall(numbers::RT_SIGPROCMASK, args) };
    old
}

/// getppid(2).
#[must_use]
pub fn parent() -> u32 {
    plain(numbers::GETPPID, [0; 5]).map_or(0, |pid| u32::try_from(pid).unwrap_or_default())
}

/// Ends this process as the kernel would have: kill(2) of itself.
pub fn die(signal: usize) -> ! {
    let this = plain(numbers::GETPID, [0; 5]).unwrap_or_default();
    let _sent = plain(numbers::KILL, [this, signal, 0, 0, 0]);
    exit(127)
}

/// `exit_group(2)`.
pub fn exit(code: usize) -> ! {
    loop {
        let _never = plain(numbers::EXIT_GROUP, [code, 0, 0, 0, 0]);
    }
}

/// execve(2): it returns only if it failed.
///
/// # Safety
/// `argv` and `envp` are arrays of C strings that end in a null pointer.
#[must_use]
pub unsafe fn execute(path: &CStr, argv: *const *const u8, envp: *const *const u8) -> Errno {
    // SAFETY: the path ends in a NUL and the caller vouches for the arrays.
    let result = unsafe { syscall(numbers::EXECVE, [path.as_ptr() as usize, argv as usize, envp as usize, 0, 0]) };
    check(result).err().unwrap_or_default()
}

/// `ip link set lo up` for this thread's namespace: netdevice(7).
///
/// # Errors
/// `EPERM`.
pub fn loopback_up() -> Result<()> {
    const AF_UNIX: usize = 1;
    const SOCK_DGRAM: usize = 2;
    const SIOCSIFFLAGS: usize = 0x8914;
    const IFF_UP: u8 = 1;
    let socket = plain(numbers::SOCKET, [AF_UNIX, SOCK_DGRAM | O_CLOEXEC, 0, 0, 0])?;
    let socket = Fd(i32::try_from(socket).unwrap_or(-1));
    // struct ifreq: sixteen bytes of name, then the flags as a short, forty bytes in all.
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&u16::from(IFF_UP).to_ne_bytes());
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    let result = unsafe { syscall(numbers::IOCTL, [word(socket.0), SIOCSIFFLAGS, request.as_ptr() as usize, 0, 0]) };
    check(result).map(drop)
}
