//! From a file's name to a running program, as execvp(3) does it.

use core::ffi::CStr;

use crate::failure::Failure;
use crate::sys;
use crate::sys::Errno;
use crate::sys::errno::{EACCES, ENAMETOOLONG, ENODEV, ENOENT, ENOEXEC, ENOTDIR, ESTALE, ETIMEDOUT};

/// Where programs are looked for when the environment has no `PATH`.
pub const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Executes `file`, looked for in `path` if its name has no slash. A file that is neither a binary nor begins with `#!`
/// goes to `/bin/sh`. Returns only if it failed.
///
/// # Safety
/// `slots` is one free slot, the arguments as C strings, the zeroth among them, and a null pointer; `environment` is an
/// array of C strings that ends in a null pointer.
pub unsafe fn run(file: &CStr, path: &[u8], slots: &mut [*const u8], environment: *const *const u8) -> Failure {
    let failed = |errno| Failure::new("execve", errno).at(file);
    let name = file.to_bytes();
    if name.is_empty() {
        return failed(ENOENT);
    }
    if name.contains(&b'/') {
        // SAFETY: the caller's arrays are as `attempt` wants them.
        return failed(unsafe { attempt(file, slots, environment) });
    }
    let mut last = ENOENT;
    let mut denied = false;
    for directory in path.split(|byte| *byte == b':') {
        let mut buffer = [0_u8; 4096];
        let Some(candidate) = join(directory, name, &mut buffer) else {
            last = ENAMETOOLONG;
            continue;
        };
        // SAFETY: as above.
        match unsafe { attempt(candidate, slots, environment) } {
            EACCES => denied = true,
            errno @ (ENOENT | ENOTDIR | ENODEV | ESTALE | ETIMEDOUT) => last = errno,
            errno => return failed(errno),
        }
    }
    failed(if denied { EACCES } else { last })
}

/// # Safety
/// As [`run`].
unsafe fn attempt(file: &CStr, slots: &mut [*const u8], environment: *const *const u8) -> Errno {
    let Some([_, arguments @ ..]) = slots.get(..) else { return ENOENT };
    // SAFETY: after the free slot come the arguments and a null pointer.
    let errno = unsafe { sys::execute(file, arguments.as_ptr(), environment) };
    if errno != ENOEXEC {
        return errno;
    }
    // `/bin/sh file argument…`: the free slot and the zeroth argument's make room for the two names.
    let zeroth = slots.get(1).copied();
    if let [shell, script, ..] = slots {
        *shell = c"/bin/sh".as_ptr().cast();
        *script = file.as_ptr().cast();
    }
    // SAFETY: the slots still end in a null pointer.
    let errno = unsafe { sys::execute(c"/bin/sh", slots.as_ptr(), environment) };
    if let (Some(slot), Some(zeroth)) = (slots.get_mut(1), zeroth) {
        *slot = zeroth;
    }
    errno
}

/// `directory/name`, where no directory means the working one.
fn join<'a>(directory: &[u8], name: &[u8], buffer: &'a mut [u8; 4096]) -> Option<&'a CStr> {
    let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
    let mut end = 0;
    for part in [directory, slash, name, b"\0"] {
        buffer.get_mut(end..end + part.len())?.copy_from_slice(part);
        end += part.len();
    }
    CStr::from_bytes_with_nul(buffer.get(..end)?).ok()
}
