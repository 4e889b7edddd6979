//! Threads of our own for work that may block: never libuv's, never a shared runtime's.
//!
//! Every member is started by a thread that never leaves home: the first by whoever calls [`muster`] before any
//! thread of the process goes inside, each further one by a member. So none is ever born in a foreign namespace.

use std::cell::{Cell, OnceCell};
use std::collections::VecDeque;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Builder, Thread};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::anchor::Anchor;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Enough for calls that wait for the kernel's RCU grace periods or for another process's lock.
const MEMBERS: usize = 4;
/// The members only make system calls and small vectors.
const STACK: usize = 256 * 1024;

/// Whoever waits for one call makes the next one soon. To be woken costs both sides about as long as this.
const WATCH: Duration = Duration::from_micros(50);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Crew {
    jobs: VecDeque<Job>,
    members: usize,
    /// Those that sleep. The last one to work is the first to be woken: what it needs is still at hand.
    idle: Vec<Thread>,
    /// Whether a member looks for the next job without sleeping.
    watched: bool,
}

static CREW: Mutex<Crew> = Mutex::new(Crew { jobs: VecDeque::new(), members: 0, idle: Vec::new(), watched: false });
/// There is a job for the member that watches.
static SEEN: AtomicBool = AtomicBool::new(false);

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
    let mut crew = crew();
    crew.jobs.push_back(Box::new(job));
    if crew.watched && crew.jobs.len() == 1 {
        SEEN.store(true, Ordering::Release);
        return Ok(());
    }
    let woken = crew.idle.pop();
    // Whoever is woken needs the lock.
    drop(crew);
    if let Some(member) = woken {
        member.unpark();
    }
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
            if crew.idle.is_empty() && crew.members < MEMBERS {
                // Without another member the jobs only take longer.
                let _fewer_hands = start(&mut crew);
            }
            drop(crew);
            // What a panicking job owed its caller is told by what the job dropped.
            let _told_by_drop = catch_unwind(AssertUnwindSafe(job));
            crew = watch(self::crew());
        } else {
            let this = thread::current();
            crew.idle.push(this.clone());
            drop(crew);
            thread::park();
            crew = self::crew();
            // One that was woken by nobody is still among those that sleep.
            crew.idle.retain(|member| member.id() != this.id());
        }
    }
}

/// Looks for another job for a moment before the calling member goes to sleep, if no other does.
fn watch(mut crew: MutexGuard<'static, Crew>) -> MutexGuard<'static, Crew> {
    if !crew.jobs.is_empty() || crew.watched || !has_processors() {
        return crew;
    }
    crew.watched = true;
    SEEN.store(false, Ordering::Relaxed);
    drop(crew);
    let start = Instant::now();
    while !SEEN.load(Ordering::Acquire) && start.elapsed() < WATCH {
        // Not a yield: the scheduler would have whoever yields wait for all others, also when there is a job.
        spin_loop();
    }
    // What came when nobody looked any more is in the queue.
    let mut crew = self::crew();
    crew.watched = false;
    crew
}

/// On a single processor whoever watches keeps others from what is watched for.
fn has_processors() -> bool {
    static SEVERAL: OnceLock<bool> = OnceLock::new();
    // Not std's `available_parallelism`: it reads control groups, which takes kilobytes of code.
    let several = |ours: CpuSet| (0..CpuSet::count()).filter(|&cpu| ours.is_set(cpu).unwrap_or(false)).nth(1).is_some();
    *SEVERAL.get_or_init(|| sched_getaffinity(Pid::from_raw(0)).is_ok_and(several))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn every_job_is_run_whether_it_finds_the_members_busy_watching_or_asleep() {
        let (sender, receiver) = channel();
        let submitters: Vec<_> = (0..4_u64)
            .map(|submitter| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for number in 0..500 {
                        let sender = sender.clone();
                        submit(move || sender.send(number).expect("somebody listens")).expect("a thread");
                        // Around the time for which a member watches.
                        thread::sleep(Duration::from_micros((number * 7 + submitter) % 200));
                    }
                })
            })
            .collect();
        drop(sender);
        for submitter in submitters {
            submitter.join().expect("no panic");
        }
        let mut seen: Vec<u64> = receiver.iter().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).flat_map(|number| [number; 4]).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_that_blocks_keeps_no_other_waiting() {
        let (release, blocked) = channel::<()>();
        let (sender, receiver) = channel();
        submit(move || blocked.recv().expect("it is let go")).expect("a thread");
        for number in 0..50 {
            let sender = sender.clone();
            submit(move || sender.send(number).expect("somebody listens")).expect("a thread");
        }
        drop(sender);
        assert_eq!(receiver.iter().count(), 50);
        release.send(()).expect("it waits");
    }
}
