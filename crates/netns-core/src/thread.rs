//! Threads inside: the calling one for a while, and others for good.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::unistd::{getpid, gettid};

use crate::anchor::Anchor;
use crate::error::{Error, Result};
use crate::handle::NetNs;

impl NetNs {
    /// Runs `f` with the calling thread inside this namespace: [`Anchor::run`] with an anchor of the moment.
    ///
    /// The thread is back when this returns, panics included; nothing outside this function can skip that.
    ///
    /// ```no_run
    /// # use netns_core::NetNs;
    /// let ns = NetNs::create(true)?;
    /// let socket = ns.run(|| std::net::UdpSocket::bind("127.0.0.1:53"))?;
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// # Aborts
    /// As [`Anchor::run`].
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        Anchor::here()?.run(self, f)
    }

    /// Starts a thread that is inside before `f` begins and ends there. Threads it starts are inside too.
    ///
    /// ```no_run
    /// # use netns_core::NetNs;
    /// let ns = NetNs::create(true)?;
    /// let server = ns.spawn(|| std::net::TcpListener::bind("127.0.0.1:80"))?;
    /// let listener = server.join().expect("no panic");
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`, `EAGAIN` if no thread could be started. The closure has not run then.
    pub fn spawn<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
        let attempt = "start a thread in the network namespace";
        let namespace = self.clone();
        let (entered, wait) = mpsc::channel();
        let handle = Builder::new()
            .name("netns".into())
            .spawn(move || {
                let result = setns(&namespace, CloneFlags::CLONE_NEWNET);
                let inside = result.is_ok();
                let _caller_waits = entered.send(result);
                if !inside {
                    // Nobody joins this thread, as the caller gets the error instead; no panic message is printed.
                    resume_unwind(Box::new("not inside"));
                }
                f()
            })
            .map_err(|error| {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EAGAIN));
                Error::system("clone", errno, attempt)
            })?;
        match wait.recv() {
            Ok(Ok(())) => Ok(handle),
            Ok(Err(errno)) => Err(Error::system("setns", errno, attempt)),
            Err(_) => Err(Error::panicked()),
        }
    }
}

/// Whether the calling thread is the process's first, whose namespace is what others see as the process's.
#[must_use]
pub fn current_is_main() -> bool {
    gettid() == getpid()
}
