//! The floor: the fewest system calls that do the work, without a check, a lock or an error message. Names are made and
//! deleted a second time with what iproute2's protocol asks for, without which two programs break each other's names.

use std::error::Error;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{mkdir, unlink};

use crate::Operation;

const CURRENT: &str = "/proc/thread-self/ns/net";
const NAMED: &str = "/run/netns/bench";

/// What `name` stands for.
pub fn operation(name: &str) -> Result<Operation, Box<dyn Error>> {
    Ok(match name {
        "current" => Box::new(|| namespace(CURRENT).map(drop).map_err(Into::into)),
        "from-name" => Box::new(|| namespace(NAMED).map(drop).map_err(Into::into)),
        "equals" => {
            let (one, other) = (namespace(CURRENT)?, namespace(NAMED)?);
            Box::new(move || {
                let (one, other) = (fstat(&one)?, fstat(&other)?);
                let same = one.st_dev == other.st_dev && one.st_ino == other.st_ino;
                if same { Err("two namespaces cannot be one".into()) } else { Ok(()) }
            })
        }
        "run-sync" => {
            let (home, inside) = (namespace(CURRENT)?, namespace(NAMED)?);
            Box::new(move || {
                setns(&inside, CloneFlags::CLONE_NEWNET)?;
                Ok(setns(&home, CloneFlags::CLONE_NEWNET)?)
            })
        }
        "create" => {
            let home = namespace(CURRENT)?;
            Box::new(move || create(&home).map(drop))
        }
        "create-named" => {
            let home = namespace(CURRENT)?;
            Box::new(move || {
                attach(&create(&home)?, Path::new("/run/netns/raw"))?;
                delete(Path::new("/run/netns/raw"))
            })
        }
        "create-named-shared" => {
            let home = namespace(CURRENT)?;
            Box::new(move || {
                let created = create(&home)?;
                let lock = share(Path::new("/run/netns"))?;
                attach(&created, Path::new("/run/netns/raw"))?;
                drop((lock, created));
                delete(Path::new("/run/netns/raw"))
            })
        }
        "spawn" => {
            let (home, inside) = (namespace(CURRENT)?, namespace(NAMED)?);
            Box::new(move || {
                setns(&inside, CloneFlags::CLONE_NEWNET)?;
                // The standard library starts by posix_spawn(3), from this thread.
                let mut command = Command::new("/bin/true");
                let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                setns(&home, CloneFlags::CLONE_NEWNET)?;
                if child?.wait()?.success() { Ok(()) } else { Err("the program failed".into()) }
            })
        }
        "list" => Box::new(|| {
            let mut directory = Dir::open("/run/netns", OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())?;
            let names = directory.iter().flatten().count();
            if names < 1000 { Err("names are missing".into()) } else { Ok(()) }
        }),
        _ => return Err(format!("no such operation: {name}").into()),
    })
}

fn namespace(path: &str) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
}

fn create(home: &OwnedFd) -> Result<OwnedFd, Box<dyn Error>> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let created = namespace(CURRENT)?;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    loopback_up(&socket)?;
    drop(socket);
    setns(home, CloneFlags::CLONE_NEWNET)?;
    Ok(created)
}

/// The directory of names: made, locked, and a mount whose changes other mount namespaces see.
fn share(directory: &Path) -> Result<Flock<OwnedFd>, Box<dyn Error>> {
    match mkdir(directory, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let descriptor = open(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let lock = Flock::lock(descriptor, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    mount(Some(""), directory, Some("none"), MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>)?;
    Ok(lock)
}

fn attach(created: &OwnedFd, path: &Path) -> Result<(), Box<dyn Error>> {
    drop(open(path, OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC, Mode::empty())?);
    let source = format!("/proc/thread-self/fd/{}", created.as_raw_fd());
    Ok(mount(Some(source.as_str()), path, Some("none"), MsFlags::MS_BIND, None::<&str>)?)
}

fn delete(path: &Path) -> Result<(), Box<dyn Error>> {
    umount2(path, MntFlags::MNT_DETACH)?;
    Ok(unlink(path)?)
}

fn loopback_up(socket: &OwnedFd) -> nix::Result<()> {
    // SAFETY: ifreq is plain old data, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).unwrap_or_default();
    // SAFETY: SIOCSIFFLAGS reads one ifreq from the pointer, which is valid and whose name ends in a NUL.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    nix::errno::Errno::result(result).map(drop)
}
