//! Restore or die: how a thread comes back, and what if it cannot.

#![expect(clippy::inline_always, reason = "as in `anchor`: the way back is part of a section")]

use std::io::{Write, stderr};
use std::os::fd::{AsFd, AsRawFd};

use netns_exec::setup::CLONE_NEWNET;
use netns_exec::sys;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::unistd::gettid;

use crate::handle::NetNs;

/// setns(2), there or back, without the C library's function, as that would be one more to return from.
#[inline(always)]
pub(crate) fn go(namespace: &NetNs) -> nix::Result<()> {
    sys::enter(namespace.as_fd().as_raw_fd(), CLONE_NEWNET).map_err(Errno::from_raw)
}

/// Returns the thread, or ends the process.
#[inline(always)]
pub(crate) fn return_to(namespace: &NetNs) {
    // A descriptor that was closed behind our back may be another namespace's by now.
    let returned = namespace.verified().map_err(|error| error.errno().unwrap_or(Errno::EBADF));
    let returned = returned.and_then(|_itself| go(namespace));
    if let Err(errno) = returned {
        return_otherwise(namespace, errno);
    }
}

/// By what else there is, or not at all.
#[cold]
fn return_otherwise(namespace: &NetNs, errno: Errno) {
    if return_by_sibling(namespace) {
        return;
    }
    // Not `eprintln!`, which panics where nobody listens: unwinding would let the thread go on.
    let _nobody_listens = writeln!(
        stderr(),
        "netns: FATAL: thread {} cannot return to its network namespace ({errno:?}: {}, setns). Code that ran inside \
         {}. Aborting, as going on would use the wrong network.",
        gettid(),
        errno.desc(),
        if errno == Errno::EPERM { "gave up CAP_SYS_ADMIN" } else { "closed descriptors that are not its own" },
    );
    std::process::abort();
}

/// If the descriptor itself was lost, another thread that is still there has one to offer.
fn return_by_sibling(namespace: &NetNs) -> bool {
    let wanted = namespace.known_mark();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return false };
    tasks.flatten().any(|task| {
        NetNs::trusted_at(&task.path().join("ns/net")).is_ok_and(|candidate| {
            candidate.verified().is_ok_and(|found| Some(found) == wanted)
                && setns(&candidate, CloneFlags::CLONE_NEWNET).is_ok()
        })
    })
}
