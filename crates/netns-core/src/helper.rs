//! The helper program, where it can be run: in memory, as there may be no place on a disk that lets programs run.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use netns_exec::HELPER;
use nix::errno::Errno;
use nix::libc;
use nix::unistd::write;

use crate::error::{Error, Result};

/// A descriptor of the helper, open for as long as this process lives, for `/proc/PID/fd/NUMBER`.
///
/// # Errors
/// `EMFILE`; `EACCES` where the sysctl `vm.memfd_noexec` is 2.
pub fn descriptor() -> Result<i32> {
    static HELD: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(held) = HELD.get() {
        return Ok(held.as_raw_fd());
    }
    let made = make()?;
    Ok(HELD.get_or_init(|| made).as_raw_fd())
}

/// Where a child of this process finds it.
pub(crate) fn path() -> Result<String> {
    descriptor().map(|number| format!("/proc/self/fd/{number}"))
}

fn make() -> Result<OwnedFd> {
    let failed = |syscall| move |errno| Error::system(syscall, errno, "make a helper program in memory");
    let open = |flags: libc::c_uint| {
        // SAFETY: the name ends in a NUL.
        Errno::result(unsafe { libc::memfd_create(c"netns-exec".as_ptr(), flags) })
    };
    // Before Linux 6.3 there is no such flag, and every one of them can be run.
    let made = match open(libc::MFD_CLOEXEC | libc::MFD_EXEC) {
        Err(Errno::EINVAL) => open(libc::MFD_CLOEXEC),
        made => made,
    };
    let number = made.map_err(failed("memfd_create"))?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    let memory = unsafe { OwnedFd::from_raw_fd(number) };
    let mut rest = HELPER;
    while !rest.is_empty() {
        let written = write(&memory, rest).map_err(failed("write"))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    // Nobody who gets at it through /proc may change what this process runs; one that is open for writing could not be
    // run at all.
    reopen(&memory).map_err(failed("open"))
}

fn reopen(memory: &OwnedFd) -> Result<OwnedFd, Errno> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
    use nix::sys::stat::Mode;
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    let readable = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    // Above the standard streams, whose places a child fills.
    let high = fcntl(&readable, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}
