//! For those who have a [`std::process::Command`] already.

use std::os::unix::process::CommandExt as _;

use nix::sched::{CloneFlags, setns};

use crate::handle::NetNs;

/// Puts the children of a [`std::process::Command`] into a namespace.
pub trait CommandExt {
    /// Its children begin in `namespace`.
    ///
    /// It makes the standard library fork, which takes time for each page of this process;
    /// [`Command`](super::Command) does not.
    ///
    /// ```no_run
    /// use netns_core::{CommandExt, NetNs};
    /// let ns = NetNs::create(true)?;
    /// let output = std::process::Command::new("ip").arg("link").netns(&ns).output();
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    fn netns(&mut self, namespace: &NetNs) -> &mut Self;
}

impl CommandExt for std::process::Command {
    fn netns(&mut self, namespace: &NetNs) -> &mut Self {
        let namespace = namespace.clone();
        let enter = move || setns(&namespace, CloneFlags::CLONE_NEWNET).map_err(std::io::Error::from);
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe { self.pre_exec(enter) }
    }
}
