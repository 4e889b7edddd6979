//! The directory of names as iproute2 prepares it: a shared mount, set up under a lock.

use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use crate::error::{Error, Result};

/// How long to wait for somebody else's lock: they hold it for microseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lock that iproute2 takes too; released when dropped.
pub(super) struct Lock {
    _flock: Flock<OwnedFd>,
}

impl Lock {
    /// Makes the directory and its shared mount if they are missing, so that names reach other mount namespaces.
    pub(super) fn prepared(directory: &Path, attempt: &str) -> Result<Self> {
        let lock = match Self::existing(directory, attempt) {
            Err(error) if matches!(error.errno(), Some(Errno::ENOENT | Errno::ENOTDIR)) => {
                make(directory, attempt)?;
                Self::existing(directory, attempt)?
            }
            other => other?,
        };
        share(directory, attempt)?;
        Ok(lock)
    }

    /// Takes the lock of a directory that is there.
    pub(super) fn existing(directory: &Path, attempt: &str) -> Result<Self> {
        let failed = |syscall, errno| Error::system(syscall, errno, attempt.to_owned()).at(directory);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut fd = open(directory, flags, Mode::empty()).map_err(|errno| failed("open", errno))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match Flock::lock(fd, FlockArg::LockExclusiveNonblock) {
                Ok(flock) => return Ok(Self { _flock: flock }),
                Err((_, Errno::EAGAIN)) if Instant::now() > until => return Err(failed("flock", Errno::ETIMEDOUT)),
                Err((same, Errno::EAGAIN | Errno::EINTR)) => {
                    fd = same;
                    sleep(Duration::from_millis(1));
                }
                Err((_, errno)) => return Err(failed("flock", errno)),
            }
        }
    }
}

fn make(directory: &Path, attempt: &str) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
        Error::system("mkdir", errno, attempt.to_owned()).at(directory)
    })
}

fn share(directory: &Path, attempt: &str) -> Result<()> {
    let failed = |errno| Error::system("mount", errno, attempt.to_owned()).at(directory);
    let shared = || {
        let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
        mount(Some(""), directory, Some("none"), flags, None::<&str>)
    };
    match shared() {
        // The directory is no mount yet.
        Err(Errno::EINVAL) => {}
        other => return other.map_err(failed),
    }
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(directory), directory, Some("none"), flags, None::<&str>).map_err(failed)?;
    shared().map_err(failed)
}
