//! Names for namespaces: what `ip netns` keeps under `/run/netns`, shared with it both ways.

mod bind;
mod directory;
mod listing;
mod memory;
mod name;
mod watch;

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{FileStat, Mode, SFlag, lstat, stat};
use nix::unistd::unlink;

pub use listing::{Listing, Named};
pub use name::Name;
pub use watch::{Event, Stopper, Watch};

use crate::crew;
use crate::error::{Error, Kind, Result};
use crate::handle::{NetNs, OPEN};
use crate::identity::describe_file;
use directory::Lock;

/// Where iproute2 keeps its names; `/var/run` is a link to `/run`.
pub const DEFAULT_DIRECTORY: &str = "/run/netns";

/// The mode of a name's file before the namespace is mounted over it. iproute2's are 0 and Go's 0444, so that a file
/// with this one, seen while the lock is held, can only be a leftover of ours.
const OUR_MODE: Mode = Mode::S_IRUSR;
/// A plain file of somebody else's that is older than this is a leftover, not a namespace in the making.
const STALE_AFTER: Duration = Duration::from_secs(10);
/// Enough for any name in iproute2's directory.
const SHORT: usize = 288;
/// More namespaces than anyone stacks on one name, fewer than would look like a hang.
const STACKED: usize = 64;
/// As iproute2 unmounts, but never what a link leads to.
const UNMOUNT: MntFlags = MntFlags::MNT_DETACH.union(MntFlags::UMOUNT_NOFOLLOW);

/// A directory of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    directory: Cow<'static, Path>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { directory: Cow::Borrowed(Path::new(DEFAULT_DIRECTORY)) }
    }
}

impl Registry {
    /// The names in `directory`, which need not exist yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: Cow::Owned(directory.into()) }
    }

    /// Where the names live.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The namespace of that name.
    ///
    /// # Errors
    /// `ENOENT` if there is none, `ERR_NETNS_NOT_NAMESPACE` if the file is a leftover or something else.
    pub fn open(&self, name: &Name) -> Result<NetNs> {
        self.open_checked(name)
    }

    /// As [`open`](Self::open) by what may be a name, without a [`Name`] to be made of it.
    ///
    /// # Errors
    /// As [`Name::new`] and `open`.
    pub fn find(&self, name: &OsStr) -> Result<NetNs> {
        name::check(name)?;
        self.open_checked(name)
    }

    fn open_checked(&self, name: &OsStr) -> Result<NetNs> {
        let attempt = || format!("open the network namespace '{}'", name.display());
        let fd = self.open_file(name).map_err(|errno| Error::system("open", errno, attempt()).at(self.path(name)))?;
        NetNs::checked(fd, || attempt().into()).map_err(|error| error.at(self.path(name)))
    }

    fn open_file(&self, name: &OsStr) -> nix::Result<OwnedFd> {
        // A path on the stack, as to allocate one takes a measurable part of the time.
        let (directory, mut room) = (self.directory.as_os_str().as_bytes(), [0; SHORT]);
        let end = directory.len() + 1 + name.len();
        if directory.is_empty() || end >= SHORT {
            return open(&self.path(name), OPEN, Mode::empty());
        }
        room[..directory.len()].copy_from_slice(directory);
        room[directory.len()] = b'/';
        room[directory.len() + 1..end].copy_from_slice(name.as_bytes());
        let path = CStr::from_bytes_with_nul(&room[..=end]).map_err(|_nul_within| Errno::EINVAL)?;
        open(path, OPEN, Mode::empty())
    }

    /// Makes a namespace with a name: `ip netns add`, with `lo` up if wanted. The caller stays where it is.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken; as [`NetNs::create`] and [`attach`](Self::attach). Nothing is left then.
    pub fn create(&self, name: &Name, loopback: bool) -> Result<NetNs> {
        let created = crew::with_anchor(|anchor| anchor.create_here(loopback))?;
        self.attach(name, &created)?;
        Ok(created)
    }

    /// Gives a namespace a name: `ip netns attach`, for any handle.
    ///
    /// # Errors
    /// `EEXIST` if the name is taken, `EPERM` without `CAP_SYS_ADMIN`, `EACCES` if the directory is not writable.
    pub fn attach(&self, name: &Name, namespace: &NetNs) -> Result<()> {
        let attempt = || format!("give the network namespace the name '{name}'");
        let path = self.path(name);
        let _lock = Lock::prepared(&self.directory, &attempt())?;
        reserve(name, &path)?;
        bind::over(&path, namespace).map_err(|errno| {
            let _leftover_is_reclaimed_later = unlink(&path);
            Error::system("mount", errno, attempt()).at(path)
        })
    }

    /// Takes a name away: `ip netns delete`. The namespace itself lives on while a handle or a process does.
    ///
    /// Leftovers of a crash are removed too: a file without its mount, several mounts over one file. Whatever is
    /// neither a namespace nor an empty file is not touched; of a symbolic link only the link goes.
    ///
    /// # Errors
    /// `ENOENT` if there is no such name, `ERR_NETNS_HOME` if it names the process's own namespace and `force` is
    /// not set, `ERR_NETNS_NOT_NAMESPACE`, `EPERM`.
    pub fn delete(&self, name: &Name, force: bool) -> Result<()> {
        let path = self.path(name);
        let attempt = || format!("delete the name '{name}'");
        let failed = |syscall, errno| Error::system(syscall, errno, attempt()).at(&path);
        let look = || lstat(&path).map_err(|errno| failed("lstat", errno));
        // Where there is no directory, what is missing is the name.
        let _lock = Lock::existing(&self.directory, &attempt()).map_err(|error| look().err().unwrap_or(error))?;
        let mut found = look()?;
        if !force && is_home(&found, &path) {
            return Err(Error::new(Kind::Home, attempt()).at(path));
        }
        for _ in 0..STACKED {
            if !is_mounted(&found) {
                return remove(&path, &found, &attempt());
            }
            match umount2(&path, UNMOUNT) {
                // Somebody else, who need not lock, may have been faster.
                Ok(()) | Err(Errno::EINVAL) => found = look()?,
                Err(errno) => return Err(failed("umount2", errno)),
            }
        }
        Err(failed("umount2", Errno::EBUSY))
    }

    fn path(&self, name: &OsStr) -> PathBuf {
        // To join them would allocate twice.
        let mut path = PathBuf::with_capacity(self.directory.as_os_str().len() + name.len() + 1);
        path.push(&self.directory);
        path.push(name);
        path
    }
}

fn remove(path: &Path, found: &FileStat, attempt: &str) -> Result<()> {
    let failed = |syscall, errno| Error::system(syscall, errno, attempt.to_owned()).at(path);
    if !is_leftover(found) {
        let kind = Kind::NotNamespace { found: describe_file(found).into() };
        return Err(Error::new(kind, attempt.to_owned()).at(path));
    }
    for _ in 0..STACKED {
        match unlink(path) {
            // Somebody mounted over it meanwhile, or another mount namespace still holds it on an old kernel.
            Err(Errno::EBUSY) => drop(umount2(path, UNMOUNT)),
            Err(errno) => return Err(failed("unlink", errno)),
            Ok(()) => return Ok(()),
        }
    }
    Err(failed("unlink", Errno::EBUSY))
}

/// Makes the file that the namespace is mounted over, or takes over one that a crash left behind.
fn reserve(name: &Name, path: &Path) -> Result<()> {
    let attempt = || format!("give the network namespace the name '{name}'");
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_CREAT | OFlag::O_EXCL;
    match open(path, flags, OUR_MODE) {
        Ok(_closed_at_once) => Ok(()),
        Err(Errno::EEXIST) if lstat(path).is_ok_and(|found| is_abandoned(&found)) => Ok(()),
        Err(errno) => Err(Error::system("open", errno, attempt()).at(path)),
    }
}

/// Whether it, or what it links to, is where the process started.
fn is_home(found: &FileStat, path: &Path) -> bool {
    let is = |found: &FileStat| NetNs::home().and_then(|home| home.identity()).is_ok_and(|home| home == found.into());
    is(found) || (is_link(found) && stat(path).is_ok_and(|target| is(&target)))
}

fn is_plain(found: &FileStat) -> bool {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
}

fn is_link(found: &FileStat) -> bool {
    SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFLNK
}

/// An empty plain file that nothing is mounted over, or a link: what a name may leave behind.
fn is_leftover(found: &FileStat) -> bool {
    is_link(found) || (is_plain(found) && found.st_size == 0)
}

/// A leftover that nobody is about to mount a namespace over. The lock is held, so none of ours is in the making; of
/// others only age can tell.
fn is_abandoned(found: &FileStat) -> bool {
    let ours = Mode::from_bits_truncate(found.st_mode) == OUR_MODE;
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(found.st_mtime).unwrap_or_default());
    let old = changed.elapsed().is_ok_and(|age| age > STALE_AFTER);
    is_plain(found) && found.st_size == 0 && !is_mounted(found) && (ours || old)
}

/// Whether it is a namespace: a plain file of size 0 too, but on the kernel's own device for them.
fn is_mounted(found: &FileStat) -> bool {
    NetNs::home().and_then(|home| home.identity()).is_ok_and(|home| home.dev == found.st_dev)
}
