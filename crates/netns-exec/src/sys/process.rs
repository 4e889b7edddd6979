//! A process's surroundings, its program and its end.

use core::ffi::CStr;

use super::arch::{numbers, syscall};
use super::{Errno, Result, check, plain};

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
