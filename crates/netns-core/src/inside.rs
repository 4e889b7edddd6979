//! What has to be made inside: by this thread if it may go there and back, by a broker otherwise. Nothing above knows.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use netns_exec::broker::wire::Operation;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{UnixAddr, bind};

use crate::broker::Broker;
use crate::crew;
use crate::error::{Error, Result};
use crate::handle::NetNs;

/// Does it here, or has it done.
pub(crate) fn either<T>(
    namespace: &NetNs,
    here: impl FnOnce() -> Result<T>,
    brokered: impl FnOnce(&Broker) -> Result<T>,
) -> Result<T> {
    if let Some(broker) = namespace.known_broker() {
        return brokered(broker);
    }
    match crew::with_anchor(|anchor| anchor.run(namespace, here)) {
        Ok(result) => result,
        Err(error) if error.is_refused_entry() => namespace.broker()?.map_or(Err(error), brokered),
        Err(error) => Err(error),
    }
}

impl NetNs {
    /// A socket of this namespace, close-on-exec, by the numbers of socket(2).
    ///
    /// ```no_run
    /// # use netns_core::NetNs;
    /// let udp = NetNs::create(true)?.open_socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    /// # Ok::<(), netns_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `EPERM` if neither this thread nor a broker may go there; as socket(2): `EAFNOSUPPORT`, `EMFILE`.
    pub fn open_socket(&self, family: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
        let attempt = "open a socket in the network namespace";
        let here = || {
            // SAFETY: socket takes three integers; the kernel checks them.
            let result = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
            let number = Errno::result(result).map_err(|errno| Error::system("socket", errno, attempt))?;
            // SAFETY: the kernel just returned this descriptor and nobody else has it.
            Ok(unsafe { OwnedFd::from_raw_fd(number) })
        };
        either(self, here, |broker| {
            let values = [family, kind, protocol].map(i32::cast_unsigned);
            broker.ask(Operation::Socket, values, &[], Some(self), attempt)?.descriptor(attempt)
        })
    }

    /// The cheapest socket there is, to ask which namespace this is.
    pub(crate) fn probe_socket(&self) -> Result<OwnedFd> {
        self.open_socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)
    }
}

impl NetNs {
    /// A stream socket of this namespace that is bound to an abstract name: unix(7).
    ///
    /// # Errors
    /// `EADDRINUSE`, `EINVAL` for a name that is too long, and as [`open_socket`](Self::open_socket).
    pub fn bind_abstract(&self, name: &[u8]) -> Result<OwnedFd> {
        let failed = |errno| Error::system("bind", errno, "bind a socket to the abstract name");
        let socket = self.open_socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0)?;
        let address = UnixAddr::new_abstract(name).map_err(failed)?;
        bind(socket.as_raw_fd(), &address).map_err(failed)?;
        Ok(socket)
    }
}
