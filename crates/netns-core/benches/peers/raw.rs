//! The floor: the fewest system calls that do the work, without a check, a lock or an error message.

use std::error::Error;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::dir::Dir;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::unlink;

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
            Box::new(move || named(&home, Path::new("/run/netns/raw")))
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

fn named(home: &OwnedFd, path: &Path) -> Result<(), Box<dyn Error>> {
    let created = create(home)?;
    drop(open(path, OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC, Mode::empty())?);
    let source = format!("/proc/thread-self/fd/{}", created.as_raw_fd());
    mount(Some(source.as_str()), path, Some("none"), MsFlags::MS_BIND, None::<&str>)?;
    drop(created);
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
