//! The birth of a child: it shares this process's memory until its program runs, so no page table is copied. All that it
//! writes to is its own, the stack too, so nobody has to wait meanwhile.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use netns_exec::setup::place_descriptors;
use netns_exec::{Failure, Join, program, sys};
use nix::errno::Errno;
use nix::libc;
use nix::sys::time::TimeSpec;

use super::plan::Plan;
use super::stack::Stack;
use super::stdio::Laid;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// A child that was born.
#[derive(Debug, Clone)]
pub(super) struct Born {
    pub id: u32,
    pub pidfd: Arc<OwnedFd>,
    pub cradle: Arc<Cradle>,
}

/// What a child reads and writes between its birth and its program. It is there for that long: dropping it waits.
pub(super) struct Cradle {
    plan: Plan,
    join: Join<'static>,
    own: UnsafeCell<Own>,
    /// Not nought while the child is in. The kernel clears it when the child executes or exits.
    occupied: AtomicU32,
}

/// What is the child's alone while it is in.
struct Own {
    sources: Vec<i32>,
    slots: Vec<*const u8>,
    environment: Vec<*const u8>,
    stack: Option<Stack>,
    failure: Option<Failure>,
}

// SAFETY: the pointers are to the plan's strings, which live as long.
unsafe impl Send for Cradle {}
// SAFETY: what is the child's own is touched by nobody else until the child has left, and only read from then on.
unsafe impl Sync for Cradle {}

/// Makes the child, which goes on by itself, with its own copies of the streams.
pub(super) fn bear(plan: Plan, streams: Laid, namespace: Option<&NetNs>) -> Result<Born> {
    let join = namespace.map_or(Join::Stay, |namespace| Join::Descriptor(namespace.as_fd().as_raw_fd()));
    let mut stack = Stack::take();
    let top = stack.top();
    let own = Own {
        sources: streams.sources(),
        slots: plan.slots(),
        environment: plan.environment(),
        stack: Some(stack),
        failure: None,
    };
    let cradle = Arc::new(Cradle { plan, join, own: UnsafeCell::new(own), occupied: AtomicU32::new(1) });
    // No handler of this process may run in the child, whose memory is this process's.
    let mask = sys::block_signals(u64::MAX);
    // SAFETY: the stack and all that the child touches are in the cradle, which is there until the child has left.
    let born = unsafe { sys::bear(top, cradle.occupied.as_ptr(), live, Arc::as_ptr(&cradle).cast_mut().cast()) };
    let _all = sys::block_signals(mask);
    drop(streams);
    match born {
        Ok((id, pidfd)) => {
            // SAFETY: the kernel just returned this descriptor (close-on-exec) and nobody else has it.
            let pidfd = Arc::new(unsafe { OwnedFd::from_raw_fd(pidfd) });
            Ok(Born { id, pidfd, cradle })
        }
        Err(errno) => {
            cradle.vacate();
            let attempt = format!("start '{}'", cradle.plan.file().to_string_lossy());
            Err(Error::system("clone", Errno::from_raw(errno), attempt))
        }
    }
}

impl Cradle {
    /// Waits until the program runs, or never will.
    pub(super) fn wait(&self) {
        while !self.is_left_after(None) {}
    }

    /// Waits for that, but no longer than so; whether it was long enough.
    pub(super) fn is_left_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.is_left_after(Some(left)) || left.is_zero() {
                return self.occupied.load(Ordering::Acquire) == 0;
            }
        }
    }

    /// Sleeps until the word may have changed, or for that time; whether the child has left.
    fn is_left_after(&self, most: Option<Duration>) -> bool {
        let seen = self.occupied.load(Ordering::Acquire);
        if seen == 0 {
            return true;
        }
        let most = most.map(TimeSpec::from);
        let most = most.as_ref().map_or(std::ptr::null(), |most| std::ptr::from_ref(most.as_ref()));
        // SAFETY: the word and the time are there for as long as the call; the kernel only compares the one.
        unsafe { libc::syscall(libc::SYS_futex, self.occupied.as_ptr(), libc::FUTEX_WAIT, seen, most) };
        let left = self.occupied.load(Ordering::Acquire) == 0;
        if left {
            // The kernel wakes only one.
            self.wake();
        }
        left
    }

    /// The child is not there any more; one that a signal ended may have left without the kernel's clearing the word.
    pub(super) fn vacate(&self) {
        if self.occupied.swap(0, Ordering::AcqRel) != 0 {
            self.wake();
        }
    }

    /// Why there is no program. Waits until that is known.
    pub(super) fn failure(&self) -> Option<Error> {
        self.wait();
        // SAFETY: the child has left, and nobody writes from then on.
        let own = unsafe { &*self.own.get() };
        own.failure.as_ref().map(|failure| self.plan.error(failure))
    }

    fn wake(&self) {
        // SAFETY: the word is there for as long as the call, which only wakes those who wait for it.
        unsafe { libc::syscall(libc::SYS_futex, self.occupied.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    }
}

impl fmt::Debug for Cradle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cradle").field("occupied", &self.occupied).finish_non_exhaustive()
    }
}

impl Drop for Cradle {
    fn drop(&mut self) {
        self.wait();
        if let Some(stack) = self.own.get_mut().stack.take() {
            stack.give_back();
        }
    }
}

/// The child, up to its program. Here nothing may allocate, lock, panic or touch the C library.
extern "C" fn live(cradle: *mut c_void) -> ! {
    // SAFETY: the parent passed its cradle, of which it only reads what nobody writes.
    let cradle = unsafe { &*cradle.cast::<Cradle>() };
    // SAFETY: while the child is in, this is its own.
    let own = unsafe { &mut *cradle.own.get() };
    own.failure = Some(become_program(cradle, own));
    sys::exit(127)
}

fn become_program(cradle: &Cradle, own: &mut Own) -> Failure {
    let Cradle { plan, join, .. } = cradle;
    sys::reset_signals();
    // Before the descriptors move, or the namespace's own might be in their way.
    if let Err(failure) = plan.setup(*join).apply() {
        return failure;
    }
    if let Err(failure) = place_descriptors(&mut own.sources) {
        return failure;
    }
    // SAFETY: the plan laid out both arrays, a free slot first in the one, a null pointer last in both.
    unsafe { program::run(plan.file(), plan.path(), &mut own.slots, own.environment.as_ptr()) }
}
