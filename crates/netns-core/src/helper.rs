//! The helper program, where it can be run: in memory, as there may be no place on a disk that lets programs run.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

use netns_exec::HELPER;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::write;

use crate::error::{Error, Result};

const ATTEMPT: &str = "make a helper program that can be run";

/// A descriptor of the helper, open for as long as this process lives, for `/proc/PID/fd/NUMBER`.
///
/// # Errors
/// `EMFILE`; `EACCES` where the sysctl `vm.memfd_noexec` is 2 and no temporary directory lets programs run.
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

/// In memory; where that may not be run (the sysctl `vm.memfd_noexec`), in a file without a name.
fn make() -> Result<OwnedFd> {
    match in_memory() {
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOSYS) => in_a_file(),
        made => made.map_err(|errno| Error::system("memfd_create", errno, ATTEMPT)),
    }
}

fn in_memory() -> Result<OwnedFd, Errno> {
    let open = |flags: libc::c_uint| {
        // SAFETY: the name ends in a NUL.
        Errno::result(unsafe { libc::memfd_create(c"netns-exec".as_ptr(), flags) })
    };
    // Before Linux 6.3 there is no such flag, and every one of them can be run.
    let number = match open(libc::MFD_CLOEXEC | libc::MFD_EXEC) {
        Err(Errno::EINVAL) => open(libc::MFD_CLOEXEC),
        made => made,
    }?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    filled(&unsafe { OwnedFd::from_raw_fd(number) })
}

fn in_a_file() -> Result<OwnedFd> {
    let made = |directory: PathBuf| {
        let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let file = open(&directory, flags, Mode::S_IRUSR | Mode::S_IXUSR)?;
        if fstatvfs(&file)?.flags().contains(FsFlags::ST_NOEXEC) { Err(Errno::EACCES) } else { filled(&file) }
    };
    let directories = [std::env::temp_dir(), "/var/tmp".into(), "/dev/shm".into()];
    directories.into_iter().find_map(|directory| made(directory).ok()).ok_or_else(|| {
        Error::system("memfd_create", Errno::EACCES, ATTEMPT).advising(Some(
            "The sysctl vm.memfd_noexec forbids programs in memory, and no temporary directory lets programs run: set it \
             to 1 or less, or point TMPDIR at a directory on a file system that is not mounted noexec.",
        ))
    })
}

/// With the helper in it, and read-only: nobody who gets at it through /proc may change what this process runs; one that
/// is open for writing could not be run at all.
fn filled(empty: &OwnedFd) -> Result<OwnedFd, Errno> {
    let mut rest = HELPER;
    while !rest.is_empty() {
        let written = write(empty, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    let path = format!("/proc/self/fd/{}", empty.as_raw_fd());
    let readable = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    // Above the standard streams, whose places a child fills.
    let high = fcntl(&readable, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}
