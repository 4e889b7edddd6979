//! The birth of a child: it shares this process's memory until its program runs, so no page table is copied.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;

use netns_exec::setup::place_descriptors;
use netns_exec::{Failure, Setup, program, sys};
use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;

use super::child::{Child, Exit, State};
use super::plan::Plan;
use super::{Command, Event, reaper};
use crate::crew;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Who hears of a child.
pub(super) type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// For the child's own calls, a directory listing and a path among them; debug builds take some.
const STACK: usize = 64 * 1024;

/// Has a member of the crew start the child. Only such a thread may: its end would kill a bound child, and it never
/// ends. It stays where it is; the child alone enters the namespace.
pub(super) fn launch(command: Command, namespace: &NetNs, listener: Listener) -> Result<Child> {
    reaper::prepare()?;
    let (mut plan, pipes) = Plan::new(command, Some(namespace))?;
    let child = Child::starting(pipes);
    let mut debt = Debt { state: Arc::clone(child.state()), listener, paid: false };
    crew::submit(move || {
        let born = plan.complete().and_then(|()| bear(&plan));
        drop(plan);
        debt.paid = true;
        settle(born, &debt.state, &debt.listener);
    })?;
    Ok(child)
}

/// Starts a program from the calling thread, in that one's network. Nobody hears of its end, but it is waited for.
pub(super) fn start_here(command: Command) -> Result<()> {
    reaper::prepare()?;
    let (mut plan, _no_pipes) = Plan::new(command, None)?;
    plan.complete()?;
    let (_, pidfd) = bear(&plan)?;
    reaper::watch(Arc::new(pidfd), |_| ());
    Ok(())
}

/// Whoever waits for a child whose start panicked must hear of it.
struct Debt {
    state: Arc<State>,
    listener: Listener,
    paid: bool,
}

impl Drop for Debt {
    fn drop(&mut self) {
        if !self.paid {
            settle(Err(Error::panicked()), &self.state, &self.listener);
        }
    }
}

fn settle(born: Result<(Pid, OwnedFd)>, state: &Arc<State>, listener: &Listener) {
    let (pid, pidfd) = match born {
        Ok(born) => born,
        Err(error) => {
            state.fail(error.clone());
            listener(&Event::Failed(error));
            return;
        }
    };
    let id = pid.as_raw().unsigned_abs();
    let pidfd = Arc::new(pidfd);
    state.run(id, Arc::clone(&pidfd));
    listener(&Event::Started(id));
    let (state, listener) = (Arc::clone(state), Arc::clone(listener));
    reaper::watch(pidfd, move |exit: Exit| {
        state.end(exit);
        listener(&Event::Exited(exit));
    });
}

/// What the parent hands to the child and the child hands back, in the memory they share for that time.
struct Hand<'a> {
    setup: Setup<'a>,
    file: &'a CStr,
    path: &'a [u8],
    sources: Vec<i32>,
    slots: Vec<*const u8>,
    environment: Vec<*const u8>,
    failure: Option<Failure>,
}

fn bear(plan: &Plan) -> Result<(Pid, OwnedFd)> {
    let mut stack = Vec::<MaybeUninit<u8>>::with_capacity(STACK);
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    // Both architectures want sixteen.
    let top = top.wrapping_sub(top.addr() % 16);
    let mut hand = Hand {
        setup: plan.setup(),
        file: plan.file(),
        path: plan.path(),
        sources: plan.sources(),
        slots: plan.slots(),
        environment: plan.environment(),
        failure: None,
    };
    let mut pidfd: libc::c_int = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    // No handler of this process may run in the child, whose memory is this process's.
    let mask = sys::block_signals(u64::MAX);
    // SAFETY: with CLONE_VFORK this thread sleeps until the child executes or exits, so stack and hand are the child's
    // alone until then; CLONE_PIDFD has the kernel write one descriptor to the last argument.
    let pid = unsafe { libc::clone(live, top.cast(), flags, (&raw mut hand).cast(), &raw mut pidfd) };
    let result = Errno::result(pid);
    let _all = sys::block_signals(mask);
    let pid =
        result.map_err(|errno| Error::system("clone", errno, format!("start '{}'", plan.file().to_string_lossy())))?;
    let pid = Pid::from_raw(pid);
    // SAFETY: the kernel just returned this descriptor (close-on-exec) and nobody else has it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    match hand.failure {
        None => Ok((pid, pidfd)),
        Some(failure) => {
            // It has exited or is about to; nothing may be left of it.
            reaper::collect(&pidfd);
            Err(plan.error(&failure))
        }
    }
}

/// The child, up to its program. Here nothing may allocate, lock, panic or touch the C library.
extern "C" fn live(hand: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the parent passed a Hand that it does not touch while this runs.
    let hand = unsafe { &mut *hand.cast::<Hand<'_>>() };
    hand.failure = Some(become_program(hand));
    sys::exit(127)
}

fn become_program(hand: &mut Hand<'_>) -> Failure {
    sys::reset_signals();
    // Before the descriptors move, or the namespace's own might be in their way.
    if let Err(failure) = hand.setup.apply() {
        return failure;
    }
    if let Err(failure) = place_descriptors(&mut hand.sources) {
        return failure;
    }
    // SAFETY: the plan laid out both arrays, a free slot first in the one, a null pointer last in both.
    unsafe { program::run(hand.file, hand.path, &mut hand.slots, hand.environment.as_ptr()) }
}
