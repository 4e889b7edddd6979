//! The birth of a child: it shares this process's memory until its program runs, so no page table is copied. All that it
//! writes to is its own, the stack too, so nobody has to wait meanwhile.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netns_exec::setup::place_descriptors;
use netns_exec::{Failure, Join, program, sys};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::unistd::pipe2;

use super::plan::Plan;
use super::stdio::Laid;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// For the child's own calls, a directory listing and a path among them; debug builds take some.
const STACK: usize = 64 * 1024;

/// A child that was born.
pub(super) struct Born {
    pub id: u32,
    pub pidfd: Arc<OwnedFd>,
    pub cradle: Arc<Cradle>,
    /// A pipe that is closed at the other end once the program runs or never will, if that was wanted.
    pub begun: Option<OwnedFd>,
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
    stack: Vec<MaybeUninit<u8>>,
    failure: Option<Failure>,
}

// SAFETY: the pointers are to the plan's strings, which live as long.
unsafe impl Send for Cradle {}
// SAFETY: what is the child's own is touched by nobody else until the child has left, and only read from then on.
unsafe impl Sync for Cradle {}

/// Makes the child, which goes on by itself, with its own copies of the streams. If `announced`, a pipe tells of its
/// program.
pub(super) fn bear(plan: Plan, streams: Laid, namespace: Option<&NetNs>, announced: bool) -> Result<Born> {
    let failed = |syscall, errno, plan: &Plan| {
        Error::system(syscall, errno, format!("start '{}'", plan.file().to_string_lossy()))
    };
    // The child's end is closed by its exec or exit; this process's, when this function is left.
    let telling = if announced { Some(pipe_from(streams.count())) } else { None };
    let (begun, _childs) = telling.transpose().map_err(|errno| failed("pipe2", errno, &plan))?.unzip();
    let join = namespace.map_or(Join::Stay, |namespace| Join::Descriptor(namespace.as_fd().as_raw_fd()));
    let mut own = Own {
        sources: streams.sources(),
        slots: plan.slots(),
        environment: plan.environment(),
        stack: Vec::with_capacity(STACK),
        failure: None,
    };
    let top = own.stack.spare_capacity_mut().as_mut_ptr_range().end;
    // Both architectures want sixteen.
    let top = top.wrapping_sub(top.addr() % 16);
    let cradle = Arc::new(Cradle { plan, join, own: UnsafeCell::new(own), occupied: AtomicU32::new(1) });
    // No handler of this process may run in the child, whose memory is this process's.
    let mask = sys::block_signals(u64::MAX);
    // SAFETY: the stack and all that the child touches are in the cradle, which is there until the child has left.
    let born = unsafe { sys::bear(top.cast(), cradle.occupied.as_ptr(), live, Arc::as_ptr(&cradle).cast_mut().cast()) };
    let _all = sys::block_signals(mask);
    drop(streams);
    match born {
        Ok((id, pidfd)) => {
            // SAFETY: the kernel just returned this descriptor (close-on-exec) and nobody else has it.
            let pidfd = Arc::new(unsafe { OwnedFd::from_raw_fd(pidfd) });
            Ok(Born { id, pidfd, cradle, begun })
        }
        Err(errno) => {
            cradle.vacate();
            Err(failed("clone", Errno::from_raw(errno), &cradle.plan))
        }
    }
}

/// A pipe whose writing end is out of the way of the child's first descriptors.
fn pipe_from(first: i32) -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    if writer.as_raw_fd() >= first {
        return Ok((reader, writer));
    }
    let higher = fcntl(&writer, FcntlArg::F_DUPFD_CLOEXEC(first))?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok((reader, unsafe { OwnedFd::from_raw_fd(higher) }))
}

impl Cradle {
    /// Waits until the program runs, or never will.
    pub(super) fn wait(&self) {
        let mut waited = false;
        loop {
            let seen = self.occupied.load(Ordering::Acquire);
            if seen == 0 {
                break;
            }
            // SAFETY: the word is there for as long as the call; the kernel only compares it.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.occupied.as_ptr(),
                    libc::FUTEX_WAIT,
                    seen,
                    std::ptr::null::<libc::timespec>(),
                )
            };
            waited = true;
        }
        if waited {
            // The kernel wakes only one.
            self.wake();
        }
    }

    pub(super) fn is_left(&self) -> bool {
        self.occupied.load(Ordering::Acquire) == 0
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
