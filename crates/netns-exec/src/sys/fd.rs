//! Descriptors: files, directories, and their numbers.

use core::ffi::CStr;

use super::arch::{numbers, syscall, unified};
use super::{AT_FDCWD, O_CLOEXEC, Result, check, plain, word};

/// A directory or a file opened for this process alone; closed when dropped.
#[derive(Debug)]
pub struct Fd(i32);

impl Fd {
    /// The kernel just gave this number, to nobody else.
    pub(super) fn own(number: usize) -> Self {
        Self(i32::try_from(number).unwrap_or(-1))
    }

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

pub(super) fn new_fd(result: isize) -> Result<Fd> {
    check(result).map(Fd::own)
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
    status(fd).map(|stat| (stat[0], stat[1]))
}

/// A file's size in bytes: fstat(2).
///
/// # Errors
/// As its manual page.
pub fn size(fd: &Fd) -> Result<usize> {
    status(fd).map(|stat| usize::try_from(stat[6]).unwrap_or(usize::MAX))
}

/// `struct stat` in words: on both architectures it begins with `st_dev` and `st_ino`, has `st_size` at byte 48, and is at
/// most 144 bytes long.
fn status(fd: &Fd) -> Result<[u64; 18]> {
    let mut stat = [0_u64; 18];
    // SAFETY: the kernel writes one struct stat, for which there is room.
    check(unsafe { syscall(numbers::FSTAT, [word(fd.0), stat.as_mut_ptr() as usize, 0, 0, 0]) })?;
    Ok(stat)
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
    const O_NONBLOCK: usize = 0o4_000;
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
