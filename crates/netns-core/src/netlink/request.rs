//! Requests and replies as records.

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

/// Where the index of a link is to be put, and which of the request's links that is.
#[derive(Debug, Clone, Copy)]
struct Blank {
    offset: usize,
    link: usize,
}

/// One or more netlink messages, and what can be filled in only when they are sent.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) bytes: Vec<u8>,
    /// Where each message starts, and where the last one ends.
    pub(crate) starts: Vec<usize>,
    /// Kept open until the request was sent: their descriptors are in the bytes.
    namespaces: Vec<NetNs>,
    /// The links that it is about, with their indexes once they are known.
    links: Vec<(LinkName, Option<u32>)>,
    /// In the order of their offsets.
    blanks: Vec<Blank>,
    /// How many of the blanks are dealt with: messages are sent in order.
    filled: usize,
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
        let (namespaces, links, blanks) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { bytes, starts, namespaces, links, blanks, filled: 0, acknowledge: Acknowledge::Flagged })
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
    pub fn with_link(self, offset: usize, link: LinkName) -> Self {
        self.with_links([link], [(offset, 0)])
    }

    /// As [`with_link`](Self::with_link) for many: pairs of an offset and the place among `links`.
    #[must_use]
    pub fn with_links(
        mut self,
        links: impl IntoIterator<Item = LinkName>,
        blanks: impl IntoIterator<Item = (usize, usize)>,
    ) -> Self {
        let first = self.links.len();
        self.links.extend(links.into_iter().map(|link| (link, None)));
        let blanks = blanks.into_iter().map(|(offset, link)| Blank { offset, link: first + link });
        self.blanks.extend(blanks.filter(|blank| blank.link < self.links.len()));
        self.blanks.sort_by_key(|blank| blank.offset);
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

    /// Puts the indexes that are known into message number `item`, up to the first link that is not: that one is
    /// returned.
    pub(crate) fn fill(&mut self, item: usize) -> Option<&LinkName> {
        let end = self.starts[item + 1];
        while let Some(&Blank { offset, link }) = self.blanks.get(self.filled).filter(|blank| blank.offset < end) {
            let Some(index) = self.links[link].1 else { return Some(&self.links[link].0) };
            self.put(offset, index);
            self.filled += 1;
        }
        None
    }

    /// Leaves message number `item` out, with what is still to be put into it.
    pub(crate) fn skip(&mut self, item: usize) {
        let end = self.starts[item + 1];
        self.filled += self.blanks[self.filled..].iter().take_while(|blank| blank.offset < end).count();
    }

    /// The first other end whose index any of the messages still lacks.
    pub(crate) fn missing_peer(&self) -> Option<&LinkName> {
        let blanks = self.blanks[self.filled..].iter();
        let missing = |(link, index): &&(LinkName, Option<u32>)| index.is_none() && matches!(link, LinkName::PeerOf(_));
        blanks.map(|blank| &self.links[blank.link]).find(missing).map(|(link, _)| link)
    }

    /// A link looked up once is known for the messages behind too.
    pub(crate) fn know_link(&mut self, known: &LinkName, index: u32) {
        for (link, found) in &mut self.links {
            if link == known {
                *found = Some(index);
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
