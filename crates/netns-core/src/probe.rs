//! What this machine and process can do: each ability is tried for real, on a thread or in a child of our own.

use std::fs::read_to_string;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::sched::{CloneFlags, clone};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{AccessFlags, access};

use crate::error::{Error, Result};
use crate::handle::{NetNs, probe_socket};
use crate::registry::Registry;
use crate::thread::Anchor;
use crate::{capability, loopback};

/// One ability: it works, or this stands in the way.
pub type Ability = Result<()>;

/// The abilities that need the kernel's consent.
#[derive(Debug, Clone)]
pub struct Abilities {
    /// Opening namespaces by path and pid.
    pub open: Ability,
    /// Making a namespace.
    pub create: Ability,
    /// Making one with a name in the registry's directory.
    pub create_named: Ability,
    /// Entering and coming back.
    pub enter: Ability,
    /// Having a user namespace with a network of its own, without privileges.
    pub rootless: Ability,
    /// Changing the network of a namespace of ours.
    pub configure: Ability,
}

/// Tries everything and leaves nothing behind. To be called on a thread of the [`crew`](crate::crew): it goes inside.
#[must_use]
pub fn probe(registry: &Registry) -> Abilities {
    let plain = NetNs::create(false);
    let create = plain.as_ref().map(drop).map_err(|error| explain(error.clone()));
    Abilities {
        open: NetNs::current().map(drop),
        create_named: create.clone().and_then(|()| can_name(registry)),
        enter: match &plain {
            Ok(namespace) => namespace.run(|| ()),
            Err(_) => create.clone().and(Anchor::here().map(drop)),
        },
        configure: create.clone().and_then(|()| NetNs::create(true).map(drop)),
        rootless: can_be_rootless(),
        create,
    }
}

/// A mount is a matter of the *mount* namespace's owner, which may be another; unmounting what is no mount asks for
/// nothing but that permission.
fn can_name(registry: &Registry) -> Ability {
    let attempt = "mount a name";
    if umount2("/proc/thread-self/ns", MntFlags::UMOUNT_NOFOLLOW) == Err(Errno::EPERM) {
        return Err(Error::system("mount", Errno::EPERM, attempt).advising(Some(
            "This needs CAP_SYS_ADMIN over the mount namespace: run as root, or give the user namespace a mount \
             namespace too, as by `unshare -Urnm`.",
        )));
    }
    let directory = registry.directory();
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(directory);
    access(existing, AccessFlags::W_OK).map_err(|errno| Error::system("mkdir", errno, attempt).at(directory))
}

/// A child in new user and network namespaces brings its `lo` up: security modules let some make the namespaces, but do
/// nothing in them. The child shares our memory until it exits, so that nothing is copied, and sends no SIGCHLD.
fn can_be_rootless() -> Ability {
    let mut stack = vec![0_u8; 64 * 1024];
    let child = Box::new(|| {
        let result = probe_socket().and_then(|socket| loopback::up(socket.as_fd()));
        result.err().and_then(|error| error.errno()).map_or(0, |errno| errno as isize)
    });
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET;
    // SAFETY: with CLONE_VFORK this thread sleeps until the child is gone, so the stack and the memory they share are
    // the child's alone; the child only makes system calls.
    let pid = unsafe { clone(child, &mut stack, flags, None) }.map_err(rootless_error)?;
    match waitpid(pid, Some(WaitPidFlag::__WCLONE)) {
        Ok(WaitStatus::Exited(_, 0)) => Ok(()),
        Ok(WaitStatus::Exited(_, code)) => Err(rootless_error(Errno::from_raw(code))),
        _ => Err(rootless_error(Errno::EIO)),
    }
}

fn rootless_error(errno: Errno) -> Error {
    let is = |file: &str, value: &str| read_to_string(file).is_ok_and(|found| found.trim() == value);
    let advice = if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces here: allow this program by a profile with `userns,`, or set the sysctl \
         kernel.apparmor_restrict_unprivileged_userns to 0."
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "User namespaces are off for ordinary users: set the sysctl kernel.unprivileged_userns_clone to 1."
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "User namespaces are off: set the sysctl user.max_user_namespaces above 0."
    } else if under_seccomp() {
        SECCOMP
    } else {
        "User namespaces are refused here: run as root, or on a kernel with CONFIG_USER_NS."
    };
    Error::system("clone", errno, "use a user namespace of its own").advising(Some(advice))
}

const SECCOMP: &str = "A seccomp filter stands in the way, as in most containers: give the container the capability \
                       and a profile that allows unshare and setns.";

/// A refusal in spite of the capability comes from a seccomp filter or a security module.
fn explain(error: Error) -> Error {
    let refused = matches!(error.errno(), Some(Errno::EPERM | Errno::ENOSYS));
    let advice = (refused && capability::has_sys_admin() && under_seccomp()).then_some(SECCOMP);
    error.advising(advice)
}

fn under_seccomp() -> bool {
    read_to_string("/proc/thread-self/status").is_ok_and(|status| {
        status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"))
    })
}
