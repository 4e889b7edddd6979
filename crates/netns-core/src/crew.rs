//! Threads of our own for work that may block: never libuv's, never a shared runtime's.
//!
//! Every member is started by a thread that never leaves home: the first by whoever calls [`muster`] before any
//! thread of the process goes inside, each further one by a member. So none is ever born in a foreign namespace.

use std::cell::{Cell, OnceCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Builder;

use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::thread::Anchor;

/// Enough for calls that wait for the kernel's RCU grace periods or for another process's lock.
const MEMBERS: usize = 4;
/// The members only make system calls and small vectors.
const STACK: usize = 256 * 1024;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Crew {
    jobs: VecDeque<Job>,
    members: usize,
    idle: usize,
}

static CREW: Mutex<Crew> = Mutex::new(Crew { jobs: VecDeque::new(), members: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

thread_local! {
    static MEMBER: Cell<bool> = const { Cell::new(false) };
    /// Where a member belongs, which never changes.
    static ANCHOR: OnceCell<Anchor> = const { OnceCell::new() };
}

/// Calls `f` with an anchor of the calling thread, without asking each time where that belongs if it is a member.
pub(crate) fn with_anchor<R>(f: impl FnOnce(&Anchor) -> Result<R>) -> Result<R> {
    if !MEMBER.get() {
        return f(&Anchor::here()?);
    }
    ANCHOR.with(|cell| {
        if let Some(anchor) = cell.get() {
            return f(anchor);
        }
        let anchor = Anchor::based_in(base()?)?;
        f(cell.get_or_init(|| anchor))
    })
}

/// Where all members were born: found out by the first that asks, so that they share a descriptor.
fn base() -> Result<NetNs> {
    static BASE: OnceLock<NetNs> = OnceLock::new();
    if let Some(base) = BASE.get() {
        return Ok(base.clone());
    }
    let found = NetNs::current()?;
    Ok(BASE.get_or_init(|| found).clone())
}

fn crew() -> MutexGuard<'static, Crew> {
    // A member catches panics of jobs, so the state is whole even if the lock was poisoned.
    CREW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the first member, from the calling thread, which must be at home: later ones come from members.
///
/// # Errors
/// `EAGAIN` if no thread can be started.
pub fn muster() -> Result<()> {
    let mut crew = crew();
    if crew.members == 0 {
        start(&mut crew)?;
    }
    Ok(())
}

/// Has a member run `job`, in no particular order with others.
///
/// # Errors
/// As [`muster`]; the job is not run then.
pub fn submit(job: impl FnOnce() + Send + 'static) -> Result<()> {
    muster()?;
    crew().jobs.push_back(Box::new(job));
    WORK.notify_one();
    Ok(())
}

/// Starts a thread of its own for `task`, which may block for as long as it likes. A member starts it.
///
/// # Errors
/// As [`muster`]. A thread that cannot be started drops the task.
pub fn detach(task: impl FnOnce() + Send + 'static) -> Result<()> {
    submit(move || {
        let _dropped_task_tells = Builder::new().name("netns-wait".into()).stack_size(STACK).spawn(task);
    })
}

fn start(crew: &mut Crew) -> Result<()> {
    Builder::new().name("netns-crew".into()).stack_size(STACK).spawn(work).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EAGAIN));
        Error::system("clone", errno, "start a thread")
    })?;
    crew.members += 1;
    Ok(())
}

fn work() {
    MEMBER.set(true);
    let mut crew = crew();
    loop {
        if let Some(job) = crew.jobs.pop_front() {
            // Whoever takes a job that may block leaves another to take the next: only a member may start one.
            if crew.idle == 0 && crew.members < MEMBERS {
                // Without another member the jobs only take longer.
                let _fewer_hands = start(&mut crew);
            }
            drop(crew);
            // What a panicking job owed its caller is told by what the job dropped.
            let _told_by_drop = catch_unwind(AssertUnwindSafe(job));
            crew = self::crew();
        } else {
            crew.idle += 1;
            crew = WORK.wait(crew).unwrap_or_else(PoisonError::into_inner);
            crew.idle -= 1;
        }
    }
}
