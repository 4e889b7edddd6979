//! What this machine and process can do: each ability is tried for real, on a thread or in a child of our own.

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::unistd::{AccessFlags, access};

use crate::anchor::Anchor;
use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::registry::Registry;
use crate::rootless::{SECCOMP, under_seccomp};
use crate::{broker, capability};

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
    /// Having what must be made inside made there, by this process or by a broker.
    pub reach: Ability,
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
        reach: plain.as_ref().map_err(|error| explain(error.clone())).and_then(can_reach),
        configure: create.clone().and_then(|()| NetNs::create(true).map(drop)),
        rootless: broker::try_own(),
        create,
    }
}

/// Nothing is opened inside without the question whose it is, which the kernel has to answer.
fn can_reach(made: &NetNs) -> Ability {
    made.owns(made.probe_socket()?).map(drop)
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

/// A refusal in spite of the capability comes from a seccomp filter or a security module.
fn explain(error: Error) -> Error {
    let refused = matches!(error.errno(), Some(Errno::EPERM | Errno::ENOSYS));
    let advice = (refused && capability::has_sys_admin() && under_seccomp()).then_some(SECCOMP);
    error.advising(advice)
}
