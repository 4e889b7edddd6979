//! Requests and replies as records.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use super::link::{Known, LinkName};
use super::message::Messages;
use super::refusal::Refusal;
use crate::error::Result;
use crate::handle::NetNs;

/// Which messages of a request the kernel has to acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledge {
    /// Those that carry `NLM_F_ACK`.
    Flagged,
    /// The last one of each datagram, whatever their flags: the kernel works through a datagram in order and reports
    /// every refusal, so that one answer stands for all. Not for netfilter, whose batches end otherwise.
    Last,
}

/// One or more netlink messages, and what can be filled in only when they are sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) bytes: Vec<u8>,
    /// Where each message starts, and where the last one ends.
    pub(crate) starts: Vec<usize>,
    /// Kept open until the request was sent: their descriptors are in the bytes.
    namespaces: Vec<NetNs>,
    /// Where the indexes of links are still to be put.
    links: BTreeMap<usize, LinkName>,
    pub(crate) acknowledge: Acknowledge,
}

impl Request {
    /// Of whole messages, each at a multiple of four. Their sequence numbers are filled in when sent.
    ///
    /// # Errors
    /// `ERR_NETNS_PROTOCOL` if the bytes are not whole messages.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let mut messages = Messages::of(&bytes);
        let mut starts = vec![0];
        while let Some(message) = messages.next() {
            message?;
            starts.push(messages.offset().min(bytes.len()));
        }
        let (namespaces, links) = (Vec::new(), BTreeMap::new());
        Ok(Self { bytes, starts, namespaces, links, acknowledge: Acknowledge::Flagged })
    }

    /// Puts the descriptor of `namespace` at `offset`, as in `IFLA_NET_NS_FD`. The request keeps it open until sent.
    #[must_use]
    pub fn with_namespace(mut self, offset: usize, namespace: NetNs) -> Self {
        self.put(offset, namespace.as_fd().as_raw_fd().cast_unsigned());
        self.namespaces.push(namespace);
        self
    }

    /// Puts the index of a link at `offset`. It is looked up when the message's turn comes: so a link that an earlier
    /// message makes can be used.
    #[must_use]
    pub fn with_link(mut self, offset: usize, link: LinkName) -> Self {
        self.links.insert(offset, link);
        self
    }

    /// Chooses what is acknowledged.
    #[must_use]
    pub fn acknowledging(mut self, acknowledge: Acknowledge) -> Self {
        self.acknowledge = acknowledge;
        self
    }

    /// How many messages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of message number `item`.
    pub(crate) fn range(&self, item: usize) -> Range<usize> {
        self.starts[item]..self.starts[item + 1]
    }

    /// The first link whose index message number `item` still lacks.
    pub(crate) fn missing_link(&self, item: usize) -> Option<&LinkName> {
        self.links.range(self.range(item)).next().map(|(_, link)| link)
    }

    /// The first other end whose index any of the messages still lacks.
    pub(crate) fn missing_peer(&self) -> Option<&LinkName> {
        self.links.values().find(|link| matches!(link, LinkName::PeerOf(_)))
    }

    /// A link looked up once is known for the messages behind too.
    pub(crate) fn know_link(&mut self, known: &LinkName, index: u32) {
        let links = std::mem::take(&mut self.links);
        for (offset, link) in links {
            if link == *known {
                self.put(offset, index);
            } else {
                self.links.insert(offset, link);
            }
        }
    }

    /// Puts in what the kernel told of a link in an earlier step; its own index only counts in its own namespace.
    pub(crate) fn know(&mut self, known: &Known, same_namespace: bool) {
        if same_namespace {
            self.know_link(&LinkName::Of(known.name.clone()), known.index);
        }
        if let Some(peer) = known.peer {
            self.know_link(&LinkName::PeerOf(known.name.clone()), peer);
        }
    }

    /// Writes four bytes at `offset`, if they are in the request.
    fn put(&mut self, offset: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(offset..).and_then(|rest| rest.get_mut(..4)) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
    }
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The messages that answer, one after the other; `nlmsg_seq` of each is the number of the message it answers.
    pub data: Vec<u8>,
    /// What the kernel refused, in order.
    pub refusals: Vec<Refusal>,
    /// The dump may have missed something that changed meanwhile (`NLM_F_DUMP_INTR`), even when tried again.
    pub interrupted: bool,
}
