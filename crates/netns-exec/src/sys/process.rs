//! A process's surroundings, its program and its end.

use core::ffi::{CStr, c_void};

use super::arch::{self, numbers, syscall};
use super::{Errno, Result, check, plain};

/// A child that shares this process's memory, on a stack of its own, until it executes or exits: then the kernel clears
/// `occupied` and wakes who waits for it. Gives its pid and a pidfd, close-on-exec. The end is told by SIGCHLD.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`, `EMFILE`.
///
/// # Safety
/// `stack` is the aligned upper end of one that nobody else uses. It, `occupied`, `argument` and all that `entry` touches
/// are there until `occupied` is cleared. `entry` never returns.
pub unsafe fn bear(
    stack: *mut u8,
    occupied: *mut u32,
    entry: extern "C" fn(*mut c_void) -> !,
    argument: *mut c_void,
) -> Result<(u32, i32)> {
    const SIGCHLD: usize = 17;
    const CLONE_VM: usize = 0x100;
    const CLONE_PIDFD: usize = 0x1000;
    const CLONE_CHILD_CLEARTID: usize = 0x20_0000;
    let flags = SIGCHLD | CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID;
    let mut pidfd = -1;
    // SAFETY: the caller vouches for the child's memory, and the kernel writes one descriptor for this process.
    let id = check(unsafe { arch::clone(flags, stack, &raw mut pidfd, occupied, entry, argument) })?;
    Ok((u32::try_from(id).unwrap_or_default(), pidfd))
}

/// chdir(2).
///
/// # Errors
/// As its manual page.
pub fn change_directory(path: &CStr) -> Result<()> {
    // SAFETY: the path ends in a NUL.
    check(unsafe { syscall(numbers::CHDIR, [path.as_ptr() as usize, 0, 0, 0, 0]) }).map(drop)
}

/// Away from the terminal: setsid(2).
///
/// # Errors
/// `EPERM` for who leads a group already.
pub fn new_session() -> Result<()> {
    plain(numbers::SETSID, [0; 5]).map(drop)
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
