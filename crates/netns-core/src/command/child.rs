//! A child, from the wish for it to its end.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use nix::errno::Errno;
use nix::libc;

use super::birth::{Born, Cradle};
use super::story::Story;
use crate::error::{Error, Result};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody knows: this process ignores `SIGCHLD`, so the kernel kept no status.
    Unknown,
}

#[derive(Debug)]
enum Phase {
    Starting,
    Failed(Error),
    /// Whether its program runs already, the cradle knows.
    Born(Born),
    Ended(u32, Exit),
}

/// What is known of a child.
#[derive(Debug)]
pub(super) struct State {
    phase: Mutex<Phase>,
    changed: Condvar,
}

impl State {
    /// Of a child that is yet to be born.
    pub(super) fn starting() -> Arc<Self> {
        Self::of(Phase::Starting)
    }

    pub(super) fn born(born: Born) -> Arc<Self> {
        Self::of(Phase::Born(born))
    }

    fn of(phase: Phase) -> Arc<Self> {
        Arc::new(Self { phase: Mutex::new(phase), changed: Condvar::new() })
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, phase: Phase) {
        *self.phase() = phase;
        self.changed.notify_all();
    }

    pub(super) fn fail(&self, error: Error) {
        self.change(Phase::Failed(error));
    }

    pub(super) fn bear(&self, born: Born) {
        self.change(Phase::Born(born));
    }

    pub(super) fn end(&self, exit: Exit) {
        let mut phase = self.phase();
        if let Phase::Born(Born { id, .. }) = *phase {
            *phase = Phase::Ended(id, exit);
        }
        drop(phase);
        self.changed.notify_all();
    }

    fn begun(&self) -> MutexGuard<'_, Phase> {
        self.after(|phase| matches!(phase, Phase::Starting))
    }

    /// Its process id, and where it is until its program runs; nowhere if it has ended. Waits for its birth.
    pub(super) fn birth(&self) -> Result<(u32, Option<Arc<Cradle>>)> {
        match &*self.begun() {
            Phase::Failed(error) => Err(error.clone()),
            Phase::Ended(id, _) => Ok((*id, None)),
            Phase::Born(Born { id, cradle, .. }) => Ok((*id, Some(Arc::clone(cradle)))),
            Phase::Starting => Err(Error::panicked()),
        }
    }

    fn after(&self, waiting: impl Fn(&Phase) -> bool) -> MutexGuard<'_, Phase> {
        self.changed.wait_while(self.phase(), |phase| waiting(phase)).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A child. Dropping it neither ends the child nor leaves a zombie: it is waited for in any case.
#[derive(Debug)]
pub struct Child {
    state: Arc<State>,
    story: Weak<Story>,
    pipes: Vec<Option<OwnedFd>>,
}

impl Child {
    pub(super) fn new(state: Arc<State>, story: &Arc<Story>, pipes: Vec<Option<OwnedFd>>) -> Self {
        Self { state, story: Arc::downgrade(story), pipes }
    }

    /// This process's ends of the pipes, each at the number of the child's end; they can be taken once.
    pub fn pipes(&mut self) -> Vec<Option<OwnedFd>> {
        std::mem::take(&mut self.pipes)
    }

    /// The process id, once the program runs or has ended: this waits for that, well under a millisecond as a rule.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn started(&self) -> Result<u32> {
        let (id, cradle) = self.state.birth()?;
        cradle.and_then(|cradle| cradle.failure()).map_or(Ok(id), Err)
    }

    /// Has the listener of [`launch`](super::Command::launch) hear once that the program runs, however often this is called
    /// and unless it has ended.
    pub fn announce(&self) {
        if let Some(story) = self.story.upgrade() {
            story.announce();
        }
    }

    /// Sends a signal, by pidfd, so that it never reaches another process; `false` if the child has ended. Signal 0
    /// only asks.
    ///
    /// # Errors
    /// `EPERM` if the child is another user by now, `EINVAL` for a number that is no signal.
    pub fn kill(&self, signal: i32) -> Result<bool> {
        let (pidfd, cradle) = match &*self.state.begun() {
            Phase::Born(Born { pidfd, cradle, .. }) => (Arc::clone(pidfd), Arc::clone(cradle)),
            _ => return Ok(false),
        };
        if cradle.failure().is_some() {
            return Ok(false);
        }
        // SAFETY: the descriptor is open and a null siginfo is allowed.
        let result = unsafe {
            let none = std::ptr::null::<libc::siginfo_t>();
            libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, none, 0_u32)
        };
        match Errno::result(result) {
            Ok(_) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(errno) => Err(Error::system("kill", errno, "send a signal to the program")),
        }
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn wait(&self) -> Result<Exit> {
        match &*self.state.after(|phase| !matches!(phase, Phase::Ended(..) | Phase::Failed(_))) {
            Phase::Ended(_, exit) => Ok(*exit),
            Phase::Failed(error) => Err(error.clone()),
            _ => Err(Error::panicked()),
        }
    }
}
