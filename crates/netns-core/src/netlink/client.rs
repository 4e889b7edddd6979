//! The sockets of one namespace, kept for the next request.

use std::sync::{Arc, Mutex, PoisonError};

use super::errands::{Errand, Errands};
use super::link::Known;
use super::message::Messages;
use super::request::{Reply, Request};
use super::socket::{Protocol, Socket};
use crate::error::Result;
use crate::handle::NetNs;
use crate::lane::Lane;

/// Making a socket costs two moves between namespaces; more than these are seldom idle at once.
const IDLE: usize = 2;

/// Asks one namespace's kernel, from any number of threads at once, none of which needs to be inside.
#[derive(Debug)]
pub struct Client {
    namespace: NetNs,
    idle: Mutex<Vec<Socket>>,
    lane: Arc<Lane>,
    errands: Errands,
}

impl Client {
    /// For a namespace, which it keeps alive.
    #[must_use]
    pub fn new(namespace: NetNs) -> Self {
        Self { namespace, idle: Mutex::default(), lane: Arc::default(), errands: Errands::default() }
    }

    /// To be held from when a request is handed to another thread until it was carried out: [`settle`](Self::settle)
    /// waits for it.
    pub fn errand(&self) -> Errand {
        self.errands.begin()
    }

    /// Waits until no request is with another thread any more, so that one which is made here now does not overtake
    /// those. The other threads must not wait for the calling one.
    pub fn settle(&self) {
        self.errands.settle();
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &NetNs {
        &self.namespace
    }

    /// For requests that must not overtake each other, as each is made before the one before was answered.
    #[must_use]
    pub fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// Sends a request's messages in order, as many as fit in each datagram, and collects the answers. What the kernel
    /// refuses is part of the reply, and does not stop the messages behind it.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN` if a socket has to be made in another namespace; as send(2), recv(2);
    /// `ERR_NETNS_PROTOCOL` if the kernel's answer cannot be read.
    pub fn exchange(&self, protocol: Protocol, request: Request) -> Result<Reply> {
        self.with_socket(protocol, |socket| socket.exchange(request))
    }

    /// Sends one message after the other, each of which asks for a dump (`NLM_F_DUMP`), and collects a reply to each. One
    /// that was interrupted by changes is tried again a few times; the last try is then returned as `interrupted`.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    pub fn dump(&self, protocol: Protocol, request: Request) -> Result<Vec<Reply>> {
        self.with_socket(protocol, |socket| socket.dump(request))
    }

    fn with_socket<T>(&self, protocol: Protocol, work: impl FnOnce(&mut Socket) -> Result<T>) -> Result<T> {
        let mut socket = match self.take(protocol) {
            Some(socket) => socket,
            None => Socket::open(&self.namespace, protocol)?,
        };
        // A socket that failed may hold answers nobody waits for: it is not used again.
        let result = work(&mut socket)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(socket);
        }
        Ok(result)
    }

    fn take(&self, protocol: Protocol) -> Option<Socket> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|socket| socket.protocol == protocol)?;
        Some(idle.swap_remove(found))
    }
}

/// Exchanges one request after the other, each with a namespace of its own, until one is refused something: its reply is
/// the last one then.
///
/// [`LinkName::PeerOf`](super::link::LinkName::PeerOf) means the other end of a link in the *first* request's namespace,
/// wherever that end is. What the kernel tells of a link that the first request makes with `NLM_F_ECHO` spares the others
/// their look-ups.
///
/// # Errors
/// As [`Client::exchange`]; the requests before have been carried out.
pub fn in_order(steps: impl IntoIterator<Item = (Arc<Client>, Protocol, Request)>) -> Result<Vec<Reply>> {
    let mut replies: Vec<Reply> = Vec::new();
    let mut maker: Option<Arc<Client>> = None;
    let mut known: Vec<Known> = Vec::new();
    for (client, protocol, mut request) in steps {
        let first = maker.get_or_insert_with(|| Arc::clone(&client));
        let same = Arc::ptr_eq(first, &client);
        for link in &known {
            request.know(link, same);
        }
        if !same && let Some(wanted) = request.missing_peer().cloned() {
            // A kernel before 6.2 does not echo what it made. What is still missing is refused as any unknown link is.
            if let Ok(link) = first.with_socket(protocol, |socket| socket.look_up(wanted.name()))? {
                request.know(&link, false);
            }
        }
        let reply = client.exchange(protocol, request)?;
        if replies.is_empty() {
            known.extend(Messages::of(&reply.data).filter_map(|message| Known::of(&message.ok()?)));
        }
        let refused = !reply.refusals.is_empty();
        replies.push(reply);
        if refused {
            break;
        }
    }
    Ok(replies)
}
