//! What a child can be set up with, and in which order that is done.

use core::ffi::CStr;

use crate::credentials::{Credentials, become_user};
use crate::failure::Failure;
use crate::sys::errno::{EPERM, ESRCH};
use crate::sys::{self, Fd};
use crate::{etc, sysfs};

const CLONE_NEWNS: usize = 0x0002_0000;
pub(crate) const CLONE_NEWUSER: usize = 0x1000_0000;
/// `setns(2)` and `unshare(2)`: the network.
pub const CLONE_NEWNET: usize = 0x4000_0000;
const MS_REC: usize = 0x4000;
const MS_SLAVE: usize = 0x8_0000;
const PR_SET_PDEATHSIG: usize = 1;
const SIGKILL: usize = 9;

/// The network namespace to join.
#[derive(Debug, Clone, Copy)]
pub enum Join<'a> {
    /// The one the child is born in.
    Stay,
    /// By the number of an open descriptor.
    Descriptor(i32),
    /// By path, if it still is the namespace of that device and inode.
    Path {
        /// Where.
        path: &'a CStr,
        /// Which.
        identity: Option<(u64, u64)>,
    },
}

/// Everything that is done to a child before its program runs, in the order of [`Setup::apply`].
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The network.
    pub join: Join<'a>,
    /// Brings `lo` up.
    pub loopback: bool,
    /// A directory whose entries cover those of `/etc` with the same names.
    pub etc: Option<&'a CStr>,
    /// A `/sys` that shows this network.
    pub sysfs: bool,
    /// The working directory.
    pub directory: Option<&'a CStr>,
    /// Who it is and what it may do.
    pub credentials: Credentials<'a>,
    /// The process with whose end the child dies.
    pub parent: Option<u32>,
}

impl Setup<'_> {
    /// Sets the calling process up.
    ///
    /// # Errors
    /// The first step that failed; the process is good for nothing but exit then.
    pub fn apply(&self) -> Result<(), Failure> {
        let foreign = self.enter()?;
        if self.loopback {
            sys::loopback_up().map_err(|errno| Failure::new("ioctl", errno))?;
        }
        if self.etc.is_some() || self.sysfs {
            self.mount()?;
        }
        if let Some(directory) = self.directory {
            sys::change_directory(directory).map_err(|errno| Failure::new("chdir", errno).at(directory))?;
        }
        become_user(&self.credentials, foreign)?;
        // Changing the user clears it, so it comes last.
        self.parent.map_or(Ok(()), bind_to)
    }

    /// Whether that led through another user namespace.
    fn enter(&self) -> Result<bool, Failure> {
        match self.join {
            Join::Stay => Ok(false),
            Join::Descriptor(net) => join(net).map_err(|errno| Failure::new("setns", errno)),
            Join::Path { path, identity } => {
                let net = sys::open(None, path, 0).map_err(|errno| Failure::new("open", errno).at(path))?;
                let found = sys::identity(&net).map_err(|errno| Failure::new("fstat", errno).at(path))?;
                if identity.is_some_and(|wanted| wanted != found) {
                    // Another process has the number now.
                    return Err(Failure::new("setns", ESRCH).at(path));
                }
                join(net.number()).map_err(|errno| Failure::new("setns", errno).at(path))
            }
        }
    }

    /// A mount namespace of its own that still hears of the host's mounts, but tells nobody of its own.
    fn mount(&self) -> Result<(), Failure> {
        sys::unshare(CLONE_NEWNS).map_err(|errno| Failure::new("unshare", errno))?;
        sys::propagate(c"/", MS_SLAVE | MS_REC).map_err(|errno| Failure::new("mount", errno).at(c"/"))?;
        if let Some(directory) = self.etc {
            etc::cover(directory)?;
        }
        if self.sysfs {
            sysfs::mount()?;
        }
        Ok(())
    }
}

/// Enters a network, by way of the user namespace that owns it for callers who are nobody in their own but somebody
/// there; whether it was.
fn join(net: i32) -> sys::Result<bool> {
    match sys::enter(net, CLONE_NEWNET) {
        Err(EPERM) => {
            let owner = sys::owner(net).map_err(|_| EPERM)?;
            sys::enter(owner.number(), CLONE_NEWUSER).map_err(|_| EPERM)?;
            sys::enter(net, CLONE_NEWNET).map(|()| true)
        }
        result => result.map(|()| false),
    }
}

/// Has the kernel kill this process with its parent. The signal is sent when the parent's *thread* that made the child
/// ends; whoever makes bound children does so on a thread that ends with its process.
fn bind_to(parent: u32) -> Result<(), Failure> {
    sys::process_control(PR_SET_PDEATHSIG, [SIGKILL, 0]).map_err(|errno| Failure::new("prctl", errno))?;
    // Gone before the kernel knew of our wish?
    if sys::parent() != parent {
        sys::die(SIGKILL);
    }
    Ok(())
}

/// The standard streams and what else the program is to find open.
///
/// `sources[n]` becomes descriptor `n` of the program; a negative one is not there. Every other descriptor from 3 on is
/// closed by exec. The slice is changed: sources in the way of targets move.
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn place_descriptors(sources: &mut [i32]) -> Result<(), Failure> {
    let failed = |errno| Failure::new("dup3", errno);
    let count = i32::try_from(sources.len()).unwrap_or(i32::MAX);
    for (target, source) in (0..).zip(sources.iter_mut()) {
        if *source >= 0 && *source < count && *source != target {
            *source = sys::duplicate(*source, count).map_err(failed)?;
        }
    }
    if sys::close_on_exec_from(3).is_err() {
        close_listed_on_exec()?;
    }
    for (target, source) in (0..).zip(sources.iter().copied()) {
        if source < 0 {
            continue;
        }
        if source == target { sys::keep(target) } else { sys::place(source, target) }.map_err(failed)?;
        if target < 3 {
            // As for Node's children; what cannot be asked needs no change.
            let _unaskable = sys::make_blocking(target);
        }
    }
    Ok(())
}

/// Before Linux 5.11: what `/proc` lists, one by one.
fn close_listed_on_exec() -> Result<(), Failure> {
    const F_SETFD: usize = 2;
    const FD_CLOEXEC: usize = 1;
    let path = c"/proc/self/fd";
    let failed = |errno| Failure::new("close_range", errno).at(path);
    let directory: Fd = sys::open(None, path, sys::O_DIRECTORY).map_err(failed)?;
    etc::each_entry(&directory, |name| {
        let number = name
            .to_bytes()
            .iter()
            .fold(0_i32, |sum, digit| sum.wrapping_mul(10).wrapping_add(i32::from(digit.wrapping_sub(b'0'))));
        if number > 2 {
            let _gone = sys::control(number, F_SETFD, FD_CLOEXEC);
        }
        Ok(())
    })
    .map_err(|failure| failed(failure.errno))
}
