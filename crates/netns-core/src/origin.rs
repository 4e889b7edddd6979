//! Where a handle can come from: a path, a process, a thread, the start of this process.

use std::os::fd::{FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::open;
use nix::libc;
use nix::sys::stat::{Mode, SFlag, stat};

use crate::error::{Error, Kind, Result};
use crate::handle::{NetNs, OPEN};
use crate::identity::describe_file;

impl NetNs {
    /// The namespace where the process started: that of its main thread when this crate was first used.
    ///
    /// # Errors
    /// As open(2) of `/proc/self/ns/net`.
    pub fn home() -> Result<Self> {
        static HOME: OnceLock<NetNs> = OnceLock::new();
        if let Some(home) = HOME.get() {
            return Ok(home.clone());
        }
        let found = Self::trusted_at(Path::new("/proc/self/ns/net"))?;
        Ok(HOME.get_or_init(|| found).clone())
    }

    /// The namespace behind a path: `/run/netns/red`, `/proc/1/ns/net`, a symbolic link to one.
    ///
    /// # Errors
    /// `ERR_NETNS_NOT_NAMESPACE` for anything else that exists, without opening it; otherwise as stat(2) and open(2).
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let attempt = || format!("open the network namespace '{}'", path.display());
        let failed = |syscall, errno| Error::system(syscall, errno, attempt()).at(path);
        // Opening a device or a FIFO has side effects, so only what may be a namespace is opened.
        let found = stat(path).map_err(|errno| failed("stat", errno))?;
        if SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            let kind = Kind::NotNamespace { found: describe_file(&found).into() };
            return Err(Error::new(kind, attempt()).at(path));
        }
        let fd = open(path, OPEN, Mode::empty()).map_err(|errno| failed("open", errno))?;
        Self::checked(fd, || attempt().into()).map_err(|error| error.at(path))
    }

    /// The namespace of a process's main thread.
    ///
    /// Safe against reuse of the pid: a pidfd taken first must still be alive after the namespace was opened.
    ///
    /// # Errors
    /// `ESRCH` if there is no such process, `EACCES` if its namespaces are not this user's to look at.
    pub fn from_pid(pid: u32) -> Result<Self> {
        Self::of_process(
            pid,
            format!("/proc/{pid}/ns/net").into(),
            format!("open the network namespace of process {pid}"),
        )
    }

    /// The namespace of one thread of a process.
    ///
    /// # Errors
    /// As [`from_pid`](Self::from_pid), and `ESRCH` if the thread is not of that process.
    pub fn from_thread(pid: u32, tid: u32) -> Result<Self> {
        Self::of_process(
            pid,
            format!("/proc/{pid}/task/{tid}/ns/net").into(),
            format!("open the network namespace of thread {tid} of process {pid}"),
        )
    }

    fn of_process(pid: u32, path: PathBuf, attempt: String) -> Result<Self> {
        let pidfd = match pidfd_open(pid) {
            // Before Linux 5.3 the path walk alone, which is one lookup of the pid, has to do.
            Err(Errno::ENOSYS) => None,
            other => Some(other.map_err(|errno| Error::system("pidfd_open", errno, attempt.clone()))?),
        };
        // A thread that is gone or ending has no such file; callers want one code for that.
        let fd = open(&path, OPEN, Mode::empty()).map_err(|errno| match errno {
            Errno::ENOENT => Error::system("open process", Errno::ESRCH, attempt.clone()).at(&path),
            errno => Error::system("open process", errno, attempt.clone()).at(&path),
        })?;
        if let Some(pidfd) = pidfd {
            is_alive(&pidfd).map_err(|errno| Error::system("pidfd_send_signal", errno, attempt.clone()))?;
        }
        Self::checked(fd, || attempt.into()).map_err(|error| error.at(path))
    }
}

fn pidfd_open(pid: u32) -> nix::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two integers; the kernel checks both.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0_u32) };
    let raw = Errno::result(raw)?;
    // SAFETY: the kernel just returned this descriptor (always close-on-exec) and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(raw).map_err(|_| Errno::EBADF)?) })
}

fn is_alive(pidfd: &OwnedFd) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: signal 0 sends nothing and a null siginfo is allowed.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), 0, std::ptr::null::<libc::siginfo_t>(), 0_u32)
    };
    match Errno::result(result) {
        // The process lives, it is only not ours to signal.
        Ok(_) | Err(Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno),
    }
}
