//! How namespaces come into being.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use crate::anchor::Anchor;
use crate::error::Result;
use crate::handle::{NetNs, probe_socket};
use crate::{broker, crew, identity, loopback, socket};

impl Anchor {
    /// Makes a namespace, with `lo` up if wanted, without the thread being seen anywhere else afterwards.
    ///
    /// Without `CAP_SYS_ADMIN` a process in a user namespace of its own makes it, if the system lets everybody have one.
    ///
    /// # Errors
    /// `EPERM` with neither, `ENOSPC` at the limit of namespaces, `EMFILE`. Nothing is left then.
    pub fn create(&self, loopback: bool) -> Result<NetNs> {
        match self.create_here(loopback) {
            Err(error) if error.is_refused_entry() => broker::own().create(loopback),
            result => result,
        }
    }

    /// As [`create`](Self::create), by the calling thread alone: what is to have a name needs its privileges anyway.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`; otherwise as `create`.
    pub fn create_here(&self, loopback: bool) -> Result<NetNs> {
        let attempt = "create a network namespace";
        self.rehearse(attempt)?;
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET) {
            let error = self.refused("unshare", errno, attempt);
            // Who has given up the privileges since the rehearsal is refused as is whoever never had them.
            return Err(if errno == Errno::EPERM { self.rehearse(attempt).err().unwrap_or(error) } else { error });
        }
        let _section = self.moved();
        let socket = probe_socket()?;
        // The kernel opens it faster by a socket than by a path, for whoever has CAP_NET_ADMIN in there.
        let created = socket::namespace_of(socket.as_fd()).or_else(|_| NetNs::current())?;
        if loopback {
            loopback::up(socket.as_fd())?;
        }
        created.remember_cookie(identity::cookie(socket.as_fd()));
        Ok(created)
    }
}

impl NetNs {
    /// Makes a namespace that lives while a handle, a process or a name does, with `lo` up if wanted
    /// ([unshare(2)](https://man7.org/linux/man-pages/man2/unshare.2.html)). The caller stays where it is.
    ///
    /// # Errors
    /// As [`Anchor::create`].
    pub fn create(loopback: bool) -> Result<Self> {
        crew::with_anchor(|anchor| anchor.create(loopback))
    }
}
