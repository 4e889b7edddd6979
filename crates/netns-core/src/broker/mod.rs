//! What a caller may not do inside, a process does that may: the helper, in the user namespace that owns the network.
//!
//! There is one for each such user namespace, started by the first operation that needs it and again if it was killed;
//! it ends when the last handle that used it is dropped, or with this process. All threads share it.

mod link;

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use netns_exec::broker::wire::Operation;
use nix::errno::Errno;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::identity::{self, Identity};
use crate::{capability, rootless};
use link::Link;

/// One broker, whether its process runs at the moment or not.
#[derive(Debug)]
pub(crate) struct Broker {
    start: Start,
    link: Mutex<Option<Link>>,
}

/// How its process comes to where it may.
#[derive(Debug)]
enum Start {
    /// In the user namespace that the first process makes, which the descriptor keeps for those after it.
    Found(OnceLock<OwnedFd>),
    /// In somebody's.
    Join(OwnedFd),
    /// In this process's own, for one that could enter but not return.
    Stay,
}

/// What a broker gave.
#[derive(Debug)]
pub(crate) struct Given {
    pub fd: Option<OwnedFd>,
    pub payload: Vec<u8>,
}

/// The broker that new namespaces come from. It lives as long as the process: whoever makes one makes another.
pub(crate) fn own() -> Arc<Broker> {
    static OWN: OnceLock<Arc<Broker>> = OnceLock::new();
    Arc::clone(OWN.get_or_init(|| Arc::new(Broker::new(Start::Found(OnceLock::new())))))
}

/// Whether one can be had, tried for real: security modules let some make the namespaces, but do nothing in them.
pub(crate) fn try_own() -> Result<()> {
    Broker::new(Start::Found(OnceLock::new())).create(true).map(drop)
}

/// The broker for a namespace, if there can be one: the caller's own user namespace, or one within, has to own it.
///
/// # Errors
/// Where there was too little of something to find out: what fails for good has no broker.
pub(crate) fn of(namespace: &NetNs) -> Result<Option<Arc<Broker>>> {
    static BROKERS: Mutex<Option<HashMap<Identity, Weak<Broker>>>> = Mutex::new(None);
    let owner = match identity::owner_descriptor(namespace) {
        Ok(owner) => owner,
        Err(error) if error.is_shortage() => return Err(error),
        Err(_) => return Ok(None),
    };
    let found = identity::identity(owner.as_fd())?;
    let own = own();
    if own.founded().is_some_and(|founded| identity::identity(founded.as_fd()) == Ok(found)) {
        return Ok(Some(own));
    }
    let mut guard = BROKERS.lock().unwrap_or_else(PoisonError::into_inner);
    let brokers = guard.get_or_insert_default();
    if let Some(broker) = brokers.get(&found).and_then(Weak::upgrade) {
        return Ok(Some(broker));
    }
    brokers.retain(|_, broker| broker.strong_count() > 0);
    let start = match is_own_user_namespace(found) {
        false => Start::Join(owner),
        true if capability::has_sys_admin() => Start::Stay,
        true => return Ok(None),
    };
    let broker = Arc::new(Broker::new(start));
    brokers.insert(found, Arc::downgrade(&broker));
    Ok(Some(broker))
}

fn is_own_user_namespace(identity: Identity) -> bool {
    nix::sys::stat::stat("/proc/thread-self/ns/user").is_ok_and(|found| Identity::from(&found) == identity)
}

impl Broker {
    fn new(start: Start) -> Self {
        Self { start, link: Mutex::default() }
    }

    /// Makes a namespace.
    pub(crate) fn create(&self, loopback: bool) -> Result<NetNs> {
        let attempt = "create a network namespace";
        let given = self.ask(Operation::Create, [loopback.into(), 0, 0], &[], None, attempt)?;
        given.descriptor(attempt).map(NetNs::trusted)
    }

    /// Has something done, starting the process if there is none.
    pub(crate) fn ask(
        &self,
        operation: Operation,
        values: [u32; 3],
        payload: &[u8],
        namespace: Option<&NetNs>,
        attempt: &'static str,
    ) -> Result<Given> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was killed takes nothing along, so what it was asked may be asked again.
        for _ in 0..2 {
            let open = match link.take() {
                Some(open) => open,
                None => self.start(attempt)?,
            };
            if let Some(answer) = open.ask(operation, values, payload, namespace.map(AsFd::as_fd), attempt)? {
                *link = Some(open);
                return answer;
            }
        }
        Err(Error::system("broker", Errno::EPIPE, attempt))
    }

    fn start(&self, attempt: &'static str) -> Result<Link> {
        let link = Link::start()?;
        let (operation, user) = match &self.start {
            Start::Stay => (Operation::Stay, None),
            Start::Join(user) => (Operation::Join, Some(user)),
            Start::Found(founded) => match founded.get() {
                Some(user) => (Operation::Join, Some(user)),
                None => (Operation::Found, None),
            },
        };
        let answer = link.ask(operation, [0; 3], &[], user.map(AsFd::as_fd), attempt)?;
        let given = answer.ok_or_else(|| Error::system("broker", Errno::EPIPE, attempt))?;
        let given = given.map_err(|error| match operation {
            Operation::Found if !error.is_shortage() => error.advising(Some(rootless::advice())),
            _ => error,
        })?;
        if let (Start::Found(founded), Some(fd)) = (&self.start, given.fd) {
            let _set_once = founded.set(fd);
        }
        Ok(link)
    }

    fn founded(&self) -> Option<&OwnedFd> {
        match &self.start {
            Start::Found(founded) => founded.get(),
            Start::Join(_) | Start::Stay => None,
        }
    }
}

impl Given {
    /// The descriptor that every answer to such a request has.
    pub(crate) fn descriptor(self, attempt: &'static str) -> Result<OwnedFd> {
        self.fd.ok_or_else(|| Error::system("broker", Errno::EBADF, attempt))
    }
}
