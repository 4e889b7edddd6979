//! Who a child is and what it may do.

use crate::failure::Failure;
use crate::sys;
use crate::sys::errno::{EINVAL, EPERM};

const PR_SET_KEEPCAPS: usize = 8;
const PR_CAPBSET_DROP: usize = 24;
const PR_SET_NO_NEW_PRIVS: usize = 38;
const PR_CAP_AMBIENT: usize = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

/// The supplementary groups.
#[derive(Debug, Clone, Copy, Default)]
pub enum Groups<'a> {
    /// Those of the parent.
    #[default]
    Keep,
    /// None, if that may be had: what goes with another user.
    Drop,
    /// These.
    Set(&'a [u32]),
}

/// User, groups and capabilities.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// Supplementary groups.
    pub groups: Groups<'a>,
    /// Group.
    pub gid: Option<u32>,
    /// User.
    pub uid: Option<u32>,
    /// The capabilities that are left, one bit each; with none, exec can never give any again either.
    pub capabilities: Option<u64>,
}

/// What a child keeps that went through another user namespace, whoever it is there: `NET_BIND_SERVICE`, `NET_ADMIN` and
/// `NET_RAW`, as its network is its own to use.
const NETWORK: u64 = 1 << 10 | 1 << 12 | 1 << 13;

/// Makes the calling process what `wanted` says; `foreign` if it came into another user namespace.
///
/// # Errors
/// `EPERM` for what the process may not; the step is the system call.
pub(crate) fn become_user(wanted: &Credentials<'_>, foreign: bool) -> Result<(), Failure> {
    if let Some(keep) = wanted.capabilities {
        limit(keep)?;
        if keep != 0 && wanted.uid.is_some() {
            control("prctl", PR_SET_KEEPCAPS, [1, 0])?;
        }
    }
    match wanted.groups {
        Groups::Keep => {}
        Groups::Drop => {
            let _not_ours_to_drop = sys::set_groups(&[]);
        }
        Groups::Set(groups) => sys::set_groups(groups).map_err(|errno| Failure::new("setgroups", errno))?,
    }
    if let Some(gid) = wanted.gid {
        sys::set_group(gid).map_err(|errno| Failure::new("setgid", errno))?;
    }
    if let Some(uid) = wanted.uid {
        sys::set_user(uid).map_err(|errno| Failure::new("setuid", errno))?;
    }
    match wanted.capabilities {
        Some(keep) => reduce(keep),
        // Who became another user on the way has nothing left to keep.
        None if foreign && wanted.uid.is_none() => reduce(NETWORK),
        None => Ok(()),
    }
}

/// Takes away what exec could give: the bounding set.
fn limit(keep: u64) -> Result<(), Failure> {
    for capability in 0..64_usize {
        if keep >> capability & 1 == 0 {
            match sys::process_control(PR_CAPBSET_DROP, [capability, 0]) {
                Ok(_) => {}
                // The kernel's last capability is passed.
                Err(EINVAL) => break,
                // Who may not lower the bound loses what it bounds: with no_new_privs exec gives nothing.
                Err(EPERM) if keep == 0 => break,
                Err(errno) => return Err(Failure::new("prctl", errno)),
            }
        }
    }
    Ok(())
}

/// Takes away what the process has, and makes the rest survive exec whoever the user is.
fn reduce(keep: u64) -> Result<(), Failure> {
    control("prctl", PR_CAP_AMBIENT, [PR_CAP_AMBIENT_CLEAR_ALL, 0])?;
    sys::set_capabilities(keep).map_err(|errno| Failure::new("capset", errno))?;
    if keep == 0 {
        return control("prctl", PR_SET_NO_NEW_PRIVS, [1, 0]);
    }
    for capability in (0..64_usize).filter(|capability| keep >> capability & 1 == 1) {
        control("prctl", PR_CAP_AMBIENT, [PR_CAP_AMBIENT_RAISE, capability])?;
    }
    Ok(())
}

fn control(step: &'static str, option: usize, values: [usize; 2]) -> Result<(), Failure> {
    sys::process_control(option, values).map(drop).map_err(|errno| Failure::new(step, errno))
}
